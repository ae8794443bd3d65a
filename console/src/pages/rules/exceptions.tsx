/** What was said to be wanted behaviour: which rule, of what, why, by whom, until when, and whether it still does anything. */
import { Button } from 'antd';
import { useState } from 'react';
import { Link } from 'react-router';
import type { Exception } from '../../../../src/api/contract/alerts.ts';
import { useDo, useGet } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import { useFilters } from '../../parts/address.ts';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Shown } from '../../parts/states.tsx';
import { Sure } from '../../parts/sure.tsx';
import { Time } from '../../parts/time.tsx';
import { useDeed } from '../../parts/toast.tsx';
import { common } from '../../text/common.ts';
import { useTexts } from '../../text/lang.ts';
import { ruleAddress } from './list.tsx';
import { words } from './words.ts';

export function Exceptions() {
  const t = useTexts(words);
  const c = useTexts(common);
  const { filters, clear } = useFilters(['rule']);
  const list = useGet<{ items: Exception[] }>('/exceptions', {}, { live: ['alert'] });
  return (
    <Card title={t('exceptions')} extra={<Link to="/alerts">{t('toAlerts')}</Link>}>
      <p className="mr-how">{t('exceptionsHow')}</p>
      {filters.rule !== undefined && <p className="m-row">{t('ruleChip')} <Inert code>{filters.rule}</Inert><Button size="small" onClick={clear}>{c('clear')}</Button></p>}
      <Shown of={list}>{({ items }) => {
        const shown = items.filter(({ rule }) => filters.rule === undefined || rule === filters.rule || rule === '*').toReversed();
        return shown.length === 0 ? <Empty title={t('exNone')}>{t('exNoneHow')}</Empty> : <ExceptionList items={shown} />;
      }}</Shown>
    </Card>
  );
}

export function ExceptionList({ items }: { items: readonly Exception[] }) {
  const t = useTexts(words);
  const mayTriage = useMay('triage');
  const deed = useDeed();
  const [asking, setAsking] = useState<Exception>();
  const act = useDo<{ method: 'POST' | 'DELETE'; path: string; body?: unknown }>((call) => call, ['/exceptions', '/alerts']);
  const back = ({ rule, when, why, until }: Exception): void => { void deed(() => act.mutateAsync({ method: 'POST', path: '/exceptions', body: { rule, when, why, ...(until !== undefined && { until }) } }), t('exBack')); };
  return (
    <>
      <ul className="mr-list">{items.map((one) => (
        <li key={one.id}>
          <div className="m-grow">
            <b><Inert most={400}>{one.why}</Inert></b>
            <p>{one.rule === '*' ? t('anyRule') : <Link className="mr-link" to={one.rule.startsWith('check.') ? { pathname: '/posture/findings', search: new URLSearchParams({ check: one.rule.slice('check.'.length) }).toString() } : ruleAddress(one.rule)}><Inert>{one.rule}</Inert></Link>} <span className="m-quiet">{t('when')}</span> <When when={one.when} /></p>
            <p className="m-quiet">{one.hits > 0 ? t('hits', { count: one.hits }) : t('hitsNone')}{one.last !== undefined && <> · <Time at={one.last} /></>} · <Until until={one.until} /> · {one.from === 'configuration' ? t('fromFile') : <>{one.by !== undefined && <Inert>{one.by}</Inert>}{one.created !== undefined && <> · <Time at={one.created} /></>}</>}</p>
          </div>
          {mayTriage && one.from === 'api' && <Button size="small" onClick={() => { setAsking(one); }}>{t('takeAway')}</Button>}
        </li>
      ))}</ul>
      {asking && <Sure title={t('takeTitle')} ok={t('takeAway')} why="no" close={() => { setAsking(undefined); }} done={t('taken')} undo={() => { back(asking); }} act={() => act.mutateAsync({ method: 'DELETE', path: `/exceptions/${encodeURIComponent(asking.id)}` })}><p>{t('takeHow')}</p><p><b><Inert most={400}>{asking.why}</Inert></b></p></Sure>}
    </>
  );
}

/** A day ends where the server is; here it is told as it was written. */
function Until({ until }: { until: string | undefined }) {
  const t = useTexts(words);
  if (until === undefined) return t('forever');
  return t(Date.parse(`${until}T23:59:59.999`) < Date.now() ? 'ended' : 'until', { until });
}

function When({ when }: { when: Exception['when'] }) {
  const t = useTexts(words);
  return <>{Object.entries(when).map(([field, value], at) => <span key={field}>{at > 0 && ', '}<code>{field}</code> = {Array.isArray(value) ? <>{t('anyOf')} <Inert code most={300}>{value.join(', ')}</Inert></> : <Inert code most={300}>{value}</Inert>}</span>)}</>;
}
