/** Everybody who may log on; one of them opened shows where they are logged on and what can be changed. */
import { Button, Drawer, Input, type TableColumnsType } from 'antd';
import { type ReactNode, useState } from 'react';
import { useLocation, useNavigate } from 'react-router';
import type { Account, Role, Session } from '../../../../src/api/contract/accounts.ts';
import { useDo, useGet } from '../../api/hooks.ts';
import { useMe } from '../../api/session.tsx';
import { useFilters } from '../../parts/address.ts';
import { Icon } from '../../parts/icon.tsx';
import { inertString } from '../../parts/inert-text.ts';
import { Inert } from '../../parts/inert.tsx';
import { Rows, wholeList } from '../../parts/rows.tsx';
import { Empty, Shown } from '../../parts/states.tsx';
import { Field, Sure, type SureProps } from '../../parts/sure.tsx';
import { Time } from '../../parts/time.tsx';
import { useTexts } from '../../text/lang.ts';
import { draftOf, Facts, isEmptyScope, OwnPassword, RoleField, ScopeField, scopeFrom, ScopeText, Tag } from './fields.tsx';
import { SessionList } from './sessions.tsx';
import { words } from './words.ts';

const passwordLeast = 12;
const touched = ['/accounts', '/session', '/tokens'];
type Change = Partial<{ role: Role; disabled: boolean; password: string; own_password: string; totp: false; passkeys: false; scope: ReturnType<typeof scopeFrom> | null }>;

export function Accounts({ id }: { id: string }) {
  const t = useTexts(words);
  const go = useNavigate();
  const { search } = useLocation();
  const { filters, set } = useFilters(['text']);
  const list = useGet<{ items: Account[] }>('/accounts', {}, { live: ['account'] });
  const [isAdding, setAdding] = useState(false);
  const wanted = (filters.text ?? '').toLowerCase();
  const rows = (list.data?.items ?? []).filter(({ name, role }) => wanted === '' || `${name} ${role} ${t(`role_${role}`)}`.toLowerCase().includes(wanted)).toSorted((a, b) => a.name.localeCompare(b.name));
  const columns: TableColumnsType<Account> = [
    { key: 'name', title: t('account'), render: (_cell, one) => <span className="sy-cell"><b><Inert>{one.name}</Inert></b><span className="sy-phone m-quiet">{t(`role_${one.role}`)}</span><Marks account={one} isPhone /></span> },
    { key: 'role', title: t('role'), width: 130, responsive: ['md'], render: (_cell, { role }) => t(`role_${role}`) },
    { key: 'marks', title: t('proving'), width: 210, responsive: ['md'], render: (_cell, one) => <Marks account={one} /> },
    { key: 'scope', title: t('hosts'), width: 200, responsive: ['lg'], render: (_cell, { scope }) => <ScopeText scope={scope} /> },
    { key: 'last', title: t('lastLogOn'), width: 150, responsive: ['md'], render: (_cell, { last_log_on: last }) => (last ? <Time at={last.time} /> : <span className="m-quiet">{t('never')}</span>) },
  ];
  return (
    <>
      <section className="m-card" aria-label={t('accounts')}>
        <div className="m-pad m-row sy-head"><Input.Search allowClear className="sy-search" aria-label={t('searchAccounts')} placeholder={t('searchAccounts')} defaultValue={filters.text ?? ''} onSearch={(text) => { set({ text: text.trim() }); }} /><span className="m-grow" /><Button type="primary" icon={<Icon name="plus" size={16} />} onClick={() => { setAdding(true); }}>{t('accountAdd')}</Button></div>
        <Rows list={wholeList(list, rows)} columns={columns} rowKey={(one) => one.id} label={t('accounts')} width={620} around={430} chosen={id} empty={<Empty icon="search" title={t('noneFiltered')} />} onOpen={(one) => { void go({ pathname: `/system/accounts/${one.id}`, search }); }} />
      </section>
      {isAdding && <Add close={() => { setAdding(false); }} />}
      <Drawer open={id !== ''} size={620} title={t('account')} onClose={() => { void go({ pathname: '/system/accounts', search }); }}>
        {id !== '' && <Shown of={list}>{({ items }) => { const found = items.find((one) => one.id === id); return found ? <One key={id} account={found} close={() => { void go({ pathname: '/system/accounts', search }); }} /> : <Empty icon="search" title={t('accountGone')} />; }}</Shown>}
      </Drawer>
    </>
  );
}

function Marks({ account: { disabled, totp, passkeys }, isPhone = false }: { account: Account; isPhone?: boolean }) {
  const t = useTexts(words);
  return (
    <span className={`m-row sy-marks${isPhone ? ' sy-phone' : ''}`}>
      {disabled && <Tag tone="bad">{t('disabled')}</Tag>}
      <Tag tone={totp || passkeys > 0 ? 'good' : 'warn'}>{t(passkeys > 0 ? 'hasPasskey' : totp ? 'hasTotp' : 'passwordOnly')}</Tag>
    </span>
  );
}

