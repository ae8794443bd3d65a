/** The short lists: what is never blocked, what sets off what, notices. */
import { Button, Input } from 'antd';
import { useState } from 'react';
import type { AllowEntry, Linkage as Table, NoticeChannel } from '../../../../src/api/contract/response.ts';
import { useGet } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Shown } from '../../parts/states.tsx';
import { Field, Sure } from '../../parts/sure.tsx';
import { Time } from '../../parts/time.tsx';
import { useDeed } from '../../parts/toast.tsx';
import { common } from '../../text/common.ts';
import { useSay, useTexts } from '../../text/lang.ts';
import { useAct, useSpan } from './said.ts';
import { State } from './state.tsx';
import { words } from './words.ts';

interface Items<T> { items: T[] }

export function Allow() {
  const t = useTexts(words);
  const mayAct = useMay('act');
  const act = useAct();
  const deed = useDeed();
  const list = useGet<Items<AllowEntry>>('/allow', {}, { live: ['action'] });
  const [asking, setAsking] = useState<'add' | AllowEntry>();
  const [address, setAddress] = useState('');
  const close = (): void => { setAsking(undefined); setAddress(''); };
  const add = (network: string, why: string): Promise<unknown> => act.mutateAsync({ method: 'POST', path: '/allow', body: { network, why } });
  const remove = (network: string, why: string): Promise<unknown> => act.mutateAsync({ method: 'DELETE', path: '/allow', body: { network, why } });
  const wanted = address.trim();
  return (
    <Card title={t('allow')} extra={mayAct && <Button type="primary" onClick={() => { setAsking('add'); }}>{t('allowAdd')}</Button>}>
      <p className="mp-how">{t('allowHow')}</p>
      <Shown of={list}>{({ items }) => (items.length === 0 ? <Empty icon="protection" title={t('allowNone')}>{t('allowNoneHow')}</Empty> : (
        <ul className="mp-list">{items.map((one) => (
          <li key={`${one.network} ${one.from}`}>
            <div className="m-grow"><b><Inert code>{one.network}</Inert></b><p className="m-quiet">{one.why !== undefined && <><Inert>{one.why}</Inert> · </>}{t(one.from === 'api' ? 'fromHere' : 'fromFile')}{one.by !== undefined && <> · <Inert>{one.by}</Inert></>}{one.created !== undefined && <> · <Time at={one.created} /></>}</p></div>
            {mayAct && one.from === 'api' && <Button size="small" onClick={() => { setAsking(one); }}>{t('allowRemove')}</Button>}
          </li>
        ))}</ul>
      ))}</Shown>
      {asking === 'add' && <Sure title={t('allowAddTitle')} ok={t('allowAdd')} isMissing={wanted === ''} close={close} done={t('allowAdded', { address: wanted })} act={(why) => add(wanted, why)} undo={() => { void deed(() => remove(wanted, ''), t('allowRemoved', { address: wanted })); }}>
        <p>{t('allowAddHow')}</p><Field label={t('address')} hint={t('addressBad')}><Input autoFocus value={address} maxLength={100} onChange={({ target }) => { setAddress(target.value); }} /></Field>
      </Sure>}
      {asking !== undefined && asking !== 'add' && <Sure title={<Inert>{t('allowRemoveTitle', { address: asking.network })}</Inert>} ok={t('allowRemove')} why="may" close={close} done={t('allowRemoved', { address: asking.network })} act={(why) => remove(asking.network, why)} undo={() => { void deed(() => add(asking.network, asking.why ?? t('modeUndo')), t('allowAdded', { address: asking.network })); }}><p>{t('allowRemoveHow')}</p></Sure>}
    </Card>
  );
}

