/** Long work on the server: how far it is, what came of it, and its end where one may end it. */
import { Progress } from 'antd';
import { type ReactNode, useEffect, useState } from 'react';
import type { Job } from '../../../src/api/contract/common.ts';
import { useGet } from '../api/hooks.ts';
import { useSay } from '../text/lang.ts';
import { Inert } from './inert.tsx';
import { Notice } from './states.tsx';

interface JobCardProps { /** Undefined before the first answer. */ job: Job | undefined; label: string; /** Said when it went wrong. */ failed?: string | undefined; action?: ReactNode }
export function JobCard({ job, label, failed = label, action }: JobCardProps) {
  const say = useSay();
  if (job?.problem) return <Notice bar icon="warn" tone="bad" title={failed}><Inert>{say({ en: job.problem.detail, zh: job.problem.detail_zh })}</Inert></Notice>;
  const { part, what } = job?.progress ?? {};
  return (
    <div className="m-card m-pad" role="status">
      <div className="m-row">
        <div className="m-grow"><b>{label}</b> {what && <span className="m-quiet"><Inert>{say(what)}</Inert></span>}<Progress percent={Math.round((part ?? 0) * 100)} status="active" showInfo={false} aria-label={label} /></div>
        {action}
      </div>
    </div>
  );
}

/** The same of a job by its id. `onEnd`: it is done, or was stopped. */
export function JobShown({ id, label, failed, onEnd }: { id: string; label: string; failed?: string; onEnd: () => void }) {
  const [isOver, setOver] = useState(false);
  const { data } = useGet<Job>(`/jobs/${encodeURIComponent(id)}`, {}, isOver ? {} : { everyMs: 1000 });
  const state = data?.state ?? 'running';
  useEffect(() => {
    if (state === 'running') return;
    setOver(true);
    if (state !== 'failed') onEnd();
  }, [state, onEnd]);
  return <JobCard job={data} label={label} failed={failed} />;
}
