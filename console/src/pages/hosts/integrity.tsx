/** What has changed since the baseline. */
import type { TableColumnsType } from 'antd';
import type { Integrity } from '../../../../src/api/contract/host.ts';
import { useGet, useList } from '../../api/hooks.ts';
import { Inert } from '../../parts/inert.tsx';
import { LevelTag } from '../../parts/level.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Empty, Shown } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useTexts } from '../../text/lang.ts';
import { Fact, Facts, type TabProps } from './parts.tsx';
import { words } from './words.ts';

type Change = Integrity['items'][number];

export function IntegrityTab({ onTell }: TabProps) {
  const t = useTexts(words);
  const first = useGet<Integrity>('/host/integrity', { limit: 1 }, { live: ['health'], everyMs: 60_000 });
  const list = useList<Change>('/host/integrity', {}, { pageSize: 200 });
  const columns: TableColumnsType<Change> = [
    { key: 'level', title: t('level'), width: 110, render: (_, { level }) => <LevelTag level={level} /> },
    { key: 'file', title: t('file'), render: (_, { path, sign }) => <span className="h-what"><span className="m-cut"><Inert code>{path}</Inert></span>{sign && <span className="h-strong">{t('sign')}</span>}</span> },
    { key: 'since', title: t('since'), width: 120, responsive: ['md'], render: (_, { since }) => <Time at={since} /> },
  ];
  return (
    <Shown of={first}>{({ baseline }) => (baseline === null
      ? <section className="m-card"><Empty icon="search" title={t('baseNone')} action={<code>moat baseline init</code>}>{t('baseNoneHow')}</Empty></section>
      : (
        <div className="m-stack">
          <section className="m-card m-pad" aria-label={t('tab_integrity')}><Facts>
            <Fact name={t(`baseState_${baseline.state}`)}>{t('baseEntries', { count: baseline.entries })}</Fact>
            <Fact name={t('baseLast')}>{baseline.running ? t('baseRunning') : baseline.last !== undefined && <Time at={baseline.last} />}</Fact>
            <Fact name={t('baseNext')}>{baseline.next !== undefined && <Time at={baseline.next} />}</Fact>
            <Fact name={t('baseSigns')}>{baseline.signs}</Fact>
          </Facts></section>
          <section className="m-card h-table" aria-label={t('tab_integrity')}><Rows list={list} columns={columns} rowKey={({ path }) => path} label={t('tab_integrity')} width={520} around={540} onOpen={({ path }) => { onTell(path); }} empty={<Empty title={t('changedNone')}>{t('changedNoneHow')}</Empty>} /></section>
        </div>
      ))}</Shown>
  );
}
