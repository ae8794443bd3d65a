/** Log-on: account and password, then the code or the passkey when the account has one; or a passkey alone. */
import { Alert, Button, Form, Input } from 'antd';
import { useState } from 'react';
import { ApiError, ask } from '../api/client.ts';
import { type Begun, hasPasskeys, isAtAddress, provePasskey, type PasskeyProof } from '../api/passkey.ts';
import { type Me, useSession } from '../api/session.tsx';
import { useSay, useTexts } from '../text/lang.ts';
import { EntryFrame } from './frame.tsx';
import { PasskeyFailure } from './passkey-make.tsx';
import { words as passkeyWords } from './passkey-words.ts';
import { words } from './words.ts';

interface Known { name: string; password: string; /** What else proves who it is. */ factors: readonly string[]; passkey: Begun | undefined }

/** `name`: whose session ended. */
export function LogOnForm({ name, onEnter }: { name?: string; onEnter: (me: Me) => void }) {
  const t = useTexts(words);
  const k = useTexts(passkeyWords);
  const say = useSay();
  const [known, setKnown] = useState<Known>();
  const [busy, setBusy] = useState<'form' | 'passkey'>();
  const [error, setError] = useState<unknown>();
  const isAble = hasPasskeys() && !isAtAddress();
  const attempt = async (how: 'form' | 'passkey', work: () => Promise<Me | undefined>): Promise<void> => {
    setBusy(how);
    setError(undefined);
    try {
      const me = await work();
      if (me) onEnter(me);
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(undefined);
    }
  };
  /** Undefined when more is needed, which is asked for then. */
  const logOn = async (body: { name: string; password: string; code?: string; passkey?: PasskeyProof }): Promise<Me | undefined> => {
    try {
      return await ask<Me>('POST', '/session', { body });
    } catch (thrown) {
      if (!(thrown instanceof ApiError)) throw thrown;
      if (thrown.code === 'code-needed') {
        const { factors = ['code'], passkey } = thrown.body as { factors?: string[]; passkey?: Begun };
        setKnown({ name: body.name, password: body.password, factors, passkey });
        return undefined;
      }
      // A challenge is good for one answer: back to where there is a new one.
      if (body.passkey) setKnown(undefined);
      throw thrown;
    }
  };
  const alone = (): Promise<void> => attempt('passkey', async () => ask<Me>('POST', '/session/passkey', { body: await provePasskey(await ask<Begun>('POST', '/session/passkey/options')) }));
  const wrong = error === undefined ? null : error instanceof ApiError ? <Alert type="error" showIcon title={say(error.text)} style={{ marginBottom: 16 }} /> : <PasskeyFailure error={error} />;
  if (known) {
    const { factors, passkey, ...who } = known;
    const byKey = isAble ? passkey : undefined;
    const hasCode = factors.includes('code');
    return (
      <Form key="code" layout="vertical" requiredMark={false} className="m-form" onFinish={({ code }: { code: string }) => { void attempt('form', () => logOn({ ...who, code: code.trim() })); }}>
        {wrong}
        {byKey && (
          <>
            <p className="m-quiet" style={{ marginBottom: 14 }}>{k('secondHow')}</p>
            <Button type="primary" size="large" block autoFocus loading={busy === 'passkey'} onClick={() => { void attempt('passkey', async () => logOn({ ...who, passkey: await provePasskey(byKey) })); }}>{k('second')}</Button>
            <p className="m-or">{k('orCode')}</p>
          </>
        )}
        <p className="m-quiet" style={{ marginBottom: 14 }}>{t(hasCode ? 'codeHow' : 'recoveryHow')}</p>
        <Form.Item name="code" label={t(hasCode ? 'code' : 'recoveryCode')} rules={[{ required: true, message: t('enterCode') }]}><Input autoFocus={!byKey} autoComplete="one-time-code" inputMode="text" size="large" maxLength={40} /></Form.Item>
        <Button htmlType="submit" {...(!byKey && { type: 'primary' })} size="large" block loading={busy === 'form'}>{t('useCode')}</Button>
        <Button type="link" block style={{ marginTop: 8 }} onClick={() => { setKnown(undefined); setError(undefined); }}>{t('other')}</Button>
      </Form>
    );
  }
  return (
    <Form key="password" layout="vertical" requiredMark={false} className="m-form" initialValues={{ name }} onFinish={(body: { name: string; password: string }) => { void attempt('form', () => logOn(body)); }}>
      {wrong}
      <Form.Item name="name" label={t('name')} rules={[{ required: true, message: t('enterName') }]}><Input autoFocus={name === undefined} autoComplete="username" size="large" maxLength={200} /></Form.Item>
      <Form.Item name="password" label={t('password')} rules={[{ required: true, message: t('enterPassword') }]}><Input.Password autoFocus={name !== undefined} autoComplete="current-password" size="large" maxLength={1000} /></Form.Item>
      <Button htmlType="submit" type="primary" size="large" block loading={busy === 'form'}>{t('logOn')}</Button>
      {isAble && <><p className="m-or">{k('or')}</p><Button size="large" block loading={busy === 'passkey'} onClick={() => { void alone(); }}>{k('logOn')}</Button></>}
    </Form>
  );
}

export default function LogOn() {
  const t = useTexts(words);
  const { enter } = useSession();
  return <EntryFrame title={t('logOn')} lead={t('welcome')}><LogOnForm onEnter={enter} /></EntryFrame>;
}
