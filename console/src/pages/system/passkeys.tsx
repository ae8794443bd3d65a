/** One's own passkeys: listed, added, named, removed. A section of the own account. */
import { Button, Input, Modal } from 'antd';
import { useState } from 'react';
import type { Passkeys as Wire } from '../../../../src/api/contract/passkeys.ts';
import { useDo, useGet } from '../../api/hooks.ts';
import { useMe, useSession } from '../../api/session.tsx';
import { MakePasskey, usePasskeyHindrance } from '../../entry/passkey-make.tsx';
import { words } from '../../entry/passkey-words.ts';
import { Icon } from '../../parts/icon.tsx';
import { Inert } from '../../parts/inert.tsx';
import { inertString } from '../../parts/inert-text.ts';
import { Notice, Shown } from '../../parts/states.tsx';
import { Field, Sure } from '../../parts/sure.tsx';
import { Time } from '../../parts/time.tsx';
import { toast } from '../../parts/toast.tsx';
import { common } from '../../text/common.ts';
import { useTexts } from '../../text/lang.ts';
import './passkeys.css';

type Kept = Wire['items'][number];
const touched = ['/passkeys', '/session'];

export function Passkeys() {
  const t = useTexts(words);
  const c = useTexts(common);
  const asked = useGet<Wire>('/passkeys', {}, { live: ['account'] });
  const { again } = useSession();
  const [isAdding, setAdding] = useState(false);
  const [renamed, setRenamed] = useState<Kept>();
  const [removed, setRemoved] = useState<Kept>();
  const hindrance = usePasskeyHindrance();
  const added = (): void => {
    setAdding(false);
    toast(t('made'));
    void asked.refetch();
    again();
  };
  return (
    <section className="sp-keys" aria-label={t('title')}>
      <p className="m-quiet">{t('lead')}</p>
      <Shown of={asked} rows={2}>
        {({ items, origins }) => (
          <>
            {items.length === 0 ? <Notice icon="lock" title={t('none')}>{t('noneHow')}</Notice> : (
              <ul className="sp-list">
                {items.map((one) => (
                  <li key={one.id}>
                    <span className="sp-icon"><Icon name="lock" /></span>
                    <div className="sp-one">
                      <b><Inert>{one.name}</Inert></b>
                      <span className="m-quiet">{t('created')} <Time at={one.created} style="ago" /> · {one.used === undefined ? t('never') : <>{t('used')} <Time at={one.used} style="ago" /></>}{one.synced && <> · {t('synced')}</>}</span>
                      <span className="m-row">
                        <Button size="small" aria-label={`${t('rename')} ${inertString(one.name)}`} onClick={() => { setRenamed(one); }}>{t('rename')}</Button>
                        <Button size="small" danger aria-label={`${t('remove')} ${inertString(one.name)}`} onClick={() => { setRemoved(one); }}>{t('remove')}</Button>
                      </span>
                    </div>
                  </li>
                ))}
              </ul>
            )}
            {hindrance === undefined ? <Button type="primary" onClick={() => { setAdding(true); }}>{t('add')}</Button>
              : <Notice compact icon="warn" title={hindrance}>{origins[0] !== undefined && origins[0] !== location.origin && <a href={origins[0]}>{t('openThere', { origin: origins[0] })}</a>}</Notice>}
          </>
        )}
      </Shown>
      <Modal open={isAdding} title={t('add')} footer={null} destroyOnHidden mask={{ closable: false }} onCancel={() => { setAdding(false); }}><MakePasskey doneLabel={c('close')} onDone={added} /></Modal>
      {renamed && <Rename passkey={renamed} close={() => { setRenamed(undefined); }} />}
      {removed && <Remove passkey={removed} isLast={asked.data?.items.length === 1} close={() => { setRemoved(undefined); again(); }} />}
    </section>
  );
}

function Rename({ passkey, close }: { passkey: Kept; close: () => void }) {
  const t = useTexts(words);
  const c = useTexts(common);
  const [name, setName] = useState(passkey.name);
  const rename = useDo<string>((next) => ({ method: 'PATCH', path: `/passkeys/${passkey.id}`, body: { name: next } }), touched);
  return <Sure title={t('rename')} ok={c('save')} why="no" isMissing={name.trim() === ''} act={() => rename.mutateAsync(name.trim())} done={t('renamed')} close={close}><Field label={t('name')}><Input value={name} maxLength={100} onChange={({ target }) => { setName(target.value); }} /></Field></Sure>;
}

function Remove({ passkey, isLast, close }: { passkey: Kept; isLast: boolean; close: () => void }) {
  const t = useTexts(words);
  const { totp } = useMe();
  const [password, setPassword] = useState('');
  const remove = useDo<string>((given) => ({ method: 'DELETE', path: `/passkeys/${passkey.id}`, body: { password: given } }), touched);
  return (
    <Sure title={t('removeTitle', { name: inertString(passkey.name) })} ok={t('remove')} isDanger why="no" isMissing={password === ''} act={() => remove.mutateAsync(password)} done={t('removed')} close={close}>
      <p>{t('removeHow')}</p>
      {isLast && !totp && <p>{t('removeLast')}</p>}
      <Field label={t('password')}><Input.Password autoComplete="current-password" value={password} maxLength={1000} onChange={({ target }) => { setPassword(target.value); }} /></Field>
    </Sure>
  );
}
