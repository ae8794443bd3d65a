/** One incident: where it stands and what to do next above, its story, clean-up, evidence, recovery and report below, notes and tasks at the side. */
import { Button, Dropdown, Select } from 'antd';
import { useState } from 'react';
import { Link, useParams } from 'react-router';
import type { Incident as Whole } from '../../../../src/api/contract/incidents.ts';
import { ApiError, ask } from '../../api/client.ts';
import { useDo, useGet } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Inert } from '../../parts/inert.tsx';
import { LevelTag } from '../../parts/level.tsx';
import { Page as Frame } from '../../parts/page.tsx';
import { Sections } from '../../parts/sections.tsx';
import { Empty, Notice, Shown } from '../../parts/states.tsx';
import { Field, Sure } from '../../parts/sure.tsx';
import { Time } from '../../parts/time.tsx';
import { useSay, useTexts } from '../../text/lang.ts';
import { EvidenceTab } from './evidence.tsx';
import { Clock, GradeTag, StatusTag, statusWord } from './marks.tsx';
import { PeopleCard } from './people.tsx';
import { PlanTab } from './plan.tsx';
import { RecoveryTab } from './recovery.tsx';
import { ReportTab } from './report.tsx';
import { StoryTab } from './story.tsx';
import { words } from './words.ts';

const path = ['new', 'triaged', 'contained', 'eradicated', 'recovered', 'closed'] as const;
const shown = { story: StoryTab, plan: PlanTab, evidence: EvidenceTab, recovery: RecoveryTab, report: ReportTab } as const;
const tabs = Object.keys(shown) as (keyof typeof shown)[];

/** What a person may do to it, as the agent takes it. */
export type Deed = { op: string } & Record<string, unknown>;
/** Whether it was done; what was not is told above. */
export type Change = (deed: Deed, why?: string) => Promise<boolean>;

export function Incident({ id }: { id: string }) {
  const t = useTexts(words);
  const asked = useGet<Whole>(`/incidents/${id}`, {}, { live: ['incident'] });
  if (asked.error?.code === 'not-found') return <Frame title={t('title')}><div className="m-card"><Empty icon="search" title={t('notFound')} action={<Link to="/incidents">{t('toList')}</Link>} /></div></Frame>;
  if (asked.data === undefined) return <Frame title={t('title')}><div className="m-card"><Shown of={asked} rows={10}>{() => null}</Shown></div></Frame>;
  return <Known incident={asked.data} />;
}