function Add({ close }: { close: () => void }) {
  const t = useTexts(words);
  const [name, setName] = useState(''), [password, setPassword] = useState(''), [role, setRole] = useState<Role>('reader'), [scope, setScope] = useState(draftOf(undefined)), [own, setOwn] = useState('');
  const add = useDo<void, Account>(() => { const held = scopeFrom(scope); return { method: 'POST', path: '/accounts', body: { name: name.trim(), role, password, own_password: own, ...(held && role !== 'owner' && { scope: held }) } }; }, touched);
  return (
    <Sure title={t('accountAdd')} ok={t('accountAdd')} why="no" isMissing={name.trim() === '' || password.length < passwordLeast || own === '' || (role !== 'owner' && isEmptyScope(scope))} close={close} done={t('accountAdded', { name: inertString(name.trim(), 64) })} act={() => add.mutateAsync()}>
      <p>{t('accountAddHow')}</p>
      <Field label={t('name')} hint={t('nameHow')}><Input autoFocus autoComplete="off" value={name} maxLength={64} onChange={({ target }) => { setName(target.value); }} /></Field>
      <Field label={t('passwordFirst')} hint={t('passwordFirstHow')}><Input.Password autoComplete="new-password" value={password} maxLength={1000} onChange={({ target }) => { setPassword(target.value); }} /></Field>
      <RoleField value={role} onChange={setRole} />
      {role !== 'owner' && <ScopeField value={scope} onChange={setScope} />}
      <OwnPassword value={own} onChange={setOwn} />
    </Sure>
  );
}

type Asking = 'role' | 'password' | 'disable' | 'enable' | 'factor' | 'sessions' | 'remove';

function One({ account, close }: { account: Account; close: () => void }) {
  const t = useTexts(words);
  const me = useMe();
  const { id, name, role, disabled, totp, passkeys, scope } = account;
  const path = `/accounts/${encodeURIComponent(id)}`;
  const sessions = useGet<{ items: Session[] }>(`${path}/sessions`, {}, { live: ['account'], everyMs: 60_000 });
  const change = useDo<Change, Account>((body) => ({ method: 'PATCH', path, body }), touched);
  const end = useDo<void>(() => ({ method: 'DELETE', path: `${path}/sessions` }), touched);
  const remove = useDo<void>(() => ({ method: 'DELETE', path }), touched);
  const [asking, setAsking] = useState<Asking>();
  const done = (): void => { setAsking(undefined); };
  // One's own password and second step are changed under “My account”, which asks for the password.
  const isOwn = name === me.name;
  const mayChange = role !== 'owner' || me.may.includes('owners');
  const said = { name: inertString(name, 64) };
  const sure = (of: Asking, title: string, ok: string, how: ReactNode, act: () => Promise<unknown>, told: string, more: { isDanger?: boolean; undo?: () => void } = {}): ReactNode => asking === of && <Sure title={title} ok={ok} why="no" close={done} act={act} done={told} {...more}>{how}</Sure>;
  return (
    <div className="m-stack">
      <div className="m-row"><span className="sy-icon"><Icon name="person" /></span><h2 className="sy-name"><Inert>{name}</Inert></h2>{isOwn && <Tag>{t('you')}</Tag>}<Marks account={account} /></div>
      <Facts items={[[t('role'), t(`role_${role}`)], [t('hosts'), <ScopeText key="scope" scope={scope} />], [t('lastLogOn'), account.last_log_on ? <span key="last"><Time at={account.last_log_on.time} style="clock" /> · <Inert code>{account.last_log_on.address}</Inert></span> : t('never')], [t('passwordSince'), <Time key="since" at={account.password_changed} style="clock" />], [t('made'), <Time key="made" at={account.created} style="clock" />]]} />
      <p className="m-quiet">{t(`roleHow_${role}`)}{!mayChange && ` ${t('ownersOnly')}`}</p>
      <div className="m-row">
        {mayChange && <Button onClick={() => { setAsking('role'); }}>{t('changeRole')}</Button>}
        {mayChange && !isOwn && <Button onClick={() => { setAsking('password'); }}>{t('setPassword')}</Button>}
        {mayChange && !isOwn && (totp || passkeys > 0) && <Button onClick={() => { setAsking('factor'); }}>{t('takeFactor')}</Button>}
        {mayChange && !isOwn && (disabled ? <Button onClick={() => { setAsking('enable'); }}>{t('enable')}</Button> : <Button onClick={() => { setAsking('disable'); }}>{t('disable')}</Button>)}
        {mayChange && !isOwn && <Button danger onClick={() => { setAsking('remove'); }}>{t('accountRemove')}</Button>}
      </div>
      <section className="m-stack-small">
        <div className="m-row"><h3 className="sy-h3 m-grow">{t('sessions')}</h3>{mayChange && (sessions.data?.items ?? []).some(({ current }) => !current) && <Button size="small" onClick={() => { setAsking('sessions'); }}>{t('endAll')}</Button>}</div>
        <Shown of={sessions} rows={2}>{({ items }) => (items.length === 0 ? <p className="m-quiet">{t('loggedOnNowhere')}</p> : <SessionList items={items} />)}</Shown>
      </section>
      {asking === 'role' && <ChangeRole account={account} close={done} save={(body) => change.mutateAsync(body)} />}
      {asking === 'password' && <SetPassword account={account} close={done} save={(body) => change.mutateAsync(body)} />}
      {sure('disable', t('disableTitle', said), t('disable'), <p>{t('disableHow')}</p>, () => change.mutateAsync({ disabled: true }), t('disabledDone', said), { undo: () => { setAsking('enable'); } })}
      {asking === 'enable' && <Proved title={t('enableTitle', said)} ok={t('enable')} how={t('enableHow')} close={done} act={(own) => change.mutateAsync({ disabled: false, own_password: own })} done={t('enabled', said)} />}
      {asking === 'factor' && <Proved isDanger title={t('takeFactorTitle', said)} ok={t('takeFactor')} how={t('takeFactorHow')} close={done} act={(own) => change.mutateAsync({ ...(totp && { totp: false }), ...(passkeys > 0 && { passkeys: false }), own_password: own })} done={t('factorTaken', said)} />}
      {sure('sessions', t('endAllTitle', said), t('endAll'), <p>{t('endAllHow')}</p>, () => end.mutateAsync(), t('sessionsEnded'))}
      {sure('remove', t('accountRemoveTitle', said), t('accountRemove'), <p>{t('accountRemoveHow')}</p>, async () => { await remove.mutateAsync(); close(); }, t('accountRemoved', said), { isDanger: true })}
    </div>
  );
}

