/** The zones of the network and what may pass between them: shown, and changed after seeing what that cuts. */
import { Button, Input, Select } from 'antd';
import { useState } from 'react';
import type { Zones } from '../../../../src/api/contract/response.ts';
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

const zonesMost = 12;

export function ZonesSection() {
  const t = useTexts(words);
  const f = useTexts(firewallWords);
  const maySystem = useMay('system');
  const act = useAct();
  const zones = useGet<Zones>('/zones');
  const [asking, setAsking] = useState<'edit' | 'reset'>();
  const close = (): void => { setAsking(undefined); };
  return (
    <Card title={t('zones')} extra={<div className="m-row">{zones.data && zones.data.zones.length > 0 && <State isOn={zones.data.enforced}>{t(zones.data.enforced ? 'enforced' : 'notEnforced')}</State>}{maySystem && zones.data && <Button type="primary" onClick={() => { setAsking('edit'); }}>{f('edit')}</Button>}</div>}>
      <p className="mp-how">{t('zonesHow')}</p>
      <Shown of={zones}>{(found) => (found.zones.length === 0 ? <Empty icon="protection" title={t('zonesNone')}>{t('zonesNoneHow')}</Empty> : <>
        <ul className="mp-list">{found.zones.map((one) => <li key={one.name}><div className="m-grow"><b><Inert>{one.name}</Inert></b><p className="m-quiet"><Inert>{one.networks.join(', ')}</Inert></p></div></li>)}</ul>
        <h3 className="mp-h3">{t('flows')}</h3>
        {found.flows.length === 0 ? <p className="m-quiet">{t('flowsNone')}</p> : <ul className="mp-list">{found.flows.map((one, at) => <li key={at}><Inert>{`${one.from} → ${one.to === 'host' ? t('host') : one.to}`}</Inert><span className="m-quiet"><Inert>{one.ports?.join(', ') ?? t('allPorts')}</Inert></span></li>)}</ul>}
      </>)}</Shown>
      {maySystem && zones.data?.set_by === 'api' && <p><Button type="text" onClick={() => { setAsking('reset'); }}>{f('reset')}</Button></p>}
      {asking === 'edit' && zones.data && <Edit found={zones.data} close={close} />}
      {asking === 'reset' && <Sure title={t('resetTitle')} ok={f('resetOk')} why="may" close={close} done={f('resetDone')} act={(why) => act.mutateAsync({ method: 'DELETE', path: '/zones', body: { why } })}><p>{t('resetHow')}</p></Sure>}
    </Card>
  );
}

interface Zone { name: string; networks: string[] }
interface Flow { from: string; to: string; ports: string[] }

