/** Posture: the score and what costs it, findings, patches, checks that were done; a check is begun and watched from any of them. */
import { Button, Select } from 'antd';
import { useEffect, useState } from 'react';
import { useParams } from 'react-router';
import { useQueryClient } from '@tanstack/react-query';
import type { z } from 'zod';
import type { Job } from '../../../../src/api/contract/common.ts';
import type { checkEntry } from '../../../../src/api/contract/scans.ts';
import { useDo, useGet } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import { Icon } from '../../parts/icon.tsx';
import { JobCard } from '../../parts/job.tsx';
import { inertString } from '../../parts/inert-text.ts';
import { Page as Frame } from '../../parts/page.tsx';
import { Sections } from '../../parts/sections.tsx';
import { Field, Sure } from '../../parts/sure.tsx';
import { useDeed } from '../../parts/toast.tsx';
import { useSay, useTexts } from '../../text/lang.ts';
import { Findings } from './findings.tsx';
import { Patches } from './patches.tsx';
import { Scans } from './scans.tsx';
import { Summary } from './summary.tsx';
import { words } from './words.ts';
import './posture.css';

const sections = ['summary', 'findings', 'patches', 'scans'] as const;
const touched = ['/posture', '/findings', '/scans', '/jobs', '/overview'];

export function Page() {
  const t = useTexts(words);
  const mayScan = useMay('triage');
  const [at = '', id = ''] = (useParams()['*'] ?? '').split('/');
  const [isAsking, setAsking] = useState(false);
  return (
    <Frame title={t('title')} lead={t('lead')} actions={mayScan && <Button type="primary" icon={<Icon name="play" size={16} />} onClick={() => { setAsking(true); }}>{t('start')}</Button>}>
      <Running />
      <Sections label={t('sections')} items={sections.map((one) => ({ to: one === 'summary' ? '/posture' : `/posture/${one}`, title: t(one), isDeep: one !== 'summary' }))} />
      {at === '' ? <Summary /> : at === 'patches' ? <Patches /> : at === 'scans' ? <Scans /> : <Findings id={at === 'findings' ? id : at} />}
      {isAsking && <Start close={() => { setAsking(false); }} />}
    </Frame>
  );
}

function Start({ close }: { close: () => void }) {
  const t = useTexts(words);
  const say = useSay();
  const checks = useGet<{ items: z.infer<typeof checkEntry>[] }>('/checks');
  const [only, setOnly] = useState<string[]>([]);
  const start = useDo<string[]>((names) => ({ method: 'POST', path: '/scans', body: names.length > 0 ? { only: names } : {} }), touched);
  return (
    <Sure title={t('startTitle')} ok={t('start')} why="no" close={close} done={t('started')} act={() => start.mutateAsync(only)}>
      <p>{t('startHow')}</p>
      <Field label={t('only')}><Select mode="multiple" allowClear aria-label={t('only')} placeholder={t('onlyAll')} loading={checks.isPending} value={only} onChange={setOnly} optionFilterProp="label" maxTagCount={4} options={(checks.data?.items ?? []).map((one) => ({ value: one.id, label: inertString(say(one.title), 200) }))} /></Field>
    </Sure>
  );
}

/** The check that runs now, whoever began it. */
function Running() {
  const t = useTexts(words);
  const client = useQueryClient();
  const deed = useDeed();
  const mayStop = useMay('act');
  const jobs = useGet<{ items: Job[] }>('/jobs', {}, { live: ['job'], everyMs: 10_000 });
  const stop = useDo<string>((id) => ({ method: 'DELETE', path: `/jobs/${encodeURIComponent(id)}` }), touched);
  const job = jobs.data?.items.find(({ kind }) => kind === 'scan');
  const isRunning = job?.state === 'running';
  useEffect(() => {
    if (!isRunning) void client.invalidateQueries({ predicate: ({ queryKey: [path] }) => path === '/posture' || path === '/findings' || path === '/scans' });
  }, [isRunning, client]);
  if (job === undefined || (!isRunning && !job.problem)) return null;
  return <JobCard job={job} label={t('running')} failed={t('failed')} action={mayStop && <Button loading={stop.isPending} onClick={() => { void deed(() => stop.mutateAsync(job.id), t('stopped')); }}>{t('stop')}</Button>} />;
}
