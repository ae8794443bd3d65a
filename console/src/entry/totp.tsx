/** Turning the second factor on: secret, a code that proves it, recovery codes. Also for the account's own page. */
import { useQuery } from '@tanstack/react-query';
import { Alert, Button, Form, Input, QRCode } from 'antd';
import { type ReactNode, useState } from 'react';
import { ApiError, ask } from '../api/client.ts';
import { Shown } from '../parts/states.tsx';
import { useSay, useTexts } from '../text/lang.ts';
import { RecoveryCodes } from './recovery.tsx';
import { words } from './words.ts';

interface TotpProps { password: string; /** Another way than this. */ instead?: ReactNode; /** What stands on the last button. */ done?: string; onDone: (recoveryLeft: number) => void; onLater?: () => void }

export function TotpSteps({ password, instead, done, onDone, onLater }: TotpProps) {
  const t = useTexts(words);
  const say = useSay();
  const [codes, setCodes] = useState<string[]>();
  // Once confirmed there is none to ask for.
  const secret = useQuery({ enabled: codes === undefined, queryKey: ['totp-secret'], queryFn: () => ask<{ secret: string; uri: string }>('POST', '/session/totp', { body: { password } }), gcTime: 0, staleTime: Number.POSITIVE_INFINITY, refetchOnWindowFocus: false, refetchInterval: false });
  const [error, setError] = useState<ApiError>();
  const confirm = async ({ code }: { code: string }): Promise<void> => {
    setError(undefined);
    try {
      setCodes((await ask<{ recovery: string[] }>('PUT', '/session/totp', { body: { code: code.trim() } })).recovery);
    } catch (thrown) {
      if (!(thrown instanceof ApiError)) throw thrown;
      setError(thrown);
    }
  };
  if (codes) return <RecoveryCodes codes={codes} label={done ?? t('done')} onDone={() => { onDone(codes.length); }} />;
  return (
    <>
      <p className="m-quiet">{t('totpLead')}</p>
      <Shown of={secret}>
        {({ secret: key, uri }) => (
          <Form layout="vertical" requiredMark={false} onFinish={(body: { code: string }) => { void confirm(body); }}>
            <div className="m-qr" role="img" aria-label={t('qr')}><QRCode value={uri} size={172} bordered={false} color="#14262a" bgColor="#ffffff" /></div>
            <p className="m-quiet" style={{ textAlign: 'center', marginBottom: 16 }}>{t('totpManual')}<br /><code>{key.match(/.{1,4}/g)?.join(' ')}</code></p>
            {error && <Alert type="error" showIcon title={say(error.text)} style={{ marginBottom: 16 }} />}
            <Form.Item name="code" label={t('code')} rules={[{ required: true, message: t('enterCode') }]}><Input autoComplete="one-time-code" inputMode="numeric" size="large" maxLength={10} /></Form.Item>
            <Button htmlType="submit" type="primary" size="large" block>{t('confirm')}</Button>
            {instead}
            {onLater && <Button type="link" block style={{ marginTop: 8 }} onClick={onLater}>{t('later')}</Button>}
          </Form>
        )}
      </Shown>
    </>
  );
}
