/** Log-on: account and password, then the code when the account has one. */
import { Alert, Button, Form, Input } from 'antd';
import { useState } from 'react';
import { ApiError, ask } from '../api/client.ts';
import { type Me, useSession } from '../api/session.tsx';
import { useSay, useTexts } from '../text/lang.ts';
import { EntryFrame } from './frame.tsx';
import { words } from './words.ts';

/** `name`: whose session ended. */
export function LogOnForm({ name, onEnter }: { name?: string; onEnter: (me: Me) => void }) {
  const t = useTexts(words);
  const say = useSay();
  const [known, setKnown] = useState<{ name: string; password: string }>();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const enter = async (body: { name: string; password: string; code?: string }): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      onEnter(await ask<Me>('POST', '/session', { body }));
    } catch (thrown) {
      if (!(thrown instanceof ApiError)) throw thrown;
      if (thrown.code === 'code-needed') setKnown({ name: body.name, password: body.password });
      else setError(thrown);
    } finally {
      setBusy(false);
    }
  };
  const wrong = error && <Alert type="error" showIcon title={say(error.text)} style={{ marginBottom: 16 }} />;
  if (known) {
    return (
      <Form key="code" layout="vertical" requiredMark={false} className="m-form" onFinish={({ code }: { code: string }) => { void enter({ ...known, code: code.trim() }); }}>
        <p className="m-quiet" style={{ marginBottom: 14 }}>{t('codeHow')}</p>
        {wrong}
        <Form.Item name="code" label={t('code')} rules={[{ required: true, message: t('enterCode') }]}><Input autoFocus autoComplete="one-time-code" inputMode="text" size="large" maxLength={40} /></Form.Item>
        <Button htmlType="submit" type="primary" size="large" block loading={isBusy}>{t('useCode')}</Button>
        <Button type="link" block style={{ marginTop: 8 }} onClick={() => { setKnown(undefined); setError(undefined); }}>{t('other')}</Button>
      </Form>
    );
  }
  return (
    <Form key="password" layout="vertical" requiredMark={false} className="m-form" initialValues={{ name }} onFinish={(body: { name: string; password: string }) => { void enter(body); }}>
      {wrong}
      <Form.Item name="name" label={t('name')} rules={[{ required: true, message: t('enterName') }]}><Input autoFocus={name === undefined} autoComplete="username" size="large" maxLength={200} /></Form.Item>
      <Form.Item name="password" label={t('password')} rules={[{ required: true, message: t('enterPassword') }]}><Input.Password autoFocus={name !== undefined} autoComplete="current-password" size="large" maxLength={1000} /></Form.Item>
      <Button htmlType="submit" type="primary" size="large" block loading={isBusy}>{t('logOn')}</Button>
    </Form>
  );
}

export default function LogOn() {
  const t = useTexts(words);
  const { enter } = useSession();
  return <EntryFrame title={t('logOn')} lead={t('welcome')}><LogOnForm onEnter={enter} /></EntryFrame>;
}
