/** Making a passkey: a name and the password, the browser's own question, recovery codes when it is the first second factor. Also after the set-up. */
import { Button, Form, Input } from 'antd';
import { useState } from 'react';
import { hasPasskeys, isAtAddress, makePasskey, PasskeyError } from '../api/passkey.ts';
import { inertString } from '../parts/inert-text.ts';
import { Failure, Notice } from '../parts/states.tsx';
import { useTexts } from '../text/lang.ts';
import { words } from './passkey-words.ts';
import { RecoveryCodes } from './recovery.tsx';
import { words as entryWords } from './words.ts';

/** What went wrong, in plain words; cancelling is no error. */
export function PasskeyFailure({ error }: { error: unknown }) {
  const t = useTexts(words);
  if (error === undefined) return null;
  if (!(error instanceof PasskeyError)) return <Failure error={error} compact />;
  const { fault } = error;
  switch (fault.why) {
    case 'cancelled': case 'known': return <Notice compact icon="lock" title={t(fault.why)} />;
    case 'elsewhere': return <Notice compact icon="lock" title={t('elsewhere', { domain: fault.domain })} />;
    case 'browser': return <Notice compact icon="warn" tone="bad" title={t('browser', { said: inertString(fault.said) })} />;
  }
}

/** What to do where this browser has none; undefined where all is well. `origin`: where they work. */
export function usePasskeyHindrance(): string | undefined {
  const t = useTexts(words);
  if (isAtAddress()) return t('address');
  return hasPasskeys() ? undefined : t('unsupported');
}

/** `password`: of somebody who gave it a moment ago. */
export function MakePasskey({ password, doneLabel, onDone }: { password?: string; doneLabel: string; onDone: (recoveryLeft: number | undefined) => void }) {
  const t = useTexts(words);
  const entry = useTexts(entryWords);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [codes, setCodes] = useState<string[]>();
  const make = async (given: { name: string; password?: string }): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      const { recovery } = await makePasskey(password ?? given.password ?? '', given.name.trim());
      if (recovery) setCodes(recovery);
      else onDone(undefined);
    } catch (fault) {
      setError(fault);
    } finally {
      setBusy(false);
    }
  };
  if (codes) return <RecoveryCodes codes={codes} label={doneLabel} onDone={() => { onDone(codes.length); }} />;
  return (
    <Form layout="vertical" requiredMark={false} className="m-form" onFinish={(given: { name: string; password?: string }) => { void make(given); }}>
      <PasskeyFailure error={error} />
      <Form.Item name="name" label={t('name')} rules={[{ required: true, whitespace: true, message: t('name') }]}><Input autoFocus size="large" maxLength={100} placeholder={t('namePlace')} /></Form.Item>
      {password === undefined && <Form.Item name="password" label={t('password')} extra={t('passwordWhy')} rules={[{ required: true, message: entry('enterPassword') }]}><Input.Password autoComplete="current-password" size="large" maxLength={1000} /></Form.Item>}
      <Button htmlType="submit" type="primary" size="large" block loading={isBusy}>{t('make')}</Button>
      <p className="m-quiet" style={{ textAlign: 'center', marginTop: 10 }}>{t('makeHow')}</p>
    </Form>
  );
}
