/** A question that shows the exact plan before anything is done: its steps, the risk, whether there is a way back. */
import { useQuery } from '@tanstack/react-query';
import { Button } from 'antd';
import { type ReactNode, useRef, useState } from 'react';
import type { Receipt, ShownPlan } from '../../../src/api/contract/response.ts';
import { ApiError, ask } from '../api/client.ts';
import { useDo } from '../api/hooks.ts';
import { useSay, useTexts } from '../text/lang.ts';
import { common } from '../text/common.ts';
import { Inert } from './inert.tsx';
import { words } from './planned-words.ts';
import { shellWords } from './shell-words.ts';
import { Failure, Loading, Notice } from './states.tsx';
import { Sure } from './sure.tsx';
import { useDeed } from './toast.tsx';
import './planned.css';

/** Not every plan tells its way back. */
type Plan = Pick<ShownPlan, 'title' | 'steps' | 'risk'> & Partial<Pick<ShownPlan, 'reversible' | 'until'>>;
interface Answer { plans?: Plan[]; receipts?: Receipt[]; stopped?: { zh: string; en: string } }

interface PlannedProps {
  title: ReactNode;
  /** Asked with `plan: true` first, and without it when somebody agrees. It answers one plan or receipt, or several. */
  path: string;
  body?: object;
  ok: string;
  done: string;
  undone: string;
  isDanger?: boolean;
  /** Nothing to be planned yet: a field is missing. */
  isMissing?: boolean;
  why?: 'must' | 'may';
  /** Paths that are asked for anew afterwards. */
  touched: readonly string[];
  /** After it was done. */
  after?: () => void;
  close: () => void;
  /** Fields above the plan. */
  children?: ReactNode;
}

const minute = 60_000;
/** Alone or together. */
const several = (answer: unknown, isPlan: boolean): Answer => (typeof answer === 'object' && answer !== null && ('plans' in answer || 'receipts' in answer) ? answer as Answer : isPlan ? { plans: [answer as Plan] } : { receipts: [answer as Receipt] });

export function Planned({ title, path, body = {}, ok, done, undone, isDanger, isMissing = false, why = 'may', touched, after, close, children }: PlannedProps) {
  const t = useTexts(words);
  const say = useSay();
  const deed = useDeed();
  const [isForced, setForced] = useState(false);
  const made = useRef<readonly Receipt[]>([]);
  const given = { ...body, ...(isForced && { force: true }) };
  const plan = useQuery({ queryKey: [path, 'plan', given], gcTime: 0, staleTime: Infinity, retry: false, enabled: !isMissing, queryFn: async () => several(await ask('POST', path, { body: { ...given, plan: true } }), true).plans ?? [] });
  const run = useDo<string>((reason) => ({ method: 'POST', path, body: { ...given, why: reason } }), [...touched, '/receipts']);
  const act = async (reason: string): Promise<void> => {
    const { receipts = [], stopped } = several(await run.mutateAsync(reason), false);
    made.current = receipts;
    const bad = receipts.find(({ status }) => status === 'failed' || status === 'stuck');
    if (stopped ?? bad) throw new Error([stopped && receipts.length > 0 ? t('partly', { count: receipts.length }) : t('failed'), say(stopped) || bad?.error].filter(Boolean).join(': '));
    after?.();
  };
  // The last that was done is the first to go back.
  const undo = (): void => { void deed(async () => { for (const { id, reversible } of made.current.toReversed()) if (reversible) await ask('POST', `/receipts/${encodeURIComponent(id)}/undo`, { body: {} }); after?.(); }, undone); };
  const refused = plan.error instanceof ApiError && plan.error.code === 'refused' ? plan.error : undefined;
  return (
    <Sure title={title} ok={ok} isDanger={isDanger ?? plan.data?.some(({ risk }) => risk === 'high') ?? false} isMissing={isMissing || !plan.data || plan.isFetching} why={why} close={close} act={act} done={done} undo={plan.data?.some(({ reversible = true }) => reversible) === true ? undo : undefined} width={620}>
      {children}
      {isForced && <p className="m-quiet">{t('insisted')}</p>}
      {isMissing ? null : plan.isPending ? <Loading rows={3} /> : refused ? (
        <Notice bar icon="protection" tone="warn" title={t('refused')} action={refused.hint === '--force' && !isForced && <Button size="small" onClick={() => { setForced(true); }}>{t('insist')}</Button>}><Inert>{say(refused.text)}</Inert></Notice>
      ) : plan.error ? <Failure compact error={plan.error} /> : plan.data.map((one, at) => <PlanShown key={at} plan={one} />)}
    </Sure>
  );
}

function PlanShown({ plan: { title, steps, risk, reversible, until } }: { plan: Plan }) {
  const t = useTexts(words);
  const say = useSay();
  return (
    <section className="m-plan">
      <h3><Inert most={400}>{say(title)}</Inert></h3>
      <Steps steps={steps} />
      <RiskLine risk={risk} reversible={reversible} />
      {until !== undefined && <p className="m-plan-confirm">{t('confirmBy', { n: Math.max(1, Math.round((until - Date.now()) / minute)) })}</p>}
    </section>
  );
}

export function RiskLine({ risk, reversible }: { risk: ShownPlan['risk']; reversible?: boolean | undefined }) {
  const t = useTexts(words);
  return <p className="m-quiet"><span className={`m-plan-risk m-plan-risk-${risk}`}>{t(`risk_${risk}`)}</span>{reversible !== undefined && <> · {t(reversible ? 'reversible' : 'final')}</>}</p>;
}

/** Step by step; the command on demand. */
export function Steps({ steps }: { steps: ShownPlan['steps'] }) {
  const say = useSay();
  const c = useTexts(common);
  return <ol className="m-plan-steps">{steps.map((one, at) => <li key={at}><Inert most={2000}>{say(one.text)}</Inert>{one.command && <details><summary className="m-faint">{c('details')}</summary><Inert block>{shellWords(one.command)}</Inert></details>}</li>)}</ol>;
}
