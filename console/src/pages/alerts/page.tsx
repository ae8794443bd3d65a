/** Alerts: a list as long as it gets, filtered by the server; one of them opens at the side and stands in the address. */
import { Button, Input, Select, Switch, type TableColumnsType } from 'antd';
import { useMemo, useState } from 'react';
import { useLocation, useNavigate, useParams } from 'react-router';
import type { AlertRow } from '../../../../src/api/contract/alerts.ts';
import { useList } from '../../api/hooks.ts';
import { useChanges } from '../../api/stream.ts';
import { levels } from '../../api/types.ts';
import { useFilters } from '../../parts/address.ts';
import { Icon } from '../../parts/icon.tsx';
import { Inert } from '../../parts/inert.tsx';
import { inertString } from '../../parts/inert-text.ts';
import { LevelTag } from '../../parts/level.tsx';
import { Page as Frame } from '../../parts/page.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Empty } from '../../parts/states.tsx';
import { clock } from '../../parts/time-text.ts';
import { Time } from '../../parts/time.tsx';
import { common } from '../../text/common.ts';
import { useLang, useSay, useTexts } from '../../text/lang.ts';
import { AlertDrawer } from './drawer.tsx';
import { words } from './words.ts';
import './alerts.css';

/** What the address of the page may say. */
const names = ['text', 'level', 'status', 'hours', 'rule', 'source_ip', 'host', 'path', 'pid', 'folded'] as const;
/** Filters by one value, shown as chips that are taken away by a click. */
const chips = ['rule', 'source_ip', 'host', 'path', 'pid'] as const;
/** Begins of the time are rounded to this, so that the same list is not asked for anew each second. */
const roundMs = 60_000;

