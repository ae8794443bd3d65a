/** One rule: what it means, how it did, what else it may be, what is kept quiet, and its text. */
import { Button } from 'antd';
import { useState } from 'react';
import { Link, useNavigate } from 'react-router';
import type { AlertRow, Exception } from '../../../../src/api/contract/alerts.ts';
import type { Matrix, RuleWhole } from '../../../../src/api/contract/rules.ts';
import { useDo, useGet } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import { Copy } from '../../parts/copy.tsx';
import { Icon } from '../../parts/icon.tsx';
import { inertString } from '../../parts/inert-text.ts';
import { Inert } from '../../parts/inert.tsx';
import { LevelTag } from '../../parts/level.tsx';
import { Card, Page as Frame } from '../../parts/page.tsx';
import { Shown } from '../../parts/states.tsx';
import { Sure } from '../../parts/sure.tsx';
import { Time } from '../../parts/time.tsx';
import { useDeed } from '../../parts/toast.tsx';
import { useSay, useTexts } from '../../text/lang.ts';
import { ExceptionList } from './exceptions.tsx';
import { ruleAddress } from './list.tsx';
import { touched } from './save.tsx';
import { words } from './words.ts';

const feedsShown = 10;

export function One({ id }: { id: string }) {
  const t = useTexts(words);
  const say = useSay();
  const found = useGet<RuleWhole>(`/rules/${encodeURIComponent(id)}`, {}, { live: ['incident'] });
  const title = found.data ? inertString(say(found.data.title), 200) : t('title');
  return (
    <Frame title={title} lead={<><Link className="mr-link" to="/rules"><Icon name="left" size={13} />{t('title')}</Link> · <Inert code most={200}>{id}</Inert></>} actions={found.data && <Deeds rule={found.data} />}>
      <Shown of={found}>{(rule) => (
        <div className="mr-body">
          <div className="m-stack">
            <Means rule={rule} />
            {rule.yaml !== undefined && <Card title={t('text')} extra={<div className="m-row"><span className="m-faint">{t('textHow')}</span><Copy text={rule.yaml} /></div>}><Inert block most={64_000}>{rule.yaml}</Inert></Card>}
            {rule.settings && Object.keys(rule.settings).length > 0 && <Card title={t('settings')}><p className="mr-how">{t('settingsHow')}</p><dl className="mr-facts">{Object.entries(rule.settings).map(([name, { value, text }]) => <div key={name}><dt><code>{name}</code> = <Inert code most={200}>{Array.isArray(value) ? value.join(', ') : String(value)}</Inert></dt><dd className="m-quiet"><Inert>{say(text)}</Inert></dd></div>)}</dl></Card>}
          </div>
          <aside className="m-stack">
            <Did rule={rule} />
            {rule.falsepositives.length > 0 && <Card title={t('mayBe')}><p className="mr-how">{t('mayBeHow')}</p><ul className="mr-bullets">{rule.falsepositives.map((one) => <li key={one.en}><Inert>{say(one)}</Inert></li>)}</ul></Card>}
            <Quiet id={rule.id} />
            <Attack of={rule.attack} />
          </aside>
        </div>
      )}</Shown>
    </Frame>
  );
}

function Deeds({ rule }: { rule: RuleWhole }) {
  const t = useTexts(words);
  const go = useNavigate();
  const deed = useDeed();
  const mayHunt = useMay('hunt'), maySystem = useMay('system');
  const [isAsking, setAsking] = useState(false);
  const act = useDo<{ method: 'PUT' | 'DELETE'; body?: unknown }>((call) => ({ ...call, path: `/rules/${encodeURIComponent(rule.id)}` }), touched);
  const back = (): void => { void deed(() => act.mutateAsync({ method: 'PUT', body: { text: rule.yaml, why: t('backWhy') } }), t('undone')); };
  if (rule.yaml === undefined) return null;
  return (
    <>
      {mayHunt && rule.own && <Button type="primary" onClick={() => { void go(`${ruleAddress(rule.id)}/edit`); }}>{t('edit')}</Button>}
      {mayHunt && <Button onClick={() => { void go({ pathname: '/rules/new', search: new URLSearchParams({ from: rule.id }).toString() }); }}>{t('copy')}</Button>}
      {maySystem && rule.own && <Button danger onClick={() => { setAsking(true); }}>{t('removeRule')}</Button>}
      {isAsking && <Sure title={t('removeTitle')} ok={t('removeRule')} isDanger why="no" close={() => { setAsking(false); }} done={t('removed')} undo={back} act={async () => { await act.mutateAsync({ method: 'DELETE' }); void go('/rules'); }}><p>{t('removeHow')}</p></Sure>}
    </>
  );
}

