/** The clean-up: what Moat would do, why, at which risk; done step by step or all, taken back step by step or all, and looked at again. */
import { Button, Progress } from 'antd';
import { useState } from 'react';
import type { z } from 'zod';
import type { CleanupPlan, Incident, KeptPlan, planVerdict, stepDone } from '../../../../src/api/contract/incidents.ts';
import type { Receipt } from '../../../../src/api/contract/response.ts';
import { ApiError, ask } from '../../api/client.ts';
import { useAskAgain, useDo, useGet } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import type { Page } from '../../api/types.ts';
import { Copy } from '../../parts/copy.tsx';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { shellWords } from '../../parts/shell-words.ts';
import { Empty, Failure, Loading, Notice } from '../../parts/states.tsx';
import { Sure } from '../../parts/sure.tsx';
import { Time } from '../../parts/time.tsx';
import { useSay, useTexts } from '../../text/lang.ts';
import { words } from './words.ts';

type Step = CleanupPlan['steps'][number];
type Done = z.infer<typeof stepDone>;
type Verdict = z.infer<typeof planVerdict>;
/** How a step stands; `open`: not done. */
type State = Done['status'] | 'open';
interface Running { ids: readonly string[]; at: number; back: boolean }
interface Stop { at: string; error: unknown }

export function PlanTab({ incident: { id } }: { incident: Incident }) {
  const t = useTexts(words);
  const mayAct = useMay('act');
  const base = `/incidents/${id}/plan`;
  const kept = useGet<KeptPlan>(base, {}, { live: ['action'] });
  const plan = kept.data?.plan ?? undefined;
  const receipts = useGet<Page<Receipt>>('/receipts', { from: plan?.id, limit: 500 }, { enabled: plan !== undefined, live: ['action'], keep: true });
  const again = useAskAgain();
  const make = useDo<void, CleanupPlan>(() => ({ method: 'POST', path: base, body: {} }), [base]);
  const maker = mayAct && <Button type={plan ? 'default' : 'primary'} loading={make.isPending} onClick={() => { make.mutate(); }}>{t(plan ? 'remakePlan' : 'makePlan')}</Button>;
  if (make.error) return <div className="m-card"><Failure error={make.error} retry={() => { make.mutate(); }} /></div>;
  if (plan === undefined) {
    if (kept.isPending) return <Loading rows={8} />;
    if (kept.error) return <div className="m-card"><Failure error={kept.error} retry={again} /></div>;
    return <div className="m-card"><Empty icon="protection" title={t('planNone')} action={maker}>{t('planNoneHow')}{!mayAct && <> {t('mayNot')}</>}</Empty></div>;
  }
  // The latest receipt of a step is first.
  const states = new Map<string, Receipt>();
  for (const receipt of receipts.data?.items ?? []) if (!states.has(keyOf(receipt))) states.set(keyOf(receipt), receipt);
  return <Plan key={plan.id} id={id} plan={plan} receipts={states} maker={maker} mayAct={mayAct} again={() => { void kept.refetch(); void receipts.refetch(); }} />;
}

const keyOf = ({ action, target }: { action: string; target: string }): string => `${action} ${target}`;

