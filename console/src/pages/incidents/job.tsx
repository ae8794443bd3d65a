/** Long work on the server: how far it is, and what came of it. */
import { Progress } from 'antd';
import { useEffect } from 'react';
import type { Job } from '../../../../src/api/contract/common.ts';
import { useGet } from '../../api/hooks.ts';
import { Inert } from '../../parts/inert.tsx';
import { Notice } from '../../parts/states.tsx';
import { useSay } from '../../text/lang.ts';

export function JobShown({ id, label, onEnd }: { id: string; label: string; onEnd: () => void }) {
  const say = useSay();
  const asked = useGet<Job>(`/jobs/${id}`, {}, { live: ['job'], everyMs: 10_000 });
  const state = asked.data?.state ?? 'running';
  useEffect(() => { if (state === 'done') onEnd(); }, [state, onEnd]);
  const { progress, problem } = asked.data ?? {};
  if (problem) return <Notice icon="warn" tone="bad" compact title={label}><Inert>{say({ en: problem.detail, zh: problem.detail_zh })}</Inert></Notice>;
  return <div className="m-card m-pad" role="status"><div className="m-title">{label}</div><Progress percent={Math.round((progress?.part ?? 0) * 100)} status={state === 'running' ? 'active' : 'normal'} aria-label={label} />{progress?.what && <span className="m-quiet"><Inert>{say(progress.what)}</Inert></span>}</div>;
}
