/** One playbook: what it does in plain words, what it would do now, and its beginning. */
import { Button, Input, Select } from 'antd';
import { useState } from 'react';
import { Link, useNavigate } from 'react-router';
import type { AlertRow } from '../../../../src/api/contract/alerts.ts';
import type { DryRun, PlannedCommand, PlannedStep, Playbook, PlaybookCommand, PlaybookRun } from '../../../../src/api/contract/response.ts';
import { useQuery } from '@tanstack/react-query';
import { ask } from '../../api/client.ts';
import { useGet } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import { useFilters } from '../../parts/address.ts';
import { Icon } from '../../parts/icon.tsx';
import { inertString } from '../../parts/inert-text.ts';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { RiskLine } from '../../parts/planned.tsx';
import { Empty, Failure, Loading, Shown } from '../../parts/states.tsx';
import { Field, Sure } from '../../parts/sure.tsx';
import { common } from '../../text/common.ts';
import { useSay, useTexts } from '../../text/lang.ts';
import { readSteps, type ReadStep, wantsKnown, withNames } from './playbook-steps.ts';
import { words as playbookWords } from './playbook-words.ts';
import { useAct, useSettled, useSpan } from './said.ts';
import { words } from './words.ts';

const told = ['source_ip', 'origin_ip', 'peer_ip', 'pid', 'started', 'path', 'program', 'file', 'user', 'port', 'host', 'service'] as const;
/** What a variable stands for, in words. */
function useVariable(): (name: string) => string {
  const t = useTexts(playbookWords);
  return (name) => { const known = told.find((one) => one === name); return known === undefined ? name.replaceAll('_', ' ') : t(`var_${known}`); };
}

export function PlaybookShown({ id }: { id: string }) {
  const t = useTexts(playbookWords);
  const found = useGet<Playbook>(`/playbooks/${encodeURIComponent(id)}`);
  return (
    <div className="m-stack">
      <p><Link to="/protection/playbooks">← {t('all')}</Link></p>
      <Shown of={found} rows={8}>{(playbook) => <><About playbook={playbook} /><Trial key={playbook.id} playbook={playbook} /></>}</Shown>
    </div>
  );
}

function About({ playbook }: { playbook: Playbook }) {
  const t = useTexts(playbookWords);
  const p = useTexts(words);
  const c = useTexts(common);
  const say = useSay();
  const span = useSpan();
  const variable = useVariable();
  const { name, description, grade, mode, triggers, per, timeout, compensate } = playbook;
  const fits = [...triggers?.rules ?? [], ...triggers?.attack ?? [], ...triggers?.tactics ?? []].join(', ');
  return (
    <Card title={<Inert>{say(name)}</Inert>} extra={<span className="mp-state">{p('grade', { n: grade })}</span>} label={inertString(say(name))}>
      <p><Inert>{say(description)}</Inert></p>
      <p className="m-quiet mp-gap">{mode === 'manual' || triggers === undefined ? t('begins_manual') : <Inert>{t(`begins_${mode}`, { level: c(triggers.level), what: fits === '' ? t('anyAlert') : fits })}</Inert>} <Inert>{t('longest', { span: span(timeout), per: per === 'alert' ? t('perAlert') : variable(per === 'pid' ? 'pid' : per) })}</Inert>{compensate && <> {t('back')}</>}</p>
      <h3 className="mp-h3 mp-gap">{t('steps')}</h3>
      <ol className="mp-flow">{readSteps(playbook).map((one) => <StepRead key={one.id} read={one} />)}</ol>
    </Card>
  );
}

function StepRead({ read: { depth, step, when, of } }: { read: ReadStep }) {
  const t = useTexts(playbookWords);
  const say = useSay();
  const span = useSpan();
  const variable = useVariable();
  const way = when === undefined || when === 'true' ? '' : `${when === 'case' ? t('when_case', { of: of ?? '' }) : t(`when_${when}`)}: `;
  const delay = step.delay > 0 ? ` (${t('wait', { span: span(step.delay) })})` : '';
  const condition = (text: string): string => { const names = wantsKnown(text); return names === undefined ? `${t('ifHolds')} ${withNames(text, variable)}` : t('ifKnown', { what: [...new Set(names.filter((one) => one !== 'started' || names.length === 1))].map(variable).join(t('and')) }); };
  return (
    <li className="mp-flow-step" style={{ marginInlineStart: `calc(${Math.min(depth, 6)} * var(--mp-deep))` }}>
      {step.phase && <span className={`mp-phase mp-phase-${step.phase}`}>{t(`phase_${step.phase}`)}</span>}
      <div className="m-grow">
        {step.type === 'action' ? <>
          {step.name ? <b><span className="m-quiet">{way}</span><Inert>{say(step.name)}</Inert></b> : way !== '' && <span className="m-quiet">{way}</span>}
          <span className="m-faint">{delay}</span>
          {step.commands.map((command, at) => <CommandRead key={at} command={command} />)}
        </> : <span className="m-quiet">{way}<Inert>{step.type === 'if-condition' ? condition(step.condition) : step.type === 'while-condition' ? `${t('whileHolds', { n: step.max })}: ${withNames(step.condition, variable)}` : step.type === 'switch-condition' ? `${t('cases')} ${withNames(step.switch, variable)}` : ''}</Inert>{delay}</span>}
      </div>
    </li>
  );
}

