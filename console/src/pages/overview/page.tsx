/** The first page: how it stands in one sentence, then what to do, then the figures. */
import { Segmented } from 'antd';
import { useMemo } from 'react';
import { Link } from 'react-router';
import type { Overview } from '../../../../src/api/contract/overview.ts';
import { useGet } from '../../api/hooks.ts';
import { worstFirst } from '../../api/types.ts';
import { useFilters } from '../../parts/address.ts';
import { Icon, type IconName } from '../../parts/icon.tsx';
import { inertString } from '../../parts/inert-text.ts';
import { Inert } from '../../parts/inert.tsx';
import { LevelTag } from '../../parts/level.tsx';
import { Card, Page as Frame } from '../../parts/page.tsx';
import { Empty, Shown } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useLang, useSay, useTexts } from '../../text/lang.ts';
import { pageLink } from '../links.ts';
import { Curve } from './curve.tsx';
import { Health } from './health.tsx';
import { words } from './words.ts';
import './overview.css';

const spans = ['1', '24', '168'] as const;
/** Bars of the curve: some 48 to 60 of them. */
const bucketSeconds: Record<string, number> = { 1: 60, 24: 1800, 168: 10_800 };

export function Page() {
  const t = useTexts(words);
  const { filters, set } = useFilters(['hours']);
  const hours = filters.hours === '1' || filters.hours === '168' ? filters.hours : '24';
  const overview = useGet<Overview>('/overview', { bucket: bucketSeconds[hours] }, { live: ['alert', 'incident', 'health', 'request', 'action'], keep: true, everyMs: 60_000, atOnce: () => ({ from: Date.now() - Number(hours) * 3_600_000 }) });
  return (
    <Frame title={t('title')}>
      <Shown of={overview} rows={12}>
        {(found) => (
          <>
            <Verdict {...found} />
            <div className="o-two">
              <Incidents incidents={found.incidents} />
              <Next score={found.score} />
            </div>
            <Card title={t('curve')} extra={<Segmented aria-label={t('curve')} value={hours} onChange={(value) => { set({ hours: value === '24' ? undefined : value }); }} options={spans.map((value) => ({ value, label: t(`hours_${value}`) }))} />}><Curve alerts={found.alerts} /></Card>
            <div className="o-two">
              <Sources sources={found.sources} />
              <Health health={found.health} />
            </div>
          </>
        )}
      </Shown>
    </Frame>
  );
}

const icons: Record<Overview['verdict']['level'], IconName> = { calm: 'check', watch: 'search', attacked: 'warn', intruded: 'warn', blind: 'cloud' };

function Verdict({ verdict, score, host, health }: Overview) {
  const t = useTexts(words);
  const say = useSay();
  return (
    <section className={`m-card o-verdict o-verdict-${verdict.level}`} aria-label={t(`verdict_${verdict.level}`)}>
      <span className="o-verdict-icon"><Icon name={icons[verdict.level]} size={30} /></span>
      <div className="m-grow">
        <p className="o-verdict-kind">{t(`verdict_${verdict.level}`)} · <Inert>{host}</Inert></p>
        <h2><Inert>{say(verdict.text)}</Inert></h2>
        {verdict.reasons.length > 0 && <ul className="o-reasons">{verdict.reasons.map((reason) => <li key={reason.en}><Inert>{say(reason)}</Inert></li>)}</ul>}
        <p className="m-quiet o-mode">{t(`mode_${health.mode}`)}{health.paused_until !== undefined && <> · {t('paused', { when: '' })}<Time at={health.paused_until} /></>}</p>
      </div>
      <div className="o-score"><Ring value={score.value} />{score.why && <p className="o-why"><Inert>{say(score.why)}</Inert></p>}</div>
    </section>
  );
}

const round = 2 * Math.PI * 42;
function Ring({ value }: { value: number | undefined }) {
  const t = useTexts(words);
  return (
    <div className="o-ring" role="img" aria-label={`${t('score')}: ${value === undefined ? t('scoreNone') : t('scoreOf', { n: value })}`}>
      <svg viewBox="0 0 100 100" width="104" height="104" aria-hidden="true">
        <circle cx="50" cy="50" r="42" className="o-ring-back" />
        {value !== undefined && <circle cx="50" cy="50" r="42" className={value >= 80 ? 'o-ring-good' : value >= 50 ? 'o-ring-warn' : 'o-ring-bad'} strokeDasharray={`${(round * value) / 100} ${round}`} transform="rotate(-90 50 50)" />}
      </svg>
      <span><b>{value ?? '–'}</b>{t('score')}</span>
    </div>
  );
}

