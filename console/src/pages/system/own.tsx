/** One's own account: what it may do, its password, its second step and recovery codes. */
import { Button, Input, Modal } from 'antd';
import { type ReactNode, useRef, useState } from 'react';
import { ask } from '../../api/client.ts';
import { useMe, useSession } from '../../api/session.tsx';
import { words as passkeyWords } from '../../entry/passkey-words.ts';
import { TotpSteps } from '../../entry/totp.tsx';
import { Copy } from '../../parts/copy.tsx';
import { Icon, type IconName } from '../../parts/icon.tsx';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { Notice } from '../../parts/states.tsx';
import { Field, Sure } from '../../parts/sure.tsx';
import { Time } from '../../parts/time.tsx';
import { toast } from '../../parts/toast.tsx';
import { common } from '../../text/common.ts';
import { useTexts } from '../../text/lang.ts';
import { Facts, Tag } from './fields.tsx';
import { Passkeys } from './passkeys.tsx';
import { words } from './words.ts';
import '../../entry/entry.css';

/** Few enough to be told of. */
const fewCodes = 3;
const passwordLeast = 12;
type Asking = 'password' | 'totp' | 'totp-off' | 'recovery';

export function Own() {
  const t = useTexts(words);
  const keyWords = useTexts(passkeyWords);
  const me = useMe();
  const { again } = useSession();
  const [asking, setAsking] = useState<Asking>();
  const close = (): void => { setAsking(undefined); };
  return (
    <>
      {me.elevated !== undefined && <Notice bar icon="clock" tone="warn" title={t('elevatedNow', { role: t(`role_${me.role}`) })}>{t('elevatedUntil')} <Time at={me.elevated} style="clock" /></Notice>}
      <Card title={t('own')}>
        <Facts items={[[t('name'), <b key="name"><Inert>{me.name}</Inert></b>], [t('role'), t(`role_${me.role}`)], [t('mayDo'), me.may.length === 0 ? t('mayNothing') : me.may.map((one) => t(`may_${one as 'read'}`)).join(t('comma'))], [t('loggedOnUntil'), <Time key="until" at={me.expires} style="clock" />]]} />
      </Card>
      <Card title={t('proving')}>
        <ul className="sy-list">
          <Line icon="keys" title={t('password')} how={t('passwordHow')} action={<Button onClick={() => { setAsking('password'); }}>{t('passwordChange')}</Button>} />
          <Line icon="lock" title={t('totp')} tag={<Tag tone={me.totp ? 'good' : 'warn'}>{t(me.totp ? 'on' : 'off')}</Tag>} how={t(me.totp ? 'totpOnHow' : 'totpOffHow')} action={me.totp ? <Button onClick={() => { setAsking('totp-off'); }}>{t('totpOff')}</Button> : <Button type="primary" onClick={() => { setAsking('totp'); }}>{t('totpOn')}</Button>} />
          {(me.totp || me.passkeys > 0) && <Line icon="copy" title={t('recovery')} tag={<Tag tone={me.recovery_left < fewCodes ? 'warn' : 'plain'}>{t('recoveryLeft', { count: me.recovery_left })}</Tag>} how={t('recoveryHow')} action={<Button onClick={() => { setAsking('recovery'); }}>{t('recoveryRenew')}</Button>} />}
        </ul>
      </Card>
      <Card title={keyWords('title')}><Passkeys /></Card>
      {asking === 'password' && <ChangePassword close={close} />}
      {asking === 'totp' && <TurnOn close={close} />}
      {asking === 'recovery' && <NewCodes close={close} />}
      {asking === 'totp-off' && <WithPassword title={t('totpOffTitle')} ok={t('totpOff')} isDanger close={close} done={t('totpOffDone')} act={async (password) => { await ask('DELETE', '/session/totp', { body: { password } }); again(); }}><p>{t('totpOffWarn')}</p></WithPassword>}
    </>
  );
}