function Plan({ id, plan, receipts, maker, mayAct, again }: { id: string; plan: CleanupPlan; receipts: ReadonlyMap<string, Receipt>; maker: React.ReactNode; mayAct: boolean; again: () => void }) {
  const t = useTexts(words);
  const say = useSay();
  const base = `/incidents/${id}/plan`;
  /** What the server said just now, before the receipts are asked for anew. */
  const [fresh, setFresh] = useState<ReadonlyMap<string, State>>(new Map());
  const [running, setRunning] = useState<Running>();
  const [stop, setStop] = useState<Stop>();
  const [asking, setAsking] = useState<{ steps: readonly Step[]; back: boolean }>();
  const verify = useDo<void, Verdict>(() => ({ method: 'POST', path: `${base}/verify`, body: {} }));
  const stateOf = (step: Step): State => fresh.get(step.id) ?? receipts.get(keyOf(step))?.status ?? 'open';
  const isDone = (step: Step): boolean => { const state = stateOf(step); return state === 'applied' || state === 'ended'; };
  // What asks for a yes of its own is done one by one.
  const open = plan.steps.filter((step) => !isDone(step) && !step.approval);
  const single = plan.steps.filter((step) => !isDone(step) && step.approval).length;
  const taken = plan.steps.filter((step) => stateOf(step) === 'applied' && step.reversible).toReversed();

  const run = async (steps: readonly Step[], back: boolean): Promise<void> => {
    setStop(undefined);
    verify.reset();
    for (const [at, step] of steps.entries()) {
      setRunning({ ids: steps.map((one) => one.id), at, back });
      try {
        const done = await ask<Done>('POST', `${base}/${back ? 'undo' : 'apply'}`, { body: { step: step.id } });
        setFresh((before) => new Map(before).set(step.id, done.status));
        if (done.status !== (back ? 'undone' : 'applied') && done.status !== 'ended') { setStop({ at: step.id, error: new Error(done.verdict ? say(done.verdict.evidence) : done.status) }); break; }
      } catch (error) { setStop({ at: step.id, error }); break; }
    }
    setRunning(undefined);
    again();
  };
  const sure = (steps: readonly Step[], back: boolean): void => { setAsking({ steps, back }); };

  if (plan.steps.length === 0) return <div className="m-stack"><div className="m-card"><Empty title={t('planEmpty')} action={maker}>{t('planEmptyHow')}</Empty></div><LeftAlone plan={plan} /></div>;
  return (
    <div className="m-stack">
      {asking && <SureSteps {...asking} close={() => { setAsking(undefined); }} go={() => { void run(asking.steps, asking.back); }} />}
      <div className="m-card m-pad mi-plan-head">
        <div className="m-grow"><div className="m-title"><Inert>{say(plan.title)}</Inert></div><div className="m-quiet">{t('planMade')} <Time at={plan.made} />{!mayAct && <> · {t('mayNot')}</>}</div></div>
        {mayAct && <div className="m-row">
          {open.length > 0 && <Button type="primary" disabled={running !== undefined} onClick={() => { sure(open, false); }}>{t('applyChosen', { count: open.length })}</Button>}
          {taken.length > 0 && <Button disabled={running !== undefined} onClick={() => { sure(taken, true); }}>{t('undoAll')}</Button>}
          <Button disabled={running !== undefined} loading={verify.isPending} onClick={() => { verify.mutate(); }}>{t('verify')}</Button>
          {maker}
        </div>}
        {mayAct && single > 0 && <p className="m-quiet mi-progress">{t('singles', { count: single })}</p>}
        {running && <div className="mi-progress" role="status"><Progress percent={Math.round((running.at * 100) / running.ids.length)} size="small" aria-label={t('working')} /><span className="m-quiet">{t('stepOf', { at: running.at + 1, of: running.ids.length })}</span></div>}
      </div>
      {stop && <Notice bar icon="warn" tone="bad" title={t('stopped', { at: stop.at, why: '' })} onClose={() => { setStop(undefined); }}><Inert>{stop.error instanceof ApiError ? say(stop.error.text) : stop.error instanceof Error ? stop.error.message : ''}</Inert></Notice>}
      {verify.error && <Failure error={verify.error} compact />}
      {verify.data && <Looked verdict={verify.data} />}
      <ol className="mi-steps">{plan.steps.map((step) => (
        <StepCard key={step.id} step={step} state={stateOf(step)} error={receipts.get(keyOf(step))?.error} isWorking={running?.ids[running.at] === step.id} isBusy={running !== undefined} mayAct={mayAct} apply={() => { sure([step], false); }} undo={() => { sure([step], true); }} />
      ))}</ol>
      {plan.left > 0 && <p className="m-quiet">{t('leftSteps', { count: plan.left })}</p>}
      <LeftAlone plan={plan} />
    </div>
  );
}

/** What is about to be done, before it is done. */
function SureSteps({ steps, back, close, go }: { steps: readonly Step[]; back: boolean; close: () => void; go: () => void }) {
  const t = useTexts(words);
  const say = useSay();
  const [one] = steps;
  const isFinal = !back && steps.some(({ reversible }) => !reversible);
  const title = steps.length === 1 && one ? <Inert>{`${back ? `${t('undo')}: ` : ''}${say(one.title)}`}</Inert> : back ? t('undoAll') : t('applyChosen', { count: steps.length });
  return (
    <Sure width={620} title={title} ok={back ? t('undo') : t('apply')} isDanger={isFinal || (!back && steps.some(({ risk }) => risk === 'high'))} why="no" close={close} act={() => { go(); return Promise.resolve(); }}>
      {!back && <p className="m-quiet">{steps.length === 1 ? t('confirmOne') : t('confirmAll')}{isFinal && <b> {t('sureFinal')}</b>}</p>}
      {steps.length > 1 && <ol className="mi-sure">{steps.map((step) => <li key={step.id}><Risk step={step} /> <Inert>{say(step.title)}</Inert></li>)}</ol>}
    </Sure>
  );
}

