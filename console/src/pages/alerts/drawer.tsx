/** One alert whole: what happened in a sentence, why it fired, the evidence, what can be done. */
import { Button, Collapse, Drawer } from 'antd';
import { useState } from 'react';
import { Link } from 'react-router';
import type { AlertWhole } from '../../../../src/api/contract/alerts.ts';
import { useDo, useGet } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import { Copy } from '../../parts/copy.tsx';
import { Icon } from '../../parts/icon.tsx';
import { inertString, plain } from '../../parts/inert-text.ts';
import { Inert } from '../../parts/inert.tsx';
import { LevelTag } from '../../parts/level.tsx';
import { Shown } from '../../parts/states.tsx';
import { Techniques } from '../../parts/techniques.tsx';
import { Time } from '../../parts/time.tsx';
import { useDeed } from '../../parts/toast.tsx';
import { common } from '../../text/common.ts';
import { useSay, useTexts } from '../../text/lang.ts';
import { pageLink } from '../links.ts';
import { ExceptionForm } from './exception.tsx';
import type { FilterName } from './page.tsx';
import { Why } from './why.tsx';
import { words } from './words.ts';

interface DrawerProps { id: string; onClose: () => void; onFilter: (name: FilterName, value: string) => void }

export function AlertDrawer({ id, onClose, onFilter }: DrawerProps) {
  const t = useTexts(words);
  const tCommon = useTexts(common);
  // What was shown stays while it slides away.
  const [shown, setShown] = useState(id);
  if (id !== '' && id !== shown) setShown(id);
  const alert = useGet<AlertWhole>(`/alerts/${encodeURIComponent(shown)}`, {}, { enabled: id !== '', live: ['alert'] });
  return (
    <Drawer open={id !== ''} onClose={onClose} size={720} mask={false} closable={{ 'aria-label': tCommon('close') }} title={t('title')} styles={{ body: { padding: 0 } }} rootClassName="a-drawer">
      {shown !== '' && <Shown of={alert} rows={10}>{(found) => <Whole key={found.id} alert={found} onFilter={onFilter} />}</Shown>}
    </Drawer>
  );
}