/** What opens something takes one's own password. */
function Proved({ how, act, ...more }: Omit<SureProps, 'act' | 'children' | 'why' | 'isMissing'> & { how: string; act: (own: string) => Promise<unknown> }) {
  const [own, setOwn] = useState('');
  return (
    <Sure {...more} why="no" isMissing={own === ''} act={() => act(own)}>
      <p>{how}</p>
      <OwnPassword value={own} onChange={setOwn} />
    </Sure>
  );
}

function ChangeRole({ account: { name, role: before, scope: held }, close, save }: { account: Account; close: () => void; save: (body: Change) => Promise<unknown> }) {
  const t = useTexts(words);
  const [role, setRole] = useState(before), [scope, setScope] = useState(draftOf(held)), [own, setOwn] = useState('');
  const said = { name: inertString(name, 64) };
  const kept = scopeFrom(draftOf(held)), next = role === 'owner' ? undefined : scopeFrom(scope);
  const body: Change = { ...(role !== before && { role }), ...(JSON.stringify(next) !== JSON.stringify(kept) && { scope: next ?? null }) };
  return (
    <Sure title={t('changeRoleTitle', said)} ok={t('changeRole')} why="no" isMissing={Object.keys(body).length === 0 || own === '' || (role !== 'owner' && isEmptyScope(scope))} close={close} done={t('roleChanged', said)} act={() => save({ ...body, own_password: own })}>
      <RoleField value={role} onChange={setRole} />
      {role !== 'owner' && <ScopeField value={scope} onChange={setScope} />}
      <p className="m-quiet">{t('sessionsWillEnd')}</p>
      <OwnPassword value={own} onChange={setOwn} />
    </Sure>
  );
}

function SetPassword({ account: { name }, close, save }: { account: Account; close: () => void; save: (body: Change) => Promise<unknown> }) {
  const t = useTexts(words);
  const [password, setPassword] = useState(''), [own, setOwn] = useState('');
  const said = { name: inertString(name, 64) };
  return (
    <Sure title={t('setPasswordTitle', said)} ok={t('setPassword')} why="no" isMissing={password.length < passwordLeast || own === ''} close={close} done={t('passwordSet', said)} act={() => save({ password, own_password: own })}>
      <p>{t('setPasswordHow')}</p>
      <Field label={t('passwordNew')} hint={t('passwordFirstHow')}><Input.Password autoFocus autoComplete="new-password" value={password} maxLength={1000} onChange={({ target }) => { setPassword(target.value); }} /></Field>
      <OwnPassword value={own} onChange={setOwn} />
    </Sure>
  );
}