function Risk({ step }: { step: Step }) {
  const t = useTexts(words);
  return <span className={`mi-risk mi-risk-${step.risk}`}>{t(`risk_${step.risk}`)}</span>;
}

interface StepCardProps { step: Step; state: State; error: string | undefined; isWorking: boolean; isBusy: boolean; mayAct: boolean; apply: () => void; undo: () => void }
function StepCard({ step, state, error, isWorking, isBusy, mayAct, apply, undo }: StepCardProps) {
  const t = useTexts(words);
  const say = useSay();
  const said = { applied: t('done'), ended: t('ended'), undone: t('undone'), failed: t('failedStep'), stuck: t('failedStep'), applying: t('working'), undoing: t('working'), open: '' }[state];
  const command = shellWords(step.command);
  return (
    <li className={`m-card mi-plan-step mi-plan-${isWorking ? 'applying' : state}`}>
      <div className="mi-plan-number" aria-hidden="true">{step.id}</div>
      <div className="m-grow m-stack-small">
        <div className="m-row"><h3 className="mi-plan-title m-grow"><Inert>{say(step.title)}</Inert></h3>
          {said !== '' && <span className={`mi-plan-state mi-plan-state-${state}`}>{said}</span>}
          {mayAct && (state === 'open' || state === 'failed' || state === 'undone') && <Button size="small" loading={isWorking} disabled={isBusy && !isWorking} onClick={apply}>{t('apply')}</Button>}
          {mayAct && state === 'applied' && step.reversible && <Button size="small" loading={isWorking} disabled={isBusy && !isWorking} onClick={undo}>{t('undo')}</Button>}
        </div>
        <div className="m-row"><Risk step={step} /><span className="m-faint">{t(step.reversible ? 'reversible' : 'final')}</span>{step.approval && <span className="m-faint">· {t('approval')}</span>}</div>
        {error !== undefined && (state === 'failed' || state === 'stuck') && <Inert block>{error}</Inert>}
        {step.evidence.length > 0 && <p className="m-quiet">{t('because')}: {step.evidence.slice(0, 4).map((one, at) => <span key={at}>{at > 0 && '; '}<Inert>{say(one.what)}</Inert> <Inert code most={300}>{one.value}</Inert></span>)}</p>}
        <details><summary>{t('willDo')}</summary>
          <ul className="mi-will">{step.steps.map((one, at) => <li key={at}><Inert>{say(one.text)}</Inert></li>)}</ul>
          {command !== '' && <div className="m-row"><span className="m-quiet">{t('command')}</span><span className="m-grow"><Inert code>{command}</Inert></span><Copy text={command} /></div>}
        </details>
      </div>
    </li>
  );
}

function Looked({ verdict }: { verdict: Verdict }) {
  const t = useTexts(words);
  const say = useSay();
  const lists = [[t('livingStill'), verdict.living.map(({ pid, label }) => `${pid} ${label}`)], [t('cameBack'), verdict.back], [t('stillFound'), verdict.findings.map((one) => (typeof one['path'] === 'string' ? one['path'] : String(one['id'])))], [t('couldNotLook'), verdict.blind.map(say)]] as const;
  const bad = verdict.steps.filter(({ ok }) => !ok);
  return (
    <Notice bar icon={verdict.clean ? 'check' : 'warn'} tone={verdict.clean ? 'good' : 'warn'} title={verdict.clean ? t('clean') : t('notClean')}>{verdict.clean ? undefined : (
      <ul className="mi-will">
        {bad.map((step) => <li key={step.id}>{step.id}. <Inert>{say(step.title)}</Inert>{step.verdict && <>: <Inert>{say(step.verdict.evidence)}</Inert></>}</li>)}
        {lists.filter(([, items]) => items.length > 0).map(([name, items]) => <li key={name}>{name}: <Inert most={1000}>{items.join(', ')}</Inert></li>)}
      </ul>
    )}</Notice>
  );
}

function LeftAlone({ plan }: { plan: CleanupPlan }) {
  const t = useTexts(words);
  const say = useSay();
  if (plan.left_alone.length === 0) return null;
  return (
    <Card title={t('leftAlone')}>
      <p className="m-quiet">{t('leftAloneHow')}</p>
      <ul className="mi-left">{plan.left_alone.map((one, at) => <li key={at}><Inert>{say(one.title)}</Inert><span className="m-quiet"> — <Inert>{say(one.why)}</Inert></span></li>)}</ul>
    </Card>
  );
}