function Means({ rule }: { rule: RuleWhole }) {
  const t = useTexts(words);
  const say = useSay();
  const looksAt = [rule.logsource?.product, rule.logsource?.category, rule.logsource?.service].filter((one) => one !== undefined).join(' · ');
  return (
    <Card title={t('means')} extra={rule.level !== undefined && <LevelTag level={rule.level} />}>
      <p className="mr-means">{rule.description ? <Inert most={4000}>{say(rule.description)}</Inert> : <span className="m-quiet">{t('noMeaning')}</span>}</p>
      {rule.advice && <p className="mr-means"><b>{t('advice')}</b> <Inert most={4000}>{say(rule.advice)}</Inert></p>}
      {rule.feeds.length > 0
        ? <p className="mr-how">{t('feeds')} {rule.feeds.slice(0, feedsShown).map((one, at) => <span key={one}>{at > 0 && ', '}<Link className="mr-link" to={ruleAddress(one)}><Inert>{one}</Inert></Link></span>)}{rule.feeds.length > feedsShown && ` +${rule.feeds.length - feedsShown}`}</p>
        : <p className="mr-how">{t(`kindHow_${rule.kind}`)}</p>}
      {rule.blind && <p className="mr-how"><b>{t('blind')}</b>: <Inert>{say(rule.blind)}</Inert></p>}
      <dl className="mr-facts">
        {looksAt !== '' && <div><dt>{t('looksAt')}</dt><dd><Inert code>{looksAt}</Inert></dd></div>}
        {rule.counts && <div><dt>{t('counts')}</dt><dd><Inert>{`${t('countsHow', { kind: rule.counts.kind, rules: rule.counts.rules.join(', '), span: `${rule.counts.seconds} s` })}${rule.counts.by.length > 0 ? t('countsBy', { by: rule.counts.by.join(', ') }) : ''}`}</Inert></dd></div>}
        <div><dt>{t('state')}</dt><dd>{t(rule.enabled ? 'on' : 'offHow')}{rule.own && ` · ${t('own')}`}</dd></div>
        {rule.author !== undefined && <div><dt>{t('author')}</dt><dd><Inert>{rule.author}</Inert></dd></div>}
        {rule.file !== undefined && <div><dt>{t('file')}</dt><dd><Inert code>{rule.file}</Inert></dd></div>}
        {/* Addresses come from the rule: shown, never followed from here. */}
        {rule.references.length > 0 && <div><dt>{t('references')}</dt><dd>{rule.references.map((one) => <div key={one}><Inert code most={300}>{one}</Inert></div>)}</dd></div>}
      </dl>
    </Card>
  );
}

function Did({ rule: { id, alerts, last, judged } }: { rule: RuleWhole }) {
  const t = useTexts(words);
  const recent = useGet<{ items: AlertRow[] }>('/alerts', { rule: id, limit: 5 }, { live: ['alert'] });
  return (
    <Card title={t('did')}>
      {alerts === 0 ? <p>{t('didNever')}</p> : <>
        <p className="mr-big">{t('didAlerts', { count: alerts })}</p>
        {last !== undefined && <p className="m-quiet">{t('last')}: <Time at={last} /></p>}
        <p className="m-quiet">{judged.false_alarms > 0 ? t('didFalse', { count: judged.false_alarms, looked: judged.looked }) : t('didNoFalse', { looked: judged.looked })}</p>
        {recent.data && recent.data.items.length > 0 && <><h3 className="mr-h3">{t('latest')}</h3><ul className="mr-recent">{recent.data.items.map((one) => <li key={one.id}><Link to={`/alerts/${encodeURIComponent(one.id)}`}><Inert most={160}>{one.summary}</Inert></Link> <span className="m-faint"><Time at={one.last_time} /></span></li>)}</ul></>}
        <p><Link to={{ pathname: '/alerts', search: new URLSearchParams({ rule: id, status: 'all', folded: 'no' }).toString() }}>{t('showAlerts')}</Link></p>
      </>}
    </Card>
  );
}

function Quiet({ id }: { id: string }) {
  const t = useTexts(words);
  const list = useGet<{ items: Exception[] }>('/exceptions');
  const mine = list.data?.items.filter(({ rule }) => rule === id || rule === '*') ?? [];
  return <Card title={t('quiet')}>{mine.length === 0 ? <p className="m-quiet">{t('quietNone')}</p> : <ExceptionList items={mine} />}</Card>;
}

function Attack({ of }: { of: readonly string[] }) {
  const t = useTexts(words);
  const say = useSay();
  const matrix = useGet<Matrix>('/matrix', { fields: 'techniques' }, { enabled: of.length > 0 });
  if (of.length === 0) return null;
  const names = new Map(matrix.data?.techniques.map(({ id, name }) => [id, name]));
  return <Card title={t('attack')}><ul className="mr-bullets">{of.map((one) => <li key={one}><Link to={`/matrix/attack/${encodeURIComponent(one)}`}><Inert>{say(names.get(one)) || one}</Inert></Link></li>)}</ul></Card>;
}
