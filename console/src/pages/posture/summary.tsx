/** The score in one word, its course, and what costs it. */
import { Link } from 'react-router';
import type { Posture } from '../../../../src/api/contract/scans.ts';
import { useGet } from '../../api/hooks.ts';
import { Inert } from '../../parts/inert.tsx';
import { LevelTag } from '../../parts/level.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Shown } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useSay, useTexts } from '../../text/lang.ts';
import { words } from './words.ts';

export function Summary() {
  const t = useTexts(words);
  const say = useSay();
  const posture = useGet<Posture>('/posture', {}, { live: ['scan'], everyMs: 60_000 });
  return (
    <Shown of={posture} rows={10}>{({ score, why, status, trend, groups }) => (
      <>
        <section className="m-card m-pad mo-head" aria-label={t('score')}>
          <div className={`mo-score mo-score-${grade(score)}`}><b>{score ?? '–'}</b><span>{t('score')}</span></div>
          <div className="m-grow">
            <h2 className="mo-word">{t(grade(score))}</h2>
            <p className="m-quiet">{why ? <Inert>{say(why)}</Inert> : score !== undefined && t('scoreOf', { n: score })}</p>
            <p className="m-faint">{t('last')}: {status.last === undefined ? t('never') : <Time at={status.last} />} · {status.enabled ? status.next !== undefined && <>{t('next')}: <Time at={status.next} /></> : t('off')}</p>
          </div>
          <Trend trend={trend} />
        </section>
        <Card title={t('toDo')}>
          {groups.length === 0 ? (score === undefined ? <Empty icon="search" title={t('unknown')}>{t('noneHow')}</Empty> : <Empty title={t('clean')}>{t('cleanHow')}</Empty>) : (
            <ul className="mo-groups">{groups.map((group) => {
              const link = group.count === 1 && group.samples[0] ? `/posture/findings/${encodeURIComponent(group.samples[0].id)}` : `/posture/findings?check=${encodeURIComponent(group.check)}&kind=${group.kind}`;
              return (
                <li key={`${group.check} ${group.kind} ${group.level}`}>
                  <LevelTag level={group.level} />
                  <div className="m-grow"><Link to={link}><Inert most={200}>{group.title ? say(group.title) : group.check}</Inert></Link><p className="m-quiet">{t(group.kind)} · {t('count', { count: group.count })}{group.fix && ` · ${t('hasFix')}`}</p></div>
                  {group.cost > 0 && <span className="m-faint">{t('costs', { count: group.cost })}</span>}
                </li>
              );
            })}</ul>
          )}
        </Card>
      </>
    )}</Shown>
  );
}

const grade = (score: number | undefined): 'unknown' | 'good' | 'fair' | 'poor' => (score === undefined ? 'unknown' : score >= 80 ? 'good' : score >= 50 ? 'fair' : 'poor');

const wide = 260, high = 70;
function Trend({ trend }: { trend: Posture['trend'] }) {
  const t = useTexts(words);
  const first = trend[0], last = trend.at(-1);
  if (!first || !last || trend.length < 2) return <p className="m-faint mo-trend">{t('trendOne')}</p>;
  const points = trend.map(({ score }, at) => `${(wide * at) / (trend.length - 1)},${high - (high * score) / 100}`).join(' ');
  return (
    <figure className="mo-trend" role="img" aria-label={t('trendLabel', { from: first.score, to: last.score })}>
      <svg viewBox={`-3 -3 ${wide + 6} ${high + 6}`} width="100%" height={high} preserveAspectRatio="none" aria-hidden="true"><polyline points={points} fill="none" stroke="var(--m-accent)" strokeWidth="2" vectorEffect="non-scaling-stroke" /></svg>
      <figcaption className="m-faint">{t('trend')}: {first.score} → {last.score}</figcaption>
    </figure>
  );
}
