/** All rules and behaviours, filtered by the server. */
import { Button, Input, Segmented, Select, Switch, type TableColumnsType } from 'antd';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import type { Matrix, Rule } from '../../../../src/api/contract/rules.ts';
import { useGet, useList } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import { useChanges } from '../../api/stream.ts';
import { worstFirst } from '../../api/types.ts';
import { useFilters } from '../../parts/address.ts';
import { Icon } from '../../parts/icon.tsx';
import { inertString } from '../../parts/inert-text.ts';
import { Inert } from '../../parts/inert.tsx';
import { LevelTag } from '../../parts/level.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Empty } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { common } from '../../text/common.ts';
import { useSay, useTexts } from '../../text/lang.ts';
import { words } from './words.ts';

const kinds = ['rule', 'correlation', 'behaviour'] as const;
/** Counts are asked anew at most so often. */
const freshMs = 15_000;
export const ruleAddress = (id: string): string => `/rules/rule/${encodeURIComponent(id)}`;

export function List() {
  const t = useTexts(words);
  const c = useTexts(common);
  const say = useSay();
  const go = useNavigate();
  const mayHunt = useMay('hunt');
  const { filters, set, clear, isAny } = useFilters(['text', 'level', 'kind', 'own', 'attack', 'fired']);
  const list = useList<Rule>('/rules', filters, { pageSize: 200 });
  useChanges(['alert'], () => { if (Date.now() - list.query.dataUpdatedAt > freshMs) void list.query.refetch(); });
  const [isAsked, setAsked] = useState(filters.attack !== undefined);
  const matrix = useGet<Matrix>('/matrix', { fields: 'techniques' }, { enabled: isAsked });
  const techniques = matrix.data?.techniques.filter((one) => one.covered_count > 0).map(({ id, name }) => ({ value: id, label: inertString(say(name), 200) })) ?? [];
  const columns: TableColumnsType<Rule> = [
    { title: t('level'), width: 104, render: (_, row) => (row.level === undefined ? <span className="m-faint">–</span> : <LevelTag level={row.level} />) },
    { title: t('what'), render: (_, row) => <div className="mr-cell"><b className="m-cut"><Inert most={300}>{say(row.title)}</Inert></b><span className="m-faint m-cut"><Inert most={120}>{row.id}</Inert>{row.own && <span className="mr-tag">{t('own')}</span>}{!row.enabled && <span className="mr-tag">{t('off')}</span>}</span></div> },
    { title: t('kind'), width: 130, responsive: ['lg'], render: (_, row) => t(`kind_${row.kind}`) },
    { title: t('technique'), width: 190, responsive: ['xl'], render: (_, row) => <span className="m-cut m-quiet"><Inert most={60}>{row.attack.slice(0, 2).join(', ')}</Inert>{row.attack.length > 2 && ` +${row.attack.length - 2}`}</span> },
    { title: t('alerts'), width: 84, align: 'right', responsive: ['md'], render: (_, row) => (row.alerts === 0 ? <span className="m-faint">0</span> : <span className="m-number">{row.alerts}</span>) },
    { title: t('last'), width: 120, responsive: ['md'], render: (_, row) => (row.last === undefined ? <span className="m-faint">{t('never')}</span> : <Time at={row.last} />) },
  ];
  const isOwn = filters.own === 'true' && Object.keys(filters).length === 1;
  return (
    <section className="m-card" aria-label={t('list')}>
      <div className="mr-filters m-pad" role="search">
        <Input className="mr-search" allowClear data-search prefix={<Icon name="search" size={16} />} key={`text ${filters.text === undefined}`} defaultValue={filters.text} placeholder={t('search')} aria-label={t('search')} maxLength={200} onPressEnter={({ currentTarget }) => { set({ text: currentTarget.value.trim() }); }} onBlur={({ currentTarget }) => { set({ text: currentTarget.value.trim() }); }} onClear={() => { set({ text: undefined }); }} />
        <Select aria-label={t('level')} className="mr-select" allowClear placeholder={t('anyLevel')} value={filters.level ?? null} options={worstFirst.map((value) => ({ value, label: c(value) }))} onChange={(value: string | undefined) => { set({ level: value }); }} />
        <Select aria-label={t('kind')} className="mr-select" allowClear placeholder={t('anyKind')} value={filters.kind ?? null} options={kinds.map((value) => ({ value, label: t(`kind_${value}`) }))} onChange={(value: string | undefined) => { set({ kind: value }); }} />
        <Select aria-label={t('technique')} className="mr-techniques" allowClear showSearch={{ optionFilterProp: 'label' }} placeholder={t('anyTechnique')} loading={isAsked && matrix.isPending} value={filters.attack ?? null} options={techniques} onOpenChange={(isOpen) => { if (isOpen) setAsked(true); }} onChange={(value: string | undefined) => { set({ attack: value }); }} />
        <Segmented aria-label={t('whose')} value={filters.own ?? 'all'} options={[{ value: 'all', label: t('everybody') }, { value: 'true', label: t('own') }, { value: 'false', label: t('shipped') }]} onChange={(value) => { set({ own: value === 'all' ? undefined : value }); }} />
        <label className="mr-switch"><Switch size="small" checked={filters.fired === 'true'} onChange={(value) => { set({ fired: value ? 'true' : undefined }); }} />{t('firedOnly')}</label>
        {isAny && <Button type="text" onClick={clear}>{c('clear')}</Button>}
      </div>
      <Rows
        list={list} columns={columns} rowKey={(row) => row.id} label={t('list')} around={390} width={760} onOpen={(row) => { void go(ruleAddress(row.id)); }}
        empty={isOwn ? <Empty icon="rules" title={t('noOwn')} {...(mayHunt && { action: <Button type="primary" onClick={() => { void go('/rules/new'); }}>{t('new')}</Button> })}>{t('noOwnHow')}</Empty> : <Empty icon="search" title={t('emptyList')} action={<Button onClick={clear}>{c('clear')}</Button>}>{t('emptyListHow')}</Empty>}
      />
    </section>
  );
}
