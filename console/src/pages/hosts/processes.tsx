/** What runs, as a tree, each with where it came from. */
import { Button, Input, Select, Switch, type TableColumnsType } from 'antd';
import { useMemo, useState } from 'react';
import type { Processes } from '../../../../src/api/contract/host.ts';
import { useGet } from '../../api/hooks.ts';
import { useFilters } from '../../parts/address.ts';
import { Icon } from '../../parts/icon.tsx';
import { inertString } from '../../parts/inert-text.ts';
import { Inert } from '../../parts/inert.tsx';
import { Rows, wholeList } from '../../parts/rows.tsx';
import { Empty } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { common } from '../../text/common.ts';
import { useTexts } from '../../text/lang.ts';
import { OriginTag, type TabProps } from './parts.tsx';
import { keyOf, originsOf, type Process, treeRows, type TreeRow } from './tree.ts';
import { words } from './words.ts';

const none: readonly Process[] = [];
/** Steps are drawn as deep as this; what is deeper stands at the last. */
const depthShown = 12;
const usersShown = 200;

export function ProcessesTab({ onTell }: TabProps) {
  const t = useTexts(words);
  const tCommon = useTexts(common);
  const { filters, set, clear } = useFilters(['text', 'origin', 'user', 'ended', 'of']);
  const { text, origin, user, ended, of } = filters;
  const asked = useGet<Processes>('/host/processes', { ended: ended === 'yes' }, { keep: true, everyMs: 10_000 });
  const processes = asked.data?.processes ?? none;
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(() => treeRows(processes, { ...(text !== undefined && { text }), ...(origin !== undefined && { origin }), ...(user !== undefined && { user }) }, closed), [processes, text, origin, user, closed]);
  const kinds = useMemo(() => originsOf(processes), [processes]);
  const users = useMemo(() => [...new Set(processes.flatMap((one) => one.user ?? []))].toSorted().slice(0, usersShown), [processes]);
  const isFiltered = text !== undefined || origin !== undefined || user !== undefined;
  const columns = useMemo<TableColumnsType<TreeRow>>(() => {
    const turn = (key: string): void => { setClosed((before) => { const next = new Set(before); if (!next.delete(key)) next.add(key); return next; }); };
    return [
      {
        key: 'process', title: t('process'), render: (_, { process, depth, below, isClosed, fits }) => (
          <div className={`h-process${fits ? '' : ' h-passed'}`} style={{ paddingInlineStart: Math.min(depth, depthShown) * 18 }}>
            {below > 0 && !isFiltered
              ? <button type="button" className="h-turn" aria-expanded={!isClosed} aria-label={t(isClosed ? 'unfold' : 'fold', { name: inertString(process.name ?? String(process.pid), 60) })} onClick={(event) => { event.stopPropagation(); turn(keyOf(process)); }}><Icon name={isClosed ? 'right' : 'down'} size={14} /></button>
              : <span className="h-turn" aria-hidden="true" />}
            <span className="h-what">
              <span className="h-title"><b><Inert most={80}>{process.name ?? process.path ?? String(process.pid)}</Inert></b><span className="m-faint m-number">{process.pid}</span>{process.ended !== undefined && <span className="h-mark">{t('hasEnded')}</span>}{isClosed && <span className="h-mark">{t('below', { count: below })}</span>}</span>
              <span className="m-quiet m-cut h-command"><Inert code most={300}>{process.cmdline ?? process.path}</Inert></span>
              <span className="h-phone"><OriginTag origin={process.origin} /></span>
            </span>
          </div>
        ),
      },
      { key: 'origin', title: t('origin'), width: 290, responsive: ['md'], render: (_, { process }) => <OriginTag origin={process.origin} /> },
      { key: 'user', title: t('user'), width: 120, responsive: ['lg'], render: (_, { process }) => <Inert>{process.user}</Inert> },
      { key: 'since', title: t('since'), width: 120, responsive: ['lg'], render: (_, { process: { started } }) => (started > 0 ? <Time at={started} /> : null) },
    ];
  }, [t, isFiltered]);
  const closeAll = (): void => { setClosed(closed.size > 0 ? new Set() : new Set(rows.flatMap(({ process, below, depth }) => (below > 0 && depth > 0 ? [keyOf(process)] : [])))); };
  return (
    <div className="m-stack">
      <div className="h-filters" role="search">
        <Input allowClear data-search key={`text ${text === undefined}`} prefix={<Icon name="search" size={16} />} defaultValue={text} maxLength={200} placeholder={t('search')} aria-label={t('search')} onPressEnter={({ currentTarget }) => { set({ text: currentTarget.value.trim() }); }} onBlur={({ currentTarget }) => { set({ text: currentTarget.value.trim() }); }} onClear={() => { set({ text: undefined }); }} />
        <Select aria-label={t('origin')} value={origin ?? 'all'} onChange={(value) => { set({ origin: value === 'all' ? undefined : value }); }} options={[{ value: 'all', label: t('anyOrigin') }, ...kinds.map(({ kind, count }) => ({ value: kind as string, label: `${t(`origin_${kind}`)} · ${count}` }))]} />
        <Select aria-label={t('user')} allowClear showSearch placeholder={t('user')} value={user ?? null} onChange={(value: string | null | undefined) => { set({ user: value ?? undefined }); }} options={users.map((value) => ({ value, label: inertString(value, 60) }))} />
        <label className="h-switch"><Switch size="small" checked={ended === 'yes'} onChange={(value) => { set({ ended: value ? 'yes' : undefined }); }} />{t('ended')}</label>
        {isFiltered ? <Button type="text" onClick={clear}>{tCommon('clear')}</Button> : <Button type="text" onClick={closeAll}>{t(closed.size > 0 ? 'openAll' : 'closeAll')}</Button>}
        {(asked.data?.more ?? 0) > 0 && <span className="m-faint">{t('moreProcesses', { count: asked.data!.more })}</span>}
      </div>
      <section className="m-card h-table" aria-label={t('tab_processes')}>
        <Rows list={wholeList(asked, rows)} columns={columns} rowKey={({ process }) => keyOf(process)} label={t('tab_processes')} width={640} around={480} {...(of !== undefined && { chosen: keyOf(processes.find(({ pid }) => String(pid) === of) ?? { pid: 0, started: 0 }) })} onOpen={({ process: { pid } }) => { onTell(String(pid)); }}
          empty={isFiltered ? <Empty icon="search" title={t('filteredNone')} action={<Button onClick={clear}>{tCommon('clear')}</Button>}>{t('filteredNoneHow')}</Empty> : <Empty icon="hosts" title={t('processNone')}>{t('processNoneHow')}</Empty>} />
      </section>
    </div>
  );
}
