/** Who waits for connections, and who gets there. */
import { Segmented, type TableColumnsType } from 'antd';
import type { Listeners } from '../../../../src/api/contract/host.ts';
import { useGet } from '../../api/hooks.ts';
import { useFilters } from '../../parts/address.ts';
import { Inert } from '../../parts/inert.tsx';
import { Rows, wholeList } from '../../parts/rows.tsx';
import { Empty } from '../../parts/states.tsx';
import { useTexts } from '../../text/lang.ts';
import { NotLooked } from './parts.tsx';
import { isAnyAddress, isLoopback } from './tree.ts';
import { words } from './words.ts';

type Listener = Listeners['items'][number];
const isInside = (one: Listener): boolean => isLoopback(one.address);

export function ListenersTab() {
  const t = useTexts(words);
  const { filters, set } = useFilters(['reach']);
  const asked = useGet<Listeners>('/host/listeners', {}, { everyMs: 30_000 });
  // Whom the whole world reaches first.
  const all = (asked.data?.items ?? []).toSorted((a, b) => Number(isInside(a)) - Number(isInside(b)) || a.port - b.port);
  const rows = filters.reach === 'all' ? all : all.filter((one) => !isInside(one));
  const columns: TableColumnsType<Listener> = [
    { key: 'port', title: t('port'), width: 110, render: (_cell, one) => <span className="m-mono">{one.port}/{one.protocol}</span> },
    { key: 'program', title: t('program'), render: (_cell, one) => <span className="h-what"><b><Inert>{one.program ?? '—'}</Inert></b><span className="m-faint">{isAnyAddress(one.address) ? t('anyAddress') : <Inert code>{one.address}</Inert>}</span></span> },
    { key: 'reach', title: t('reach'), width: 170, render: (_cell, one) => <span className={`h-reach h-reach-${isInside(one) ? 'self' : one.for}`}><Inert>{isInside(one) ? t('reach_self') : t(`reach_${one.for}`, { from: one.from.slice(0, 5).join(', ') })}</Inert>{one.per_source !== undefined && <span className="m-faint"> <Inert>{t('perSource', { rate: one.per_source })}</Inert></span>}</span> },
  ];
  return (
    <div className="m-stack">
      <div className="h-filters">
        <Segmented aria-label={t('reach')} value={filters.reach === 'all' ? 'all' : 'open'} onChange={(value) => { set({ reach: value === 'all' ? 'all' : undefined }); }} options={[{ value: 'open', label: t('openOnly') }, { value: 'all', label: t('portsAll') }]} />
        {asked.data && <span className="m-quiet">{t(asked.data.enforced ? 'enforced' : 'notEnforced')}</span>}
      </div>
      <NotLooked why={asked.data?.why} />
      {(asked.data?.why === undefined || all.length > 0) && <section className="m-card h-table" aria-label={t('tab_listeners')}><Rows list={wholeList(asked, rows)} columns={columns} rowKey={(one) => `${one.protocol} ${one.address} ${one.port} ${one.program ?? ''}`} label={t('tab_listeners')} width={520} around={480} empty={<Empty title={t('listenersNone')} />} /></section>}
    </div>
  );
}