export function Linkage() {
  const t = useTexts(words);
  const c = useTexts(common);
  const say = useSay();
  const span = useSpan();
  const table = useGet<Table>('/linkage', {}, { live: ['health'] });
  return (
    <Card title={t('linkage')}>
      <p className="mp-how">{t('linkageHow')}</p>
      <Shown of={table}>{({ links, waiting }) => (links.length === 0 ? <Empty title={t('linkageNone')} /> : <>
        <ul className="mp-list">{links.map((one) => (
          <li key={one.id}>
            <div className="m-grow"><b><Inert>{say(one.title)}</Inert></b><p className="m-quiet">{t('linkWhen')}: {t('atLevel', { level: c(one.when.level) })}, <Inert most={300}>{[...one.when.rules ?? [], ...one.when.attack ?? []].join(', ') || t('anyRule')}</Inert>{one.when.not !== undefined && one.when.not.length > 0 && <>, {t('linkNot')} <Inert>{one.when.not.join(', ')}</Inert></>} · {t('doesAction')}: <Inert code>{one.action}</Inert>{one.for !== undefined && <> · {t('lasts')}: {one.for === 'escalating' ? t('escalating') : span(one.for)}</>} · {t('needsMode')}: {t(`mode_${one.mode}`)}</p></div>
            <State isOn={one.fires}>{t(one.fires ? 'fires' : 'rests')}</State>
          </li>
        ))}</ul>
        {waiting.length > 0 && <><h3 className="mp-h3">{t('waitingLinks')}</h3><ul className="mp-list">{waiting.map((one) => <li key={one.id}><div className="m-grow"><Inert>{say(one.title)}</Inert><p className="m-quiet"><Inert>{say(one.waits)}</Inert></p></div></li>)}</ul></>}
      </>)}</Shown>
    </Card>
  );
}

export function Notices() {
  const t = useTexts(words);
  const c = useTexts(common);
  const say = useSay();
  const maySystem = useMay('system');
  const act = useAct<{ outcome: 'sent' | 'retry-after' | 'refused'; what?: { zh: string; en: string } }>();
  const deed = useDeed();
  const list = useGet<Items<NoticeChannel>>('/notices', {}, { everyMs: 15_000 });
  const [busy, setBusy] = useState<string>();
  const test = async (id: string): Promise<void> => {
    setBusy(id);
    await deed(async () => {
      const { outcome, what } = await act.mutateAsync({ method: 'POST', path: `/notices/${encodeURIComponent(id)}/test`, body: undefined });
      if (outcome !== 'sent') throw new Error(`${t(outcome === 'refused' ? 'testRefused' : 'testLater')}${what ? `: ${say(what)}` : ''}`);
    }, t('testSent'));
    setBusy(undefined);
  };
  return (
    <Card title={t('notices')}>
      <p className="mp-how">{t('noticesHow')}</p>
      <Shown of={list}>{({ items }) => (items.length === 0 ? <Empty icon="alerts" title={t('noticesNone')}>{t('noticesNoneHow')}</Empty> : (
        <ul className="mp-list">{items.map((one) => (
          <li key={one.id}>
            <div className="m-grow"><b><Inert>{one.id}</Inert></b> <span className="m-quiet"><Inert>{say(one.title)}</Inert> · {t('fromLevel', { level: c(one.level) })}</span>
              <p className="m-quiet">{t('sent')} {one.sent} · {t('waiting')} {one.waiting}{one.dropped > 0 && ` · ${t('lost')} ${one.dropped}`}{one.refused > 0 && ` · ${t('refusedCount')} ${one.refused}`} · {t('lastSent')}: {one.last_sent === undefined ? t('never') : <Time at={one.last_sent} />}</p>
              {one.last_error && <p>{t('lastError')}: <Inert>{say(one.last_error.what)}</Inert> · <Time at={one.last_error.time} /></p>}</div>
            <State isOn={one.enabled}>{t(one.enabled ? 'on' : 'off')}</State>
            {maySystem && one.enabled && <Button size="small" loading={busy === one.id} onClick={() => { void test(one.id); }}>{t('test')}</Button>}
          </li>
        ))}</ul>
      ))}</Shown>
    </Card>
  );
}
