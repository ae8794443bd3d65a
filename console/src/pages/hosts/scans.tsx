/** Scans of this machine: the latest, and one more now. */
import { Button } from 'antd';
import { useCallback, useState } from 'react';
import type { ScanRun } from '../../../../src/api/contract/scans.ts';
import { useDo, useList } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import { worstFirst } from '../../api/types.ts';
import { JobShown } from '../../parts/job.tsx';
import { LevelTag } from '../../parts/level.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Empty, Failure } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useTexts } from '../../text/lang.ts';
import { words } from './words.ts';

type Scan = ScanRun;

export function ScansTab() {
  const t = useTexts(words);
  const may = useMay('triage');
  const list = useList<Scan>('/scans');
  const [job, setJob] = useState<string>();
  const { refetch } = list.query;
  const ended = useCallback(() => { setJob(undefined); void refetch(); }, [refetch]);
  const start = useDo<void, { job: string }>(() => ({ method: 'POST', path: '/scans', body: {} }));
  const button = may && <Button type="primary" loading={start.isPending} disabled={job !== undefined} onClick={() => { void start.mutateAsync().then((begun) => { setJob(begun.job); return true; }, () => false); }}>{t('scanNow')}</Button>;
  return (
    <div className="m-stack">
      <div className="h-filters">{button}<span className="m-quiet">{t('scanNoneHow')}</span></div>
      {start.error && <section className="m-card"><Failure compact error={start.error} /></section>}
      {job !== undefined && <JobShown id={job} label={t('scanning')} failed={t('scanFailed')} onEnd={ended} />}
      <section className="m-card h-table" aria-label={t('tab_scans')}>
        <Rows list={list} rowKey={({ id }) => id} label={t('tab_scans')} width={520} around={480} empty={<Empty icon="posture" title={t('scanNone')} />} columns={[
          { key: 'began', title: t('scanBegan'), width: 150, render: (_cell, { started }) => <Time at={started} style="clock" /> },
          { key: 'found', title: t('scanFound'), render: (_cell, { findings }) => <span className="m-row">{worstFirst.map((level) => (findings[level] ?? 0) > 0 && <span key={level} className="h-count"><LevelTag level={level} /> {findings[level]}</span>)}</span> },
        ]} />
      </section>
    </div>
  );
}