function CommandRead({ command }: { command: PlaybookCommand }) {
  const t = useTexts(playbookWords);
  const say = useSay();
  const span = useSpan();
  const variable = useVariable();
  switch (command.type) {
    case 'manual': return <p className="mp-person"><Icon name="person" size={16} /><span><span className="m-quiet">{t('byPerson')}: </span><Inert>{withNames(say(command.command), variable)}</Inert></span></p>;
    case 'notify': return <p className="mp-person"><Icon name="alerts" size={16} /><span><span className="m-quiet">{t('tells')}: </span><Inert>{withNames(say(command.message), variable)}</Inert></span></p>;
    case 'moat-action': return <p className="m-quiet"><Inert code>{command.action}</Inert>{Object.values(command.input).filter((one) => !String(one).includes('__started__')).map((one, at) => <span key={at}> · <Inert>{withNames(String(one), variable)}</Inert></span>)}{command.for !== undefined && <> · {command.for === 'escalating' ? t('longer') : t('lastsFor', { span: span(command.for) })}</>}{command.ask === true && <> · {t('asks')}</>}</p>;
  }
}

/** What it would do now with an alert and values, worked out as they are chosen; then it can be begun. */
function Trial({ playbook: { id, name, playbook_variables: variables } }: { playbook: Playbook }) {
  const t = useTexts(playbookWords);
  const p = useTexts(words);
  const say = useSay();
  const go = useNavigate();
  const mayAct = useMay('act');
  const act = useAct<PlaybookRun>();
  const { filters, set } = useFilters(['alert']);
  const [values, setValues] = useState<Record<string, string>>({});
  const [search, setSearch] = useState('');
  const [isAsking, setAsking] = useState(false);
  const text = useSettled(search);
  const alerts = useGet<{ items: AlertRow[] }>('/alerts', { limit: 50, ...(text.trim() !== '' && { text: text.trim() }) }, { keep: true, enabled: mayAct });
  const chosen = useGet<AlertRow>(`/alerts/${encodeURIComponent(filters.alert ?? '')}`, {}, { enabled: mayAct && filters.alert !== undefined });
  const names = Object.keys(variables);
  const asked = useSettled({ ...(filters.alert !== undefined && { alert: filters.alert }), set: Object.fromEntries(names.flatMap((one) => { const value = values[one] ?? ''; return value === '' ? [] : [[one, value]]; })) });
  const dry = useQuery({ queryKey: ['/playbooks', id, 'dry', asked], gcTime: 0, staleTime: 5000, retry: false, enabled: mayAct, queryFn: () => ask<DryRun>('POST', `/playbooks/${encodeURIComponent(id)}/run`, { body: { ...asked, dry: true } }) });
  if (!mayAct) return <div className="m-card m-pad m-quiet">{t('mayNotRun')}</div>;
  const rows = [...chosen.data && !alerts.data?.items.some((one) => one.id === filters.alert) ? [chosen.data] : [], ...alerts.data?.items ?? []];
  return (
    <Card title={t('tryTitle')} extra={<Button type="primary" disabled={dry.data === undefined || dry.isFetching} icon={<Icon name="play" size={16} />} onClick={() => { setAsking(true); }}>{t('run')}</Button>}>
      <p className="mp-how">{t('tryHow')}</p>
      <div className="mp-form">
        <Field label={t('about')}>
          <Select aria-label={t('about')} showSearch={{ filterOption: false, onSearch: setSearch }} allowClear placeholder={t('aboutNone')} value={filters.alert ?? null} loading={alerts.isFetching} notFoundContent={p('noneFiltered')} onChange={(value: string | undefined) => { set({ alert: value }); }}
            options={rows.map((one) => ({ value: one.id, label: inertString(`${say(one.title)} · ${one.summary}`, 120) }))} />
        </Field>
        {names.map((one) => <Field key={one} label={inertString(one.replaceAll('_', ' ').trim(), 80)}><Input value={values[one] ?? ''} placeholder={inertString(String(variables[one]), 80)} maxLength={1000} onChange={({ target }) => { setValues({ ...values, [one]: target.value }); }} /></Field>)}
      </div>
      <h3 className="mp-h3 mp-gap">{t('dryTitle')}</h3>
      {dry.error ? <Failure error={dry.error} compact /> : dry.data === undefined ? <Loading rows={4} /> : <Dry dry={dry.data} />}
      {isAsking && dry.data && <Sure title={<Inert>{p('runTitle', { name: say(name) })}</Inert>} ok={t('run').replace('…', '')} isDanger why="must" close={() => { setAsking(false); }} done={t('running')} act={async (why) => { const run = await act.mutateAsync({ method: 'POST', path: `/playbooks/${encodeURIComponent(id)}/run`, body: { ...asked, dry: false, why } }); void go(`/protection/runs/${encodeURIComponent(run.id)}`); }}>
        <p>{p('runHow')}</p><p><b><Summary steps={stepsOf(dry.data)} /></b> {t('runDanger')}</p>
      </Sure>}
    </Card>
  );
}

