import { Segmented, Select, type TableColumnsType } from 'antd';
import { useNavigate } from 'react-router';
import type { IncidentRow } from '../../../../src/api/contract/incidents.ts';
import { useList } from '../../api/hooks.ts';
import { useChanges } from '../../api/stream.ts';
import { worstFirst } from '../../api/types.ts';
import { useFilters } from '../../parts/address.ts';
import { Inert } from '../../parts/inert.tsx';
import { LevelTag } from '../../parts/level.tsx';
import { Page as Frame } from '../../parts/page.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Empty } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { common } from '../../text/common.ts';
import { useSay, useTexts } from '../../text/lang.ts';
import { Clock, GradeTag, StatusTag, statusWord } from './marks.tsx';
import { words } from './words.ts';

const statuses = ['new', 'triaged', 'contained', 'eradicated', 'recovered', 'closed', 'false-alarm'] as const;

export function List() {
  const t = useTexts(words);
  const c = useTexts(common);
  const say = useSay();
  const go = useNavigate();
  const address = useFilters(['status', 'level']);
  const { filters } = address;
  const list = useList<IncidentRow>('/incidents', filters);
  useChanges(['incident'], () => { void list.query.refetch(); });
  const columns: TableColumnsType<IncidentRow> = [
    { title: t('level'), width: 100, render: (_, row) => <LevelTag level={row.level} /> },
    { title: t('what'), render: (_, row) => <div className="mi-what"><span className="mi-what-title"><Inert>{say(row.title)}</Inert></span><span className="mi-phone"><StatusTag status={row.status} /> <GradeTag grade={row.grade} /> <Time at={row.last_time} /><Clock clock={row.clock} /></span><span className="m-faint mi-id">{row.id}{row.kind === 'campaign' && ` · ${t('campaign')}`}{row.tags.map((tag) => <span key={tag} className="m-tag"><Inert>{tag}</Inert></span>)}</span></div> },
    { title: t('status'), width: 150, responsive: ['md'], render: (_, row) => <div className="mi-what"><StatusTag status={row.status} /><Clock clock={row.clock} /></div> },
    { title: t('grade'), width: 104, responsive: ['md'], render: (_, row) => <GradeTag grade={row.grade} /> },
    { title: t('alerts'), width: 80, align: 'right', responsive: ['lg'], render: (_, row) => row.alert_count + row.finding_count },
    { title: t('assignee'), width: 120, ellipsis: { showTitle: false }, responsive: ['lg'], render: (_, row) => (row.assignee === undefined ? <span className="m-faint">{t('nobody')}</span> : <Inert>{row.assignee}</Inert>) },
    { title: t('last'), width: 120, responsive: ['md'], render: (_, row) => <Time at={row.last_time} /> },
  ];
  const status = filters.status ?? 'open';
  return (
    <Frame title={t('title')} lead={t('lead')}>
      <section className="m-card" aria-label={t('title')}>
        <div className="m-row m-pad mi-filters">
          <Segmented value={status === 'open' || status === 'all' ? status : 'one'} options={[{ value: 'open', label: t('open') }, { value: 'all', label: t('all') }, ...(status === 'open' || status === 'all' ? [] : [{ value: 'one', label: statusWord(t, status as IncidentRow['status']) }])]} onChange={(value) => { if (value !== 'one') address.set({ status: value === 'open' ? undefined : value }); }} />
          <Select aria-label={t('status')} className="mi-select" allowClear placeholder={t('status')} value={status === 'open' || status === 'all' ? null : status} options={statuses.map((value) => ({ value, label: statusWord(t, value) }))} onChange={(value: string | undefined) => { address.set({ status: value }); }} />
          <Select aria-label={t('level')} className="mi-select" allowClear placeholder={t('anyLevel')} value={filters.level ?? null} options={worstFirst.map((value) => ({ value, label: `≥ ${c(value)}` }))} onChange={(value: string | undefined) => { address.set({ level: value }); }} />
        </div>
        <Rows
          list={list} columns={columns} rowKey={(row) => row.id} label={t('title')} around={300} onOpen={(row) => { void go(`/incidents/${row.id}`); }}
          empty={status === 'open' && filters.level === undefined ? <Empty title={t('emptyOpen')}>{t('emptyOpenHow')}</Empty> : <Empty icon="search" title={t('emptyAny')}>{t('emptyAnyHow')}</Empty>}
        />
      </section>
    </Frame>
  );
}