function Whole({ alert, onFilter }: { alert: AlertWhole; onFilter: DrawerProps['onFilter'] }) {
  const t = useTexts(words);
  const say = useSay();
  const mayTriage = useMay('triage');
  const [isExcepting, setExcepting] = useState(false);
  const change = useDo<'open' | 'closed'>((status) => ({ method: 'PATCH', path: `/alerts/${encodeURIComponent(alert.id)}`, body: { status } }), ['/alerts', '/overview']);
  const isOpen = alert.status === 'open';
  const deed = useDeed();
  const turn = (to: 'open' | 'closed', canUndo = true): void => { void deed(() => change.mutateAsync(to), t(to === 'open' ? 'openDone' : 'closedDone'), canUndo ? () => { turn(to === 'open' ? 'closed' : 'open', false); } : undefined); };
  const filter = (name: FilterName, value: string) => <button type="button" className="a-filter" aria-label={t('filterBy', { value: inertString(value, 200) })} title={t('only', { value: inertString(value, 200) })} onClick={() => { onFilter(name, value); }}><Icon name="search" size={14} /></button>;
  const incident = alert.incident && pageLink('incidents', alert.incident.id);
  return (
    <article className="a-whole">
      <header>
        <LevelTag level={alert.level} />
        <h2><Inert>{say(alert.title)}</Inert></h2>
        <p className="a-summary"><Inert>{alert.summary}</Inert></p>
        {alert.why.advice && <p className="a-advice"><b>{t('advice')}</b> <Inert most={4000}>{say(alert.why.advice)}</Inert></p>}
        <div className="m-row a-deeds">
          {mayTriage && <Button type={isOpen ? 'primary' : 'default'} loading={change.isPending} onClick={() => { turn(isOpen ? 'closed' : 'open'); }}>{t(isOpen ? 'close' : 'reopen')}</Button>}
          {mayTriage && <Button onClick={() => { setExcepting(true); }}>{t('except')}</Button>}
        </div>
      </header>
      <dl className="a-facts">
        <div><dt>{t('first')}</dt><dd><Time at={alert.time} style="clock" /></dd></div>
        <div><dt>{t('last')}</dt><dd><Time at={alert.last_time} style="clock" /></dd></div>
        <div><dt>{t('count')}</dt><dd>{alert.count}</dd></div>
        <div><dt>{t('where')}</dt><dd><Inert>{alert.host}</Inert>{filter('host', alert.host)}</dd></div>
        {alert.source_ip !== undefined && <div><dt>{t('from')}</dt><dd><Inert code>{alert.source_ip}</Inert>{alert.source_country !== undefined && <> <Inert>{alert.source_country}</Inert></>}{filter('source_ip', alert.source_ip)}</dd></div>}
        {alert.user !== undefined && <div><dt>{t('user')}</dt><dd><Inert code>{alert.user}</Inert></dd></div>}
        {alert.service !== undefined && <div><dt>{t('service')}</dt><dd><Inert>{alert.service}</Inert></dd></div>}
        {alert.pid !== undefined && <div><dt>{t('process')}</dt><dd><Inert code>{alert.pid}</Inert>{filter('pid', String(alert.pid))}</dd></div>}
        {alert.path !== undefined && <div className="a-long"><dt>{t('path')}</dt><dd><Inert code>{alert.path}</Inert>{filter('path', alert.path)}</dd></div>}
        {alert.origin !== undefined && <div className="a-long"><dt>{t('origin')}</dt><dd><Inert>{alert.origin}</Inert></dd></div>}
        <div className="a-long"><dt>{t('rule')}</dt><dd><Inert code>{alert.rule_id}</Inert>{filter('rule', alert.rule_id)}</dd></div>
        {(alert.attack.length > 0 || alert.matrix.length > 0) && <div className="a-long"><dt>{t('techniques')}</dt><dd className="m-row"><Techniques attack={alert.attack} matrix={alert.matrix} /></dd></div>}
        {alert.incident && <div className="a-long"><dt>{t('incident')}</dt><dd>{incident === undefined ? <Inert>{say(alert.incident.title)}</Inert> : <Link to={incident}><Inert>{say(alert.incident.title)}</Inert></Link>}</dd></div>}
      </dl>
      <section><h3>{t('why')}</h3><Why why={alert.why} /></section>
      <section><h3>{t('evidence')}</h3><Evidence alert={alert} /></section>
      {isExcepting && <ExceptionForm alert={alert} onClose={() => { setExcepting(false); }} />}
    </article>
  );
}

/** Fields that say nothing to who reads the event. */
const plumbing = new Set(['id', 'message', 'lines', 'extra']);

function Evidence({ alert }: { alert: AlertWhole }) {
  const t = useTexts(words);
  const lines = alert.raw.flatMap((event) => (typeof event['message'] === 'string' ? [event['message']] : []));
  const events = alert.raw.length > 0 ? alert.raw : alert.evidence;
  return (
    <>
      {lines.length > 0 && <div className="a-raw"><div className="a-raw-head"><span className="m-quiet">{t('raw')}</span><Copy text={lines.join('\n')} /></div><Inert block most={8000}>{lines.join('\n')}</Inert></div>}
      <Collapse
        size="small" className="a-events" defaultActiveKey={lines.length === 0 ? ['0'] : []}
        items={events.slice(0, 20).map((event, at) => ({
          key: String(at), label: <span className="m-row"><Time at={typeof event['time'] === 'number' ? event['time'] : undefined} style="clock" /><Inert code>{[event['kind'], event['action']].filter((one) => typeof one === 'string').join(' · ')}</Inert></span>,
          children: <table className="a-fields"><tbody>{Object.entries(event).filter(([name]) => !plumbing.has(name)).map(([name, value]) => <tr key={name}><th scope="row"><Inert>{name}</Inert></th><td><Inert code>{plain(value)}</Inert></td></tr>)}</tbody></table>,
        }))}
      />
      {alert.origin_chain.length > 0 && <><h4>{t('chain')}</h4><ol className="a-chain">{alert.origin_chain.map((one, at) => <li key={at}><Inert code>{JSON.stringify(one)}</Inert></li>)}</ol></>}
    </>
  );
}