function Incidents({ incidents }: { incidents: Overview['incidents'] }) {
  const t = useTexts(words);
  const say = useSay();
  const more = pageLink('incidents');
  return (
    <Card title={t('incidents')} extra={more !== undefined && <Link to={more}>{t('allIncidents')}</Link>}>
      {incidents.open === 0 ? <Empty title={t('incidentsNone')}>{t('incidentsNoneHow')}</Empty> : (
        <>
          <ul className="o-levels">
            {worstFirst.filter((level) => (incidents.by_level[level] ?? 0) > 0).map((level) => <li key={level}><b className={`m-level-${level}`}>{incidents.by_level[level]}</b><LevelTag level={level} /></li>)}
          </ul>
          <ul className="o-list">
            {incidents.latest.slice(0, 5).map(({ id, title, level, grade, last_time }) => {
              const link = pageLink('incidents', id);
              const due = incidents.clocks.find((clock) => clock.id === id)?.due;
              const text = <Inert>{say(title)}</Inert>;
              return (
                <li key={id}>
                  <LevelTag level={level} />
                  <span className="m-grow m-cut">{link === undefined ? text : <Link to={link}>{text}</Link>}</span>
                  {due !== undefined && <span className="o-due"><Icon name="clock" size={15} /><Time at={due} /></span>}
                  <span className="m-faint o-grade">{t('grade', { n: grade })}</span>
                  <span className="m-faint o-when"><Time at={last_time} /></span>
                </li>
              );
            })}
          </ul>
        </>
      )}
    </Card>
  );
}

function Next({ score }: { score: Overview['score'] }) {
  const t = useTexts(words);
  const say = useSay();
  return (
    <Card title={t('next')}>
      {score.next.length === 0 ? <Empty title={t('nextNone')}>{t('nextNoneHow')}</Empty> : (
        <ol className="o-next">
          {score.next.slice(0, 3).map(({ text, kind, id }, at) => {
            const link = kind === 'incident' ? pageLink('incidents', id) : kind === 'finding' ? pageLink('posture', id) : kind === 'request' ? pageLink('protection') : pageLink('system');
            return <li key={`${kind} ${id}`}><span aria-hidden="true">{at + 1}</span><p className="m-grow"><Inert>{say(text)}</Inert></p>{link !== undefined && <Link to={link} aria-label={inertString(say(text))}><Icon name="right" size={18} /></Link>}</li>;
          })}
        </ol>
      )}
    </Card>
  );
}

function Sources({ sources }: { sources: Overview['sources'] }) {
  const t = useTexts(words);
  const lang = useLang();
  const names = useMemo(() => new Intl.DisplayNames(lang === 'zh' ? 'zh-CN' : 'en', { type: 'region', fallback: 'code' }), [lang]);
  const country = (code: string): string => (/^[A-Za-z]{2}$/.test(code) ? names.of(code.toUpperCase()) ?? code : code);
  const most = Math.max(1, ...sources.map(({ alerts }) => alerts));
  return (
    <Card title={t('sources')}>
      {sources.length === 0 ? <Empty title={t('sourcesNone')} /> : (
        <table className="o-sources">
          <thead><tr><th scope="col">{t('address')}</th><th scope="col">{t('alerts')}</th><th scope="col">{t('last')}</th><th scope="col"><span className="m-hidden">{t('blocked')}</span></th></tr></thead>
          <tbody>
            {sources.slice(0, 8).map((source) => (
              <tr key={source.address}>
                <td><Link to={`/alerts?source_ip=${encodeURIComponent(source.address)}`}><Inert code>{source.address}</Inert></Link>{source.country !== undefined && <span className="m-faint"> <Inert>{country(source.country)}</Inert></span>}</td>
                <td><span className="o-bar"><i style={{ width: `${(100 * source.alerts) / most}%` }} /></span>{source.alerts}</td>
                <td className="m-faint"><Time at={source.last} /></td>
                <td>{source.blocked ? <span className="o-blocked"><Icon name="lock" size={14} />{t('blocked')}</span> : <span className="m-faint">{t('notBlocked')}</span>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
}
