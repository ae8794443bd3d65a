/** Who is logged on, and who may. */
import { Segmented, type TableColumnsType } from 'antd';
import type { Users } from '../../../../src/api/contract/host.ts';
import { useGet } from '../../api/hooks.ts';
import { useFilters } from '../../parts/address.ts';
import { inertString } from '../../parts/inert-text.ts';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { Rows, wholeList } from '../../parts/rows.tsx';
import { Empty, Notice } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useTexts } from '../../text/lang.ts';
import { NotLooked, type TabProps } from './parts.tsx';
import { words } from './words.ts';

type User = Users['items'][number];

export function UsersTab({ onTell }: TabProps) {
  const t = useTexts(words);
  const { filters, set } = useFilters(['accounts']);
  const asked = useGet<Users>('/host/users', {}, { everyMs: 30_000 });
  const all = (asked.data?.items ?? []).toSorted((a, b) => Number(b.can_log_on) - Number(a.can_log_on) || a.uid - b.uid);
  const rows = filters.accounts === 'all' ? all : all.filter(({ can_log_on, uid }) => can_log_on || uid === 0);
  const strange = all.filter(({ uid, name }) => uid === 0 && name !== 'root');
  const columns: TableColumnsType<User> = [
    { key: 'user', title: t('user'), render: (_, one) => <span className="h-what"><b><Inert>{one.name}</Inert></b><span className="m-faint m-cut"><Inert>{one.comment}</Inert> <Inert code>{one.home}</Inert></span></span> },
    { key: 'uid', title: 'uid', width: 84, align: 'right', render: (_, { uid }) => uid },
    { key: 'may', title: t('onlyLogOn'), width: 150, render: (_, { can_log_on, uid }) => <span className={uid === 0 ? 'h-strong' : 'm-quiet'}>{t(uid === 0 ? 'isRoot' : can_log_on ? 'logsOn' : 'service')}</span> },
    { key: 'shell', title: t('shell'), width: 180, responsive: ['lg'], render: (_, { shell }) => <Inert code>{shell}</Inert> },
  ];
  return (
    <div className="m-stack">
      <NotLooked why={asked.data?.why} />
      {strange.length > 0 && <div className="m-card"><Notice compact icon="warn" tone="bad" title={inertString(t('rootWarn', { names: strange.map(({ name }) => name).join(', ') }))} /></div>}
      {asked.data && <Card title={t('online')}>
        {asked.data.sessions.length === 0 ? <span className="m-quiet">{t('onlineNone')}</span> : <ul className="h-list">{asked.data.sessions.map((one, at) => <li key={at}><b><Inert>{one.user}</Inert></b>{one.source_ip === undefined ? <span className="m-quiet">{t('here')}</span> : <button type="button" className="m-link" onClick={() => { onTell(one.source_ip); }}><Inert code>{one.source_ip}</Inert></button>}<Inert code>{one.terminal}</Inert><span className="m-quiet"><Time at={one.since} /></span></li>)}</ul>}
      </Card>}
      <div className="h-filters"><Segmented aria-label={t('accounts')} value={filters.accounts === 'all' ? 'all' : 'may'} onChange={(value) => { set({ accounts: value === 'all' ? 'all' : undefined }); }} options={[{ value: 'may', label: t('onlyLogOn') }, { value: 'all', label: t('usersAll') }]} /></div>
      <section className="m-card h-table" aria-label={t('accounts')}><Rows list={wholeList(asked, rows)} columns={columns} rowKey={({ name, uid }) => `${uid} ${name}`} label={t('accounts')} width={520} around={520} empty={<Empty icon="search" title={t('filteredNone')} />} /></section>
    </div>
  );
}