/** The contract leaves steps open: they are what the engine plans. */
const stepsOf = (dry: DryRun): readonly PlannedStep[] => dry.steps as unknown as readonly PlannedStep[];

function Summary({ steps }: { steps: readonly PlannedStep[] }) {
  const t = useTexts(playbookWords);
  const commands = steps.filter(({ onFailure }) => onFailure === undefined).flatMap((one) => one.commands);
  const refused = commands.filter((one) => 'refused' in one).length;
  const asks = commands.filter((one) => one.type === 'manual' || (one.type === 'moat-action' && 'asks' in one && one.asks)).length;
  const auto = commands.filter((one) => one.type === 'notify' || (one.type === 'moat-action' && 'asks' in one && !one.asks)).length;
  return <>{t('summary', { auto, asks, refused })}</>;
}

function Dry({ dry }: { dry: DryRun }) {
  const t = useTexts(playbookWords);
  const p = useTexts(words);
  const say = useSay();
  const steps = stepsOf(dry).filter(({ commands }) => commands.length > 0);
  const nameOf = (id: string): string => say(stepsOf(dry).find(({ step }) => step === id)?.name) || id;
  if (steps.length === 0) return <Empty icon="search" title={t('dryNone')} />;
  return (
    <div role="status">
      <p className="m-quiet"><Summary steps={steps} /> · {t('modeIs', { mode: p(`mode_${dry.mode}`) })}</p>
      <ol className="mp-flow">{steps.map(({ step, name, phase, commands, onFailure }) => (
        <li key={step} className={`mp-flow-step${onFailure === undefined ? '' : ' mp-flow-later'}`}>
          {phase && <span className={`mp-phase mp-phase-${phase}`}>{t(`phase_${phase}`)}</span>}
          <div className="m-grow">
            {name && <b><Inert>{say(name)}</Inert></b>}{onFailure !== undefined && <span className="m-faint"> {t('onFailure', { of: inertString(nameOf(onFailure), 80) })}</span>}
            {commands.map((one, at) => <CommandPlanned key={at} command={one} />)}
          </div>
        </li>
      ))}</ol>
    </div>
  );
}

function CommandPlanned({ command }: { command: PlannedCommand }) {
  const t = useTexts(playbookWords);
  const c = useTexts(common);
  const say = useSay();
  const span = useSpan();
  if (command.type === 'manual') return <p className="mp-person"><span className="mp-state mp-state-asks">{t('waitsYou')}</span><span><Inert>{say(command.command)}</Inert></span></p>;
  if (command.type === 'notify') return <p className="mp-person"><Icon name="alerts" size={16} /><span><span className="m-quiet">{t('tells')}: </span><Inert>{say(command.message)}</Inert></span></p>;
  if ('refused' in command) return <p className="mp-person"><span className="mp-state mp-state-failed">{t('would')}</span><span><Inert code>{command.action}</Inert> <Inert>{command.refused}</Inert></span></p>;
  return (
    <div className="mp-planned">
      <p className="mp-person"><span className={`mp-state mp-state-${command.asks ? 'asks' : 'applied'}`}>{t(command.asks ? 'asksFirst' : 'autoDoes')}</span><span><Inert>{say(command.title)}</Inert>{command.forMs !== undefined && <span className="m-quiet"> · {command.forMs === 'escalating' ? t('longer') : t('lastsFor', { span: span(command.forMs) })}</span>}</span></p>
      <details><summary className="m-faint">{c('details')}</summary><ol className="mp-steps">{command.steps.map((one, at) => <li key={at}><Inert>{say(one)}</Inert></li>)}</ol><RiskLine risk={command.risk} reversible={command.reversible} /></details>
    </div>
  );
}
