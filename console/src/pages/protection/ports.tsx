/** The ports that may be entered: shown, and changed after seeing what that cuts. */
import { Button, Input, Select, Switch } from 'antd';
import { useState } from 'react';
import type { PortList } from '../../../../src/api/contract/response.ts';
import { useGet } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import { Icon } from '../../parts/icon.tsx';
import { inertString } from '../../parts/inert-text.ts';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Shown } from '../../parts/states.tsx';
import { Sure } from '../../parts/sure.tsx';
import { useTexts } from '../../text/lang.ts';
import { words as firewallWords } from './firewall-words.ts';
import { Preview, usePreview } from './preview.tsx';
import { useAct } from './said.ts';
import { State } from './state.tsx';
import { words } from './words.ts';

export function Ports() {
  const t = useTexts(words);
  const f = useTexts(firewallWords);
  const maySystem = useMay('system');
  const act = useAct();
  const ports = useGet<PortList>('/port-list');
  const [asking, setAsking] = useState<'edit' | 'reset'>();
  const close = (): void => { setAsking(undefined); };
  const isHere = ports.data?.items.some((one) => one.set_by === 'api') === true;
  return (
    <Card title={t('ports')} extra={<div className="m-row">{ports.data && ports.data.items.length > 0 && <State isOn={ports.data.enforced}>{t(ports.data.enforced ? 'enforced' : 'notEnforced')}</State>}{maySystem && ports.data && <Button type="primary" onClick={() => { setAsking('edit'); }}>{f('edit')}</Button>}</div>}>
      <p className="mp-how">{t('portsHow')}</p>
      <Shown of={ports}>{({ items }) => (items.length === 0 ? <Empty icon="protection" title={t('portsNone')}>{t('portsNoneHow')}</Empty> : (
        <ul className="mp-list">{items.map((one, at) => <li key={at}><div className="m-grow"><b><Inert code>{one.port}</Inert></b><p className="m-quiet">{t('from')}: {one.from === 'any' ? t('anyone') : <Inert>{one.from.join(', ')}</Inert>} · {t('perSource')}: {one.per_source === undefined ? t('noLimit') : <Inert>{one.per_source}</Inert>} · {t(one.set_by === 'api' ? 'fromHere' : 'fromFile')}</p></div></li>)}</ul>
      ))}</Shown>
      {maySystem && isHere && <p><Button type="text" onClick={() => { setAsking('reset'); }}>{f('reset')}</Button></p>}
      {asking === 'edit' && ports.data && <Edit list={ports.data} close={close} />}
      {asking === 'reset' && <Sure title={t('resetTitle')} ok={f('resetOk')} why="may" close={close} done={f('resetDone')} act={(why) => act.mutateAsync({ method: 'DELETE', path: '/port-list', body: { why } })}><p>{t('resetHow')}</p></Sure>}
    </Card>
  );
}

interface Draft { port: string; isAny: boolean; from: string[]; rate: string }
const wire = ({ port, isAny, from, rate }: Draft): object => ({ port: port.trim(), from: isAny ? 'any' : from, ...(rate.trim() !== '' && { per_source: rate.trim() }) });
const isWholeRow = ({ port, isAny, from }: Draft): boolean => port.trim() !== '' && (isAny || from.length > 0);

function Edit({ list, close }: { list: PortList; close: () => void }) {
  const t = useTexts(firewallWords);
  const act = useAct();
  const [enforce, setEnforce] = useState(list.enforced);
  const [rows, setRows] = useState<Draft[]>(() => list.items.map(({ port, from, per_source: rate }) => ({ port, isAny: from === 'any', from: from === 'any' ? [] : from, rate: rate ?? '' })));
  const isWhole = rows.every(isWholeRow);
  const body = { enforce, ports: rows.map(wire) };
  const preview = usePreview('/port-list/preview', body, isWhole);
  const change = (at: number, more: Partial<Draft>): void => { setRows(rows.map((one, i) => (i === at ? { ...one, ...more } : one))); };
  // Whoever begins with nothing begins with what listens.
  const listening = [...new Set((preview.preview.data?.rows ?? []).map(({ port, protocol }) => `${port}/${protocol}`))];
  return (
    <Sure title={t('editPorts')} ok={t('save')} isDanger={enforce} width={760} isMissing={!preview.isFresh || (enforce && preview.preview.data?.refused !== undefined)} close={close} done={t('saved')} act={(why) => act.mutateAsync({ method: 'POST', path: '/port-list', body: { ...body, why } })}>
      {rows.length > 0 && <div className="mp-edit-row mp-edit-heads" aria-hidden="true"><span className="mp-edit-port">{t('port')}</span><span className="mp-edit-from">{t('from')}</span>{rows.every(({ isAny }) => isAny) && <span className="mp-edit-rate">{t('rate')}</span>}</div>}
      <ul className="mp-edit">{rows.map((row, at) => (
        <li key={at} className="mp-edit-row">
          <Input aria-label={t('port')} placeholder={t('portHow')} value={row.port} maxLength={20} onChange={({ target }) => { change(at, { port: target.value }); }} className="mp-edit-port" />
          <Select aria-label={t('from')} value={row.isAny ? 'any' : 'some'} options={[{ value: 'any', label: t('any') }, { value: 'some', label: t('some') }]} onChange={(value) => { change(at, { isAny: value === 'any' }); }} className="mp-edit-from" />
          {!row.isAny && <Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[',', ' ']} aria-label={t('networks')} placeholder={t('networksHow')} value={row.from} onChange={(value: string[]) => { change(at, { from: value }); }} className="mp-edit-networks" />}
          <Input aria-label={t('rate')} placeholder={t('rateHow')} value={row.rate} maxLength={20} onChange={({ target }) => { change(at, { rate: target.value }); }} className="mp-edit-rate" />
          <Button type="text" aria-label={t('remove', { what: inertString(row.port, 20) })} icon={<Icon name="close" size={15} />} onClick={() => { setRows(rows.filter((_, i) => i !== at)); }} />
        </li>
      ))}</ul>
      <div className="m-row"><Button icon={<Icon name="plus" size={15} />} onClick={() => { setRows([...rows, { port: '', isAny: true, from: [], rate: '' }]); }}>{t('add')}</Button>{rows.length === 0 && listening.length > 0 && <Button type="text" onClick={() => { setRows(listening.map((port) => ({ port, isAny: true, from: [], rate: '' }))); }}>{t('take')}</Button>}{rows.length === 0 && <span className="m-faint">{t('emptyAll')}</span>}</div>
      <label className="mp-switch"><Switch checked={enforce} onChange={setEnforce} aria-label={t('enforce')} /><span><b>{t('enforce')}</b><span className="m-quiet">{t('enforceHow')}</span></span></label>
      <Preview of={preview} isWhole={isWhole} isDraft={!enforce} />
    </Sure>
  );
}