function Edit({ found, close }: { found: Zones; close: () => void }) {
  const t = useTexts(firewallWords);
  const act = useAct();
  const [zones, setZones] = useState<Zone[]>(found.zones);
  const [flows, setFlows] = useState<Flow[]>(() => found.flows.map(({ from, to, ports }) => ({ from, to, ports: (ports ?? []).map(String) })));
  const names = zones.map(({ name }) => name.trim()).filter((one) => one !== '');
  const isWhole = zones.every(({ name, networks }) => name.trim() !== '' && networks.length > 0) && flows.every(({ from, to }) => names.includes(from) && (to === 'host' || names.includes(to)) && from !== to);
  const body = { zones: zones.map(({ name, networks }) => ({ name: name.trim(), networks })), flows: flows.map(({ from, to, ports }) => ({ from, to, ...(ports.length > 0 && { ports }) })) };
  const preview = usePreview('/zones/preview', body, isWhole);
  const isEnforced = preview.preview.data?.enforced ?? false;
  const changeZone = (at: number, more: Partial<Zone>): void => {
    const before = zones[at]!.name;
    setZones(zones.map((one, i) => (i === at ? { ...one, ...more } : one)));
    // What flows from and to it goes with its name.
    if (more.name !== undefined) setFlows(flows.map((one) => ({ ...one, ...(one.from === before && { from: more.name!.trim() }), ...(one.to === before && { to: more.name!.trim() }) })));
  };
  const changeFlow = (at: number, more: Partial<Flow>): void => { setFlows(flows.map((one, i) => (i === at ? { ...one, ...more } : one))); };
  const choices = names.map((value) => ({ value, label: inertString(value, 40) }));
  return (
    <Sure title={t('editZones')} ok={t('save')} isDanger={isEnforced} width={760} isMissing={!preview.isFresh || (isEnforced && preview.preview.data?.refused !== undefined)} close={close} done={t('saved')} act={(why) => act.mutateAsync({ method: 'POST', path: '/zones', body: { ...body, why } })}>
      {preview.preview.data && <p className="m-quiet">{t(isEnforced ? 'zonesEnforced' : 'zonesDraft')}</p>}
      {zones.length > 0 && <div className="mp-edit-row mp-edit-heads" aria-hidden="true"><span className="mp-edit-name">{t('zoneName')}</span><span className="mp-edit-networks">{t('networks')}</span></div>}
      <ul className="mp-edit">{zones.map((zone, at) => (
        <li key={at} className="mp-edit-row">
          <Input aria-label={t('zoneName')} placeholder={t('zoneNameHow')} value={zone.name} maxLength={32} onChange={({ target }) => { changeZone(at, { name: target.value }); }} className="mp-edit-name" />
          <Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[',', ' ']} aria-label={t('networks')} placeholder={t('networksHow')} value={zone.networks} onChange={(value: string[]) => { changeZone(at, { networks: value }); }} className="mp-edit-networks" />
          <Button type="text" aria-label={t('remove', { what: inertString(zone.name, 32) })} icon={<Icon name="close" size={15} />} onClick={() => { setZones(zones.filter((_, i) => i !== at)); setFlows(flows.filter(({ from, to }) => from !== zone.name && to !== zone.name)); }} />
        </li>
      ))}</ul>
      <div><Button icon={<Icon name="plus" size={15} />} disabled={zones.length >= zonesMost} onClick={() => { setZones([...zones, { name: '', networks: [] }]); }}>{t('addZone')}</Button></div>
      {names.length > 0 && <>
        {flows.length > 0 && <div className="mp-edit-row mp-edit-heads" aria-hidden="true"><span className="mp-edit-from">{t('from')}</span><span className="mp-edit-from mp-edit-to">{t('flowTo')}</span><span className="mp-edit-networks">{t('flowPorts')}</span></div>}
        <ul className="mp-edit">{flows.map((flow, at) => (
          <li key={at} className="mp-edit-row">
            <Select aria-label={t('from')} placeholder={t('from')} value={flow.from === '' ? null : flow.from} options={choices} onChange={(value: string) => { changeFlow(at, { from: value }); }} className="mp-edit-from" />
            <span className="m-quiet">→</span>
            <Select aria-label={t('flowTo')} value={flow.to} options={[{ value: 'host', label: t('host') }, ...choices]} onChange={(value: string) => { changeFlow(at, { to: value }); }} className="mp-edit-from" />
            <Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[',', ' ']} aria-label={t('flowPorts')} placeholder={t('flowPortsHow')} value={flow.ports} onChange={(value: string[]) => { changeFlow(at, { ports: value }); }} className="mp-edit-networks" />
            <Button type="text" aria-label={t('remove', { what: inertString(`${flow.from} → ${flow.to}`, 70) })} icon={<Icon name="close" size={15} />} onClick={() => { setFlows(flows.filter((_, i) => i !== at)); }} />
          </li>
        ))}</ul>
        <div><Button icon={<Icon name="plus" size={15} />} onClick={() => { setFlows([...flows, { from: names[0]!, to: 'host', ports: [] }]); }}>{t('addFlow')}</Button></div>
        {isWhole && names.length > 1 && <Between names={names} flows={flows} />}
      </>}
      <Preview of={preview} isWhole={isWhole} isDraft={!isEnforced} />
    </Sure>
  );
}

/** Each zone with each other, so that what is left out is seen too. */
function Between({ names, flows }: { names: readonly string[]; flows: readonly Flow[] }) {
  const t = useTexts(firewallWords);
  return (
    <section className="mp-preview" aria-label={t('between')}>
      <h3 className="mp-h3">{t('between')}</h3>
      <ul className="mp-cuts">{names.flatMap((from) => names.filter((to) => to !== from).map((to) => {
        const some = flows.filter((one) => one.from === from && one.to === to);
        const ports = some.some((one) => one.ports.length === 0) ? t('allPorts') : some.flatMap((one) => one.ports).join(', ');
        return <li key={`${from} ${to}`} className={some.length === 0 ? 'm-quiet' : ''}><Inert>{some.length === 0 ? t('passesNot', { from, to }) : t('passes', { from, to, ports })}</Inert></li>;
      }))}</ul>
    </section>
  );
}
