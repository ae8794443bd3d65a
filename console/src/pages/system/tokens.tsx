/** Keys for programs: made, shown once, ended. */
import { Button, Input, Modal, Select } from 'antd';
import { useState } from 'react';
import type { ApiToken, Role, TokenMade } from '../../../../src/api/contract/accounts.ts';
import { useDo, useGet } from '../../api/hooks.ts';
import { useMay, useMe } from '../../api/session.tsx';
import { Copy } from '../../parts/copy.tsx';
import { Icon } from '../../parts/icon.tsx';
import { inertString } from '../../parts/inert-text.ts';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Shown } from '../../parts/states.tsx';
import { Field, Sure } from '../../parts/sure.tsx';
import { Time } from '../../parts/time.tsx';
import { useTexts } from '../../text/lang.ts';
import { draftOf, isEmptyScope, OwnPassword, RoleField, ScopeField, scopeFrom, ScopeText, Tag } from './fields.tsx';
import { words } from './words.ts';

const days = [7, 30, 90, 180, 366] as const;
const soonMs = 7 * 86_400_000;

export function Tokens() {
  const t = useTexts(words);
  const me = useMe();
  const seesAll = useMay('accounts');
  const list = useGet<{ items: ApiToken[] }>('/tokens', {}, { live: ['token', 'account'], everyMs: 60_000 });
  const [isAdding, setAdding] = useState(false);
  const [made, setMade] = useState<TokenMade>();
  const [ending, setEnding] = useState<ApiToken>();
  const end = useDo<string>((id) => ({ method: 'DELETE', path: `/tokens/${encodeURIComponent(id)}` }), ['/tokens']);
  const add = <Button type="primary" icon={<Icon name="plus" size={16} />} onClick={() => { setAdding(true); }}>{t('tokenAdd')}</Button>;
  return (
    <Card title={t('tokens')} extra={list.data && list.data.items.length > 0 && add}>
      <p className="sy-how">{t('tokensHow')}{seesAll && ` ${t('tokensAll')}`}</p>
      <Shown of={list}>{({ items }) => (items.length === 0 ? <Empty icon="keys" title={t('tokensNone')} action={add}>{t('tokensNoneHow')}</Empty> : (
        <ul className="sy-list">{items.toSorted((a, b) => a.expires - b.expires).map((one) => (
          <li key={one.id}>
            <span className="sy-icon"><Icon name="keys" /></span>
            <div className="m-grow">
              <div className="m-row"><b><Inert>{one.name}</Inert></b><Tag>{t(`role_${one.role}`)}</Tag>{one.account !== me.name && <span className="m-quiet">{t('of')} <Inert>{one.account}</Inert></span>}{one.expires <= Date.now() ? <Tag tone="bad">{t('expired')}</Tag> : one.expires < Date.now() + soonMs && <Tag tone="warn">{t('expiresSoon')}</Tag>}</div>
              <p className="m-quiet"><ScopeText scope={one.scope} /> · {t('expires')} <Time at={one.expires} /> · {t('lastUsed')} {one.seen === undefined ? t('never') : <Time at={one.seen} />} · {t('madeAt')} <Time at={one.created} /></p>
            </div>
            <Button size="small" onClick={() => { setEnding(one); }}>{t('tokenEnd')}</Button>
          </li>
        ))}</ul>
      ))}</Shown>
      {isAdding && <Add close={() => { setAdding(false); }} onMade={setMade} />}
      {made && <Once made={made} close={() => { setMade(undefined); }} />}
      {ending && <Sure title={t('tokenEndTitle', { name: inertString(ending.name, 64) })} ok={t('tokenEnd')} isDanger why="no" close={() => { setEnding(undefined); }} done={t('tokenEnded')} act={() => end.mutateAsync(ending.id)}><p>{t('tokenEndHow')}</p></Sure>}
    </Card>
  );
}

function Add({ close, onMade }: { close: () => void; onMade: (made: TokenMade) => void }) {
  const t = useTexts(words);
  const [name, setName] = useState(''), [role, setRole] = useState<Role>('reader'), [keep, setKeep] = useState<number>(90), [scope, setScope] = useState(draftOf(undefined)), [own, setOwn] = useState('');
  const add = useDo<void, TokenMade>(() => { const held = scopeFrom(scope); return { method: 'POST', path: '/tokens', body: { name: name.trim(), role, days: keep, own_password: own, ...(held && { scope: held }) } }; }, ['/tokens']);
  return (
    <Sure title={t('tokenAdd')} ok={t('tokenMake')} why="no" isMissing={name.trim() === '' || own === '' || isEmptyScope(scope)} close={close} act={async () => { onMade(await add.mutateAsync()); }}>
      <Field label={t('tokenName')} hint={t('tokenNameHow')}><Input autoFocus value={name} maxLength={64} onChange={({ target }) => { setName(target.value); }} /></Field>
      <RoleField value={role} onChange={setRole} />
      <Field label={t('tokenFor')}><Select aria-label={t('tokenFor')} value={keep} options={days.map((value) => ({ value, label: t('days', { count: value }) }))} onChange={setKeep} /></Field>
      <ScopeField value={scope} onChange={setScope} />
      <OwnPassword value={own} onChange={setOwn} />
    </Sure>
  );
}

/** The only moment at which the secret is seen. */
function Once({ made: { secret, token }, close }: { made: TokenMade; close: () => void }) {
  const t = useTexts(words);
  const command = `curl --cacert ca.crt -H 'Authorization: Bearer ${secret}' ${location.origin}/api/v1/status`;
  return (
    <Modal open title={t('tokenMade', { name: inertString(token.name, 64) })} closable={false} maskClosable={false} keyboard={false} footer={<Button type="primary" onClick={close}>{t('haveKept')}</Button>}>
      <div className="m-stack-small">
        <p>{t('tokenOnce')}</p>
        <div className="sy-secret"><code className="m-grow">{secret}</code><Copy text={secret} /></div>
        <details className="sy-more"><summary>{t('tokenUse')}</summary><p className="m-quiet">{t('tokenUseHow')}</p><div className="sy-secret"><code className="m-grow">{command}</code><Copy text={command} /></div></details>
      </div>
    </Modal>
  );
}