const Line = ({ icon, title, tag, how, action }: { icon: IconName; title: string; tag?: ReactNode; how: string; action: ReactNode }) => (
  <li><span className="sy-icon"><Icon name={icon} /></span><div className="m-grow"><div className="m-row"><b>{title}</b>{tag}</div><p className="m-quiet">{how}</p></div>{action}</li>
);

/** A question that the password answers. */
function WithPassword({ act, children, ...sure }: { title: string; ok: string; isDanger?: boolean; close: () => void; done?: string; act: (password: string) => Promise<unknown>; children: ReactNode }) {
  const t = useTexts(words);
  const [password, setPassword] = useState('');
  return <Sure {...sure} why="no" isMissing={password === ''} act={() => act(password)}>{children}<Field label={t('passwordNow')}><Input.Password autoFocus autoComplete="current-password" value={password} maxLength={1000} onChange={({ target }) => { setPassword(target.value); }} /></Field></Sure>;
}

function ChangePassword({ close }: { close: () => void }) {
  const t = useTexts(words);
  const [next, setNext] = useState(''), [once, setOnce] = useState(''), [old, setOld] = useState('');
  const differs = once !== '' && next !== once;
  return (
    <Sure title={t('passwordChange')} ok={t('passwordChange')} why="no" isMissing={old === '' || next.length < passwordLeast || next !== once} close={close} done={t('passwordChanged')} act={() => ask('PUT', '/session/password', { body: { password: old, new_password: next } })}>
      <p>{t('passwordChangeHow')}</p>
      <Field label={t('passwordNow')}><Input.Password autoFocus autoComplete="current-password" value={old} maxLength={1000} onChange={({ target }) => { setOld(target.value); }} /></Field>
      <Field label={t('passwordNew')} hint={t('passwordRule')}><Input.Password autoComplete="new-password" value={next} maxLength={1000} onChange={({ target }) => { setNext(target.value); }} /></Field>
      <Field label={t('passwordAgain')} {...(differs && { hint: t('passwordDiffer') })}><Input.Password autoComplete="new-password" value={once} maxLength={1000} status={differs ? 'error' : ''} onChange={({ target }) => { setOnce(target.value); }} /></Field>
    </Sure>
  );
}

function TurnOn({ close }: { close: () => void }) {
  const t = useTexts(words);
  const { again } = useSession();
  const [password, setPassword] = useState<string>();
  const isProved = useRef(false);
  // A wrong password is told here, before there is something to scan.
  if (password === undefined) return <WithPassword title={t('totpOn')} ok={t('goOn')} close={() => { if (!isProved.current) close(); }} act={async (given) => { await ask('POST', '/session/totp', { body: { password: given } }); isProved.current = true; setPassword(given); }}><p>{t('totpOffHow')}</p></WithPassword>;
  return <Modal open title={t('totpOn')} footer={null} onCancel={() => { again(); close(); }} destroyOnHidden><TotpSteps password={password} done={t('finish')} onDone={() => { again(); toast(t('totpOnDone')); close(); }} /></Modal>;
}

function NewCodes({ close }: { close: () => void }) {
  const t = useTexts(words);
  const c = useTexts(common);
  const { again } = useSession();
  const [codes, setCodes] = useState<string[]>();
  const isProved = useRef(false);
  if (!codes) return <WithPassword title={t('recoveryRenew')} ok={t('recoveryRenew')} close={() => { if (!isProved.current) close(); }} act={async (password) => { isProved.current = false; setCodes((await ask<{ recovery: string[] }>('POST', '/session/recovery', { body: { password } })).recovery); isProved.current = true; }}><p>{t('recoveryRenewHow')}</p></WithPassword>;
  const finish = (): void => { again(); close(); };
  return (
    <Modal open title={t('recoveryNew')} closable={false} maskClosable={false} keyboard={false} footer={[<Copy key="copy" text={codes.join('\n')} label={c('copy')} />, <Button key="done" type="primary" onClick={finish}>{t('haveKept')}</Button>]}>
      <p>{t('recoveryNewHow')}</p>
      <div className="m-codes">{codes.map((code) => <span key={code}>{code}</span>)}</div>
    </Modal>
  );
}
