/** What is installed, found by the server. */
import { Input, type TableColumnsType } from 'antd';
import type { z } from 'zod';
import type { packages } from '../../../../src/api/contract/host.ts';
import { useGet, useList } from '../../api/hooks.ts';
import { useFilters } from '../../parts/address.ts';
import { Icon } from '../../parts/icon.tsx';
import { Inert } from '../../parts/inert.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Empty } from '../../parts/states.tsx';
import { useTexts } from '../../text/lang.ts';
import { NotLooked } from './parts.tsx';
import { words } from './words.ts';

type Packages = z.infer<typeof packages>;
type Package = Packages['items'][number];

export function PackagesTab() {
  const t = useTexts(words);
  const { filters: { package: text }, set } = useFilters(['package']);
  const list = useList<Package>('/host/packages', { text }, { pageSize: 200 });
  const first = useGet<Packages>('/host/packages', { text, limit: 1 }, { keep: true });
  const columns: TableColumnsType<Package> = [
    { key: 'package', title: t('package'), render: (_cell, { name }) => <b><Inert>{name}</Inert></b> },
    { key: 'version', title: t('version'), render: (_cell, { version }) => <Inert code>{version}</Inert> },
    { key: 'arch', title: t('arch'), width: 120, responsive: ['md'], render: (_cell, { arch }) => <Inert>{arch}</Inert> },
    { key: 'manager', title: t('manager'), width: 100, responsive: ['md'], render: (_cell, { manager }) => <Inert>{manager}</Inert> },
  ];
  return (
    <div className="m-stack">
      <div className="h-filters" role="search"><Input allowClear data-search prefix={<Icon name="search" size={16} />} defaultValue={text} maxLength={200} placeholder={t('packageSearch')} aria-label={t('packageSearch')} onPressEnter={({ currentTarget }) => { set({ package: currentTarget.value.trim() }); }} onBlur={({ currentTarget }) => { set({ package: currentTarget.value.trim() }); }} onClear={() => { set({ package: undefined }); }} />{first.data && <span className="m-faint">{first.data.total}</span>}</div>
      <NotLooked why={first.data?.why} />
      {first.data?.why === undefined && <section className="m-card h-table" aria-label={t('tab_packages')}><Rows list={list} columns={columns} rowKey={({ name, version, arch, manager }) => `${manager} ${name} ${version} ${arch ?? ''}`} label={t('tab_packages')} width={520} around={480} empty={<Empty icon="search" title={t('packagesNone')} />} /></section>}
    </div>
  );
}
