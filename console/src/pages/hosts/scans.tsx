/** Scans of this machine: the latest, and one more now. */
import { Button, Progress } from 'antd';
import { useEffect, useState } from 'react';
import type { Job } from '../../../../src/api/contract/common.ts';
import type { ScanRun } from '../../../../src/api/contract/scans.ts';
import { useDo, useGet, useList } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import { worstFirst } from '../../api/types.ts';
import { Inert } from '../../parts/inert.tsx';
import { LevelTag } from '../../parts/level.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Empty, Failure, Notice } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useSay, useTexts } from '../../text/lang.ts';
import { words } from './words.ts';

type Scan = ScanRun;

export function ScansTab() {
  const t = useTexts(words);
  const may = useMay('triage');
  const list = useList<Scan>('/scans');
  const [job, setJob] = useState<string>();
  const start = useDo<void, { job: string }>(() => ({ method: 'POST', path: '/scans', body: {} }));
  const button = may && <Button type="primary" loading={start.isPending} disabled={job !== undefined} onClick={() => { void start.mutateAsync().then((begun) => { setJob(begun.job); return true; }, () => false); }}>{t('scanNow')}</Button>;
  return (
    <div className="m-stack">
      <div className="h-filters">{button}<span className="m-quiet">{t('scanNoneHow')}</span></div>
      {start.error && <section className="m-card"><Failure compact error={start.error} /></section>}
      {job !== undefined && <ScanJob id={job} onEnd={() => { setJob(undefined); void list.query.refetch(); }} />}
      <section className="m-card h-table" aria-label={t('tab_scans')}>
        <Rows list={list} rowKey={({ id }) => id} label={t('tab_scans')} width={520} around={480} empty={<Empty icon="posture" title={t('scanNone')} />} columns={[
          { key: 'began', title: t('scanBegan'), width: 150, render: (_cell, { started }) => <Time at={started} style="clock" /> },
          { key: 'found', title: t('scanFound'), render: (_cell, { findings }) => <span className="m-row">{worstFirst.map((level) => (findings[level] ?? 0) > 0 && <span key={level} className="h-count"><LevelTag level={level} /> {findings[level]}</span>)}</span> },
        ]} />
      </section>
    </div>
  );
}

function ScanJob({ id, onEnd }: { id: string; onEnd: () => void }) {
  const t = useTexts(words);
  const say = useSay();
  const asked = useGet<Job>(`/jobs/${id}`, {}, { live: ['job'], everyMs: 10_000 });
  const isDone = asked.data?.state === 'done';
  useEffect(() => { if (isDone) onEnd(); }, [isDone]);
  const { progress, problem } = asked.data ?? {};
  if (problem) return <section className="m-card"><Notice compact icon="warn" tone="bad" title={t('scanFailed')}><Inert>{say({ en: problem.detail, zh: problem.detail_zh })}</Inert></Notice></section>;
  return <section className="m-card m-pad" role="status"><div className="m-title">{t('scanning')}</div><Progress percent={Math.round((progress?.part ?? 0) * 100)} aria-label={t('scanning')} />{progress?.what && <span className="m-quiet"><Inert>{say(progress.what)}</Inert></span>}</section>;
}
