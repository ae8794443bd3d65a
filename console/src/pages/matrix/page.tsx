/** Matrix: the cloud server matrix and ATT&CK, as a map or a table; a cell opens at the side and stands in the address. */
import { Segmented } from 'antd';
import { useMemo } from 'react';
import { Link, useLocation, useNavigate, useParams } from 'react-router';
import type { Matrix } from '../../../../src/api/contract/rules.ts';
import { useGet } from '../../api/hooks.ts';
import { useChanges } from '../../api/stream.ts';
import { useFilters } from '../../parts/address.ts';
import { Page as Frame } from '../../parts/page.tsx';
import { Sections } from '../../parts/sections.tsx';
import { Empty, Shown } from '../../parts/states.tsx';
import { inertString } from '../../parts/inert-text.ts';
import { Inert } from '../../parts/inert.tsx';
import { useSay, useTexts } from '../../text/lang.ts';
import { CellDrawer } from './cell.tsx';
import { HeatMap, Legend, Table } from './map.tsx';
import { attackColumns, cellById, cellsOf, cloudColumns, type Column, phone, shownOf, type Span, spans, type Tactic } from './shape.ts';
import { words } from './words.ts';
import '../../parts/rows.css';
import './matrix.css';

const shows = ['all', 'seen', 'open'] as const;
const dayMs = 86_400_000;
/** Begins of the time are rounded to this, so that the same answer is not asked for anew each second. */
const roundMs = 300_000;
/** Where a new alert may renew the counts, and otherwise. */
const freshMs = 15_000, everyMs = 60_000;
const gapsShown = 6;

export function Page() {
  const t = useTexts(words);
  const say = useSay();
  const go = useNavigate();
  const { search } = useLocation();
  const [at = '', id = ''] = (useParams()['*'] ?? '').split('/');
  const isAttack = at === 'attack';
  const { filters, set } = useFilters(['days', 'show', 'as']);
  const days = spans.find((one) => one === filters.days) ?? '30';
  const show = shows.find((one) => one === filters.show) ?? 'all';
  const as = filters.as === 'map' || filters.as === 'table' ? filters.as : innerWidth < phone ? 'table' : 'map';
  const since = Math.floor(Date.now() / roundMs) * roundMs - Number(days) * dayMs;
  const matrix = useGet<Matrix>('/matrix', { since }, { everyMs, keep: true });
  useChanges(['alert'], () => { if (Date.now() - matrix.dataUpdatedAt > freshMs) void matrix.refetch(); });
  const columns = useMemo(() => (matrix.data === undefined ? [] : isAttack ? attackColumns(matrix.data) : cloudColumns(matrix.data)), [matrix.data, isAttack]);
  const base = isAttack ? '/matrix/attack' : '/matrix/cloud';
  const nameOf = (column: Column): string => (column.name ? inertString(say(column.name), 100) : t(`t_${column.id as Tactic}`));
  const open = (cell: string): void => { void go({ pathname: `${base}/${encodeURIComponent(cell)}`, search }); };
  return (
    <Frame wide title={t('title')} lead={t('lead')}>
      <Sections label={t('sections')} items={[{ to: '/matrix', title: t('cloud'), isDeep: !isAttack }, { to: '/matrix/attack', title: t('attack') }]} />
      <div className="mx-head">
        <Segmented aria-label={t('days')} value={days} options={spans.map((value) => ({ value, label: t(`days_${value}`) }))} onChange={(value) => { set({ days: value === '30' ? undefined : value }); }} />
        <Segmented aria-label={t('show')} value={show} options={shows.map((value) => ({ value, label: t(`show_${value}`) }))} onChange={(value) => { set({ show: value === 'all' ? undefined : value }); }} />
        <Segmented aria-label={t('as')} value={as} options={[{ value: 'map', label: t('map') }, { value: 'table', label: t('table') }]} onChange={(value) => { set({ as: value }); }} />
      </div>
      {at !== '' && at !== 'cloud' && !isAttack ? <div className="m-card"><Empty icon="search" title={t('nothingHere')} /></div> : (
        <div className="m-card"><Shown of={matrix} rows={10}>{() => {
          const shown = shownOf(columns, show);
          return (
            <>
              <Summary columns={columns} days={days} how={t(isAttack ? 'attackHow' : 'cloudHow')} base={base} />
              {shown.length === 0 ? <Empty icon={show === 'open' ? 'check' : 'search'} title={t('none')}>{t('noneHow')}</Empty> : as === 'map' ? <><Legend /><HeatMap columns={shown} nameOf={nameOf} chosen={id} isTall={isAttack} onOpen={open} /></> : <Table columns={shown} nameOf={nameOf} onOpen={open} />}
              {!isAttack && <p className="m-faint mx-note">{t('which')}</p>}
            </>
          );
        }}</Shown></div>
      )}
      <CellDrawer cell={id === '' ? undefined : cellById(columns, id)} isMissing={id !== '' && matrix.data !== undefined && cellById(columns, id) === undefined} days={days} close={() => { void go({ pathname: isAttack ? '/matrix/attack' : '/matrix', search }); }} />
    </Frame>
  );
}

/** The same in words: nobody needs to read colours. */
function Summary({ columns, days, how, base }: { columns: readonly Column[]; days: Span; how: string; base: string }) {
  const t = useTexts(words);
  const say = useSay();
  const { search } = useLocation();
  const cells = cellsOf(columns);
  const gaps = cells.filter(({ covered }) => covered === 0);
  const seen = cells.filter((cell) => cell.seen > 0).length;
  const span = t(`in_${days}`);
  const open = new URLSearchParams(search);
  open.set('show', 'open');
  return (
    <div className="mx-sum">
      <p className="mx-verdict">{gaps.length === 0 ? t('sumAll', { all: cells.length }) : t('sum', { covered: cells.length - gaps.length, all: cells.length })} · {seen === 0 ? t('sumNone', { span }) : t('sumSeen', { count: seen, span })}</p>
      {gaps.length > 0 && <p>{t('gaps', { count: gaps.length })} {gaps.slice(0, gapsShown).map((cell, at) => <span key={cell.id}>{at > 0 && ', '}<Link className="mx-link" to={{ pathname: `${base}/${encodeURIComponent(cell.id)}`, search }}><Inert>{say(cell.name)}</Inert></Link></span>)}{gaps.length > gapsShown && <> {t('gapsMore', { count: gaps.length - gapsShown })} (<Link className="mx-link" to={{ search: open.toString() }}>{t('gapsAll')}</Link>)</>}</p>}
      <p className="m-quiet">{how}</p>
    </div>
  );
}