function Known({ incident }: { incident: Whole }) {
  const t = useTexts(words);
  const say = useSay();
  const may = useMay('triage');
  const { id, revision, status } = incident;
  const wanted = (useParams()['*'] ?? '').split('/')[1];
  const Tab = shown[tabs.find((one) => one === wanted) ?? 'story'];
  const [asking, setAsking] = useState<Asked>();
  const change = useDo<{ deed: Deed; why: string; seen: number }>(({ seen, ...body }) => ({ method: 'POST', path: `/incidents/${id}/changes`, body, revision: seen }), ['/incidents', `/incidents/${id}`]);
  const tell = async (deed: Deed, why: string): Promise<void> => {
    try {
      await change.mutateAsync({ deed, why, seen: revision });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 412) throw error;
      // A further alert that joined it is no reason to ask again; what people decided meanwhile is.
      const now = await ask<Whole>('GET', `/incidents/${id}`).catch(() => incident);
      if (now.status !== status || now.assignee !== incident.assignee || now.notes.length !== incident.notes.length || now.tasks.length !== incident.tasks.length) throw error;
      await change.mutateAsync({ deed, why, seen: now.revision });
    }
  };
  const doIt: Change = (deed, why = '') => tell(deed, why).then(() => true, () => false);
  const isOver = status === 'closed' || status === 'false-alarm';
  const at = path.indexOf(status as (typeof path)[number]);
  const next = isOver ? undefined : path[at + 1];
  const conflict = change.error instanceof ApiError && change.error.status === 412;
  const step = (to: (typeof path)[number]): void => {
    if (to === 'closed') setAsking({ title: t('next_closed'), hint: t('whyClose'), mustSay: false, act: (why) => tell({ op: 'status', to }, why) });
    else void doIt({ op: 'status', to });
  };
  const menu = [
    ...path.slice(at + 2).map((to) => ({ key: to, label: t(`next_${to as 'closed'}`), onClick: () => { step(to); }, disabled: isOver })),
    { key: 'false', label: t('markFalse'), disabled: status === 'false-alarm', onClick: () => { setAsking({ title: t('falseAlarm'), hint: t('whyFalse'), mustSay: true, days: 30, act: (why, days) => tell({ op: 'false-alarm', forMs: days * 86_400_000 }, why) }); } },
    ...(incident.clock && !incident.clock.stopped ? (['reported', 'not-reportable'] as const).map((how) => ({ key: how, label: `${t('clock')}: ${t(how === 'reported' ? 'clockReported' : 'clockNot')}…`, onClick: () => { setAsking({ title: t(how === 'reported' ? 'clockReported' : 'clockNot'), hint: t('clockWhy'), mustSay: true, act: (why) => tell({ op: 'clock', how }, why) }); } })) : []),
  ];
  return (
    <Frame wide title={say(incident.title)} lead={<span className="m-row mi-lead"><Link to="/incidents"><Icon name="left" size={14} /> {t('toList')}</Link><span className="m-mono">{id}</span><span><Inert>{incident.host}</Inert></span><span>{t('began')} <Time at={incident.time} style="clock" /></span><span>{t('last')} <Time at={incident.last_time} /></span></span>}
      actions={may && <>
        {next && <Button type="primary" loading={change.isPending} onClick={() => { step(next); }}>{t(`next_${next as 'closed'}`)}</Button>}
        {isOver && <Button loading={change.isPending} onClick={() => { void doIt({ op: 'reopen' }); }}>{t('reopen')}</Button>}
        <Dropdown menu={{ items: menu }} trigger={['click']}><Button>{t('moreDeeds')}</Button></Dropdown>
      </>}>
      {incident.merged_into !== undefined && <Notice bar icon="incidents" title={t('merged')} action={<Link to={`/incidents/${incident.merged_into}`}>{t('mergedOpen')}</Link>} />}
      {change.error && asking === undefined && <Notice bar icon="warn" tone={conflict ? 'warn' : 'bad'} title={conflict ? t('changedMeanwhile') : <Inert>{say(change.error.text)}</Inert>} onClose={() => { change.reset(); }} />}
      <div className="m-card mi-standing">
        <div className="m-row"><LevelTag level={incident.level} /><GradeTag grade={incident.grade} /><StatusTag status={status} /><Clock clock={incident.clock} />{incident.clock?.stopped && <span className="m-quiet">{t('clockStopped', { how: t(incident.clock.stopped.how === 'reported' ? 'clockReported' : 'clockNot'), by: incident.clock.stopped.by })}</span>}</div>
        <ol className="mi-path" aria-label={t('status')}>
          {path.map((one, i) => <li key={one} className={i < at || status === 'closed' ? 'mi-path-past' : i === at ? 'mi-path-now' : ''} {...(i === at && { 'aria-current': 'step' as const })}>{statusWord(t, one)}</li>)}
        </ol>
        {incident.graded.length > 0 && <WhyLevel graded={incident.graded} />}
      </div>
      <div className="mi-body">
        <div className="mi-main">
          <Sections label={t('parts')} items={tabs.map((key) => ({ to: `/incidents/${id}${key === 'story' ? '' : `/${key}`}`, title: t(key), isDeep: key !== 'story' }))} />
          <Tab incident={incident} />
        </div>
        <PeopleCard incident={incident} change={doIt} isBusy={change.isPending} />
      </div>
      {asking && <AskWhy asked={asking} close={() => { change.reset(); setAsking(undefined); }} />}
    </Frame>
  );
}

/** What a deed wants to hear first. `days`: also for how long, this at first. */
interface Asked { title: string; hint: string; mustSay: boolean; days?: number; act: (why: string, days: number) => Promise<unknown> }

function AskWhy({ asked: { title, hint, mustSay, days: first, act }, close }: { asked: Asked; close: () => void }) {
  const t = useTexts(words);
  const [days, setDays] = useState(first ?? 0);
  return (
    <Sure title={title} ok={title} why={mustSay ? 'must' : 'may'} close={close} act={(why) => act(why, days)}>
      <p>{hint}</p>
      {first !== undefined && <Field label={t('forDays')}><Select aria-label={t('forDays')} value={days} options={[1, 7, 30, 90, 365].map((value) => ({ value, label: t('days', { count: value }) }))} onChange={setDays} /></Field>}
    </Sure>
  );
}

function WhyLevel({ graded }: { graded: Whole['graded'] }) {
  const t = useTexts(words);
  const say = useSay();
  const [isOpen, setOpen] = useState(false);
  const shown = isOpen ? graded : graded.slice(-1);
  return (
    <div className="mi-why">
      <span className="m-quiet">{t('whyLevel')}</span>
      <ul>{shown.map((one, at) => <li key={at}><Time at={one.time} style="clock" /> <LevelTag level={one.level} /> <Inert>{say(one.why)}</Inert>{one.by !== undefined && <span className="m-faint"> · {t('byHand', { by: one.by })}</span>}</li>)}</ul>
      {graded.length > 1 && <button type="button" className="m-link" aria-expanded={isOpen} onClick={() => { setOpen(!isOpen); }}>{isOpen ? '−' : `+${graded.length - 1}`}</button>}
    </div>
  );
}
