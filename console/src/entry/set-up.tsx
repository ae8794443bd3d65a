/** The first owner, by the one-time link; then a second factor, then the console. */
import { Alert, Button, Form, Input } from 'antd';
import { useState } from 'react';
import { ApiError, ask, setCsrf } from '../api/client.ts';
import { type Me, useSession } from '../api/session.tsx';
import { useSay, useTexts } from '../text/lang.ts';
import { EntryFrame } from './frame.tsx';
import { MakePasskey, usePasskeyHindrance } from './passkey-make.tsx';
import { words as passkeyWords } from './passkey-words.ts';
import { TotpSteps } from './totp.tsx';
import { words } from './words.ts';

export default function SetUp() {
  const t = useTexts(words);
  const k = useTexts(passkeyWords);
  const hindrance = usePasskeyHindrance();
  const [isByKey, setByKey] = useState(false);
  const say = useSay();
  const { enter } = useSession();
  // Behind the #, so that it is in no log of any server.
  const [token] = useState(() => location.hash.slice(1));
  const [made, setMade] = useState<{ me: Me; password: string }>();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const leave = (me: Me): void => {
    history.replaceState(null, '', '/');
    enter(me);
  };
  const create = async ({ name, password }: { name: string; password: string }): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      const me = await ask<Me>('POST', '/setup', { body: { token, name, password } });
      setCsrf(me.csrf);
      history.replaceState(null, '', '/setup');
      setMade({ me, password });
    } catch (thrown) {
      if (!(thrown instanceof ApiError)) throw thrown;
      setError(thrown);
    } finally {
      setBusy(false);
    }
  };
  if (made) {
    const later = (): void => { leave(made.me); };
    return (
      <EntryFrame title={t('totpTitle')}>
        {isByKey
          ? <><p className="m-quiet">{k('lead')}</p><MakePasskey password={made.password} doneLabel={t('done')} onDone={(left = 0) => { leave({ ...made.me, passkeys: 1, recovery_left: left }); }} /><Button type="link" block onClick={() => { setByKey(false); }}>{k('insteadCodes')}</Button></>
          : <TotpSteps password={made.password} onLater={later} onDone={(left) => { leave({ ...made.me, totp: true, recovery_left: left }); }} {...(hindrance === undefined && { instead: <Button block className="m-wrap" style={{ marginTop: 10 }} onClick={() => { setByKey(true); }}>{k('instead')}</Button> })} />}
      </EntryFrame>
    );
  }
  if (token === '') return <EntryFrame title={t('noLink')} lead={t('noLinkHow')}><pre className="m-codes">moat server set-up</pre></EntryFrame>;
  return (
    <EntryFrame title={t('setUp')} lead={t('setUpLead')}>
      <Form layout="vertical" requiredMark={false} onFinish={(body: { name: string; password: string }) => { void create(body); }}>
        {error && <Alert type="error" showIcon title={say(error.text)} description={error.hint !== undefined && <code>{error.hint}</code>} style={{ marginBottom: 16 }} />}
        <Form.Item name="name" label={t('name')} extra={t('nameHow')} rules={[{ required: true, message: t('enterName') }]}><Input autoFocus autoComplete="username" size="large" maxLength={64} /></Form.Item>
        <Form.Item name="password" label={t('password')} extra={t('passwordHow')} rules={[{ required: true, message: t('enterPassword') }, { min: 12, message: t('tooShort') }]}><Input.Password autoComplete="new-password" size="large" maxLength={1000} /></Form.Item>
        <Form.Item name="again" label={t('again')} dependencies={['password']} rules={[({ getFieldValue }) => ({ validator: (_rule, value) => (value === getFieldValue('password') ? Promise.resolve() : Promise.reject(new Error(t('differ')))) })]}><Input.Password autoComplete="new-password" size="large" maxLength={1000} /></Form.Item>
        <Button htmlType="submit" type="primary" size="large" block loading={isBusy}>{t('create')}</Button>
      </Form>
    </EntryFrame>
  );
}