export function Page() {
  const t = useTexts(words);
  const tCommon = useTexts(common);
  const lang = useLang();
  const say = useSay();
  const navigate = useNavigate();
  const { search } = useLocation();
  const chosen = useParams()['*'] ?? '';
  const { filters, set, clear, isAny } = useFilters(names);
  const [round, setRound] = useState(0);
  const [fresh, setFresh] = useState<ReadonlySet<string>>(new Set());
  const { hours, status = 'open', folded, ...same } = filters;
  const from = useMemo(() => (hours === undefined || !/^\d{1,4}$/.test(hours) ? undefined : Math.floor(Date.now() / roundMs) * roundMs - Number(hours) * 3_600_000), [hours, round]);
  const list = useList<AlertRow>('/alerts', { ...same, from, ...(status !== 'all' && { status }), folded: folded !== 'no' }, { pageSize: 200 });
  useChanges(['alert'], (ids) => { setFresh((before) => new Set([...before, ...ids])); });
  const renew = (): void => {
    setFresh(new Set());
    setRound(round + 1);
    void list.query.refetch();
  };
  const columns = useMemo<TableColumnsType<AlertRow>>(() => [
    { key: 'level', title: t('level'), width: 112, render: (_, { level }) => <LevelTag level={level} /> },
    {
      key: 'what', title: t('what'), render: (_, { title, summary, rule_id, last_time, folded: many }) => (
        <span className="a-what">
          <b><span className="m-cut"><Inert>{say(title)}</Inert></span>{many && many.alerts > 1 && <button type="button" className="a-many" title={t('unfold')} onClick={(event) => { event.stopPropagation(); set({ rule: rule_id, folded: 'no' }, { push: true }); }}>{t('many', { count: many.alerts })}</button>}</b>
          <span className="m-quiet m-cut"><Inert most={300}>{summary}</Inert></span>
          <span className="m-faint a-phone"><Time at={last_time} /></span>
        </span>
      ),
    },
    { key: 'from', title: t('from'), width: 190, responsive: ['md'], render: (_, { source_ip, source_country, origin_ip, folded: many }) => (many && many.sources > 1 ? <span className="m-quiet">{t('sources', { count: many.sources })}</span> : (source_ip ?? origin_ip) === undefined ? null : <><Inert code>{source_ip ?? origin_ip}</Inert>{source_country !== undefined && <span className="m-faint"> <Inert>{source_country}</Inert></span>}</>) },
    { key: 'host', title: t('where'), width: 120, responsive: ['lg'], render: (_, { host }) => <Inert>{host}</Inert> },
    { key: 'count', title: t('count'), width: 84, align: 'right', responsive: ['md'], render: (_, { count, folded: many }) => <span className="m-number" title={many && many.alerts > 1 ? t('folded', { alerts: many.alerts, events: many.events, first: clock(many.first, lang) }) : undefined}>{many?.events ?? count}</span> },
    { key: 'time', title: t('last'), width: 128, responsive: ['md'], render: (_, { last_time }) => <Time at={last_time} /> },
  ], [t, say, lang, set]);
  return (
    <Frame title={t('title')} lead={t('lead')}>
      <div className="a-filters" role="search">
        <Input allowClear data-search prefix={<Icon name="search" size={16} />} key={`text ${filters.text === undefined}`} defaultValue={filters.text} placeholder={t('search')} aria-label={t('search')} maxLength={200} onPressEnter={({ currentTarget }) => { set({ text: currentTarget.value.trim() }); }} onBlur={({ currentTarget }) => { set({ text: currentTarget.value.trim() }); }} onClear={() => { set({ text: undefined }); }} />
        <Select aria-label={t('level')} value={filters.level ?? 'all'} onChange={(value) => { set({ level: value === 'all' ? undefined : value }); }} options={[{ value: 'all', label: t('allLevels') }, ...levels.slice(1).toReversed().map((level) => ({ value: level as string, label: level === 'critical' ? tCommon(level) : t('level_from', { level: tCommon(level) }) }))]} />
        <Select aria-label={t('status')} value={status} onChange={(value) => { set({ status: value === 'open' ? undefined : value }); }} options={(['open', 'closed', 'all'] as const).map((value) => ({ value: value as string, label: t(`status_${value}`) }))} />
        <Select aria-label={t('time')} value={hours ?? 'all'} onChange={(value) => { set({ hours: value === 'all' ? undefined : value }); }} options={(['1', '24', '168', 'all'] as const).map((value) => ({ value: value as string, label: t(`time_${value}`) }))} />
        <label className="a-fold" title={t('foldHow')}><Switch size="small" checked={folded !== 'no'} onChange={(value) => { set({ folded: value ? undefined : 'no' }); }} />{t('fold')}</label>
        {isAny && <Button type="text" onClick={clear}>{tCommon('clear')}</Button>}
      </div>
      {chips.some((name) => filters[name] !== undefined) && (
        <div className="m-row">
          {chips.map((name) => filters[name] !== undefined && <span key={name} className="a-chip">{t(name)}: <Inert code>{filters[name]}</Inert><button type="button" aria-label={t('remove', { name: t(name) })} onClick={() => { set({ [name]: undefined }); }}><Icon name="close" size={14} /></button></span>)}
        </div>
      )}
      <section className="m-card a-table" aria-label={t('table')}>
        {fresh.size > 0 && <button type="button" className="a-fresh" onClick={renew}><Icon name="refresh" size={16} />{t('fresh', { count: fresh.size })}</button>}
        <Rows list={list} columns={columns} rowKey={({ id }) => id} label={t('table')} chosen={chosen} width={640} around={chips.some((name) => filters[name] !== undefined) ? 370 : 330} onOpen={({ id }) => { void navigate({ pathname: `/alerts/${id}`, search }); }} empty={<Empty title={isAny ? t('noneFiltered') : t('none')} {...(isAny && { icon: 'search', action: <Button onClick={clear}>{tCommon('clear')}</Button> })}>{isAny ? undefined : t('noneHow')}</Empty>} />
      </section>
      <AlertDrawer id={chosen} onClose={() => { void navigate({ pathname: '/alerts', search }); }} onFilter={(name, value) => { void navigate({ pathname: '/alerts', search: new URLSearchParams({ ...filters, [name]: inertString(value, 200) }).toString() }); }} />
    </Frame>
  );
}

export type FilterName = (typeof chips)[number];
