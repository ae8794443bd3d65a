/** A rule's text tried on what has happened: a job whose progress is shown, that can be stopped, and that nothing waits for. */
import { Button, Progress, Select } from 'antd';
import { useCallback, useEffect, useState } from 'react';
import type { RuleTest, RuleTrial } from '../../../../src/api/contract/rules.ts';
import { ask } from '../../api/client.ts';
import { useDo, useGet } from '../../api/hooks.ts';
import { Icon } from '../../parts/icon.tsx';
import { plain } from '../../parts/inert-text.ts';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { Failure, Notice } from '../../parts/states.tsx';
import { clock } from '../../parts/time-text.ts';
import { Time } from '../../parts/time.tsx';
import { useDeed } from '../../parts/toast.tsx';
import { useLang, useSay, useTexts } from '../../text/lang.ts';
import { words } from './words.ts';

const spans = ['1', '24', '168', '720'] as const;
export type Span = (typeof spans)[number];
/** Of so many events looked at one match: more is likely to hold ordinary work. */
const oftenShare = 0.02, oftenLeast = 20;
const askEveryMs = 400;
/** Beside what is told above. */
const plumbing = new Set(['id', 'time', 'kind', 'message', 'lines', 'extra']);

export interface Tried { job: string; text: string }
interface TrialProps { text: string; isReady: boolean; tried: Tried | undefined; isBusy: boolean; error: unknown; span: Span; onSpan: (span: Span) => void; onRun: () => void; onEnd: () => void }

/** The asking for it, which the editor's key does too. */
export function useTrial(): { tried: Tried | undefined; begin: (text: string, span: Span) => void; error: unknown; isBusy: boolean; end: () => void } {
  const [tried, setTried] = useState<Tried>();
  const [isRunning, setRunning] = useState(false);
  const start = useDo<{ text: string; hours: number }, { job: string }>((body) => ({ method: 'POST', path: '/rules/test', body }));
  const begin = (text: string, span: Span): void => {
    start.mutateAsync({ text, hours: Number(span) }).then(({ job }) => { setTried({ job, text }); setRunning(true); return undefined; }, () => undefined);
  };
  return { tried, begin, error: start.error, isBusy: start.isPending || isRunning, end: useCallback(() => { setRunning(false); }, []) };
}

export function Trial({ text, isReady, tried, isBusy, error, span, onSpan, onRun, onEnd }: TrialProps) {
  const t = useTexts(words);
  return (
    <Card title={t('test')}>
      <p className="mr-how">{t('testHow')}</p>
      <div className="m-row">
        <Select aria-label={t('hours')} className="mr-span" value={span} onChange={onSpan} options={spans.map((value) => ({ value, label: t(`hours_${value}`) }))} />
        <Button icon={<Icon name="play" size={16} />} disabled={!isReady || isBusy} onClick={onRun}>{t('run')}</Button>
      </div>
      {error !== null && error !== undefined && <Failure compact error={error} />}
      <div aria-live="polite">{tried && <Run key={tried.job} tried={tried} isOld={tried.text !== text} onEnd={onEnd} />}</div>
    </Card>
  );
}

function Run({ tried, isOld, onEnd }: { tried: Tried; isOld: boolean; onEnd: () => void }) {
  const t = useTexts(words);
  const say = useSay();
  const deed = useDeed();
  const [isOver, setOver] = useState(false);
  const path = `/rules/test/${encodeURIComponent(tried.job)}`;
  const asked = useGet<RuleTrial>(path, {}, isOver ? {} : { everyMs: askEveryMs });
  const { job, test } = asked.data ?? {};
  const state = job?.state ?? 'running';
  const hasFailed = asked.data === undefined && asked.error !== null;
  useEffect(() => { if (state !== 'running' || hasFailed) { setOver(true); onEnd(); } }, [state, hasFailed, onEnd]);
  // Who leaves does not want the answer any more.
  useEffect(() => () => { void ask('DELETE', path).catch(() => undefined); }, [path]);
  if (hasFailed) return <Failure compact error={asked.error} />;
  if (state === 'running') {
    return (
      <div className="mr-run" role="status">
        <div className="m-row"><b className="m-grow">{t('trying')}</b><Button size="small" onClick={() => { void deed(() => ask('DELETE', path), t('stopped')); }}>{t('stop')}</Button></div>
        <Progress percent={Math.round((job?.progress?.part ?? 0) * 100)} status="active" aria-label={t('trying')} />
        {job?.progress?.what && <p className="m-quiet"><Inert>{say(job.progress.what)}</Inert></p>}
      </div>
    );
  }
  if (state === 'cancelled') return <p className="m-quiet mr-run">{t('stopped')}</p>;
  if (job?.problem) return <Notice icon="warn" tone="bad" compact title={t('test')}><Inert>{say({ en: job.problem.detail, zh: job.problem.detail_zh })}</Inert></Notice>;
  return test ? <Answer test={test} isOld={isOld} /> : null;
}

function Answer({ test, isOld }: { test: RuleTest; isOld: boolean }) {
  const t = useTexts(words);
  const say = useSay();
  const lang = useLang();
  const isOften = test.matched >= oftenLeast && test.matched > test.looked * oftenShare;
  return (
    <div className="mr-run">
      {isOld && <p className="m-quiet">{t('olderTest')}</p>}
      {test.matched === 0
        ? <><p className="mr-big">{t('wouldNone')}</p><p className="m-quiet">{test.looked === 0 ? t('noEvents') : t('wouldNoneHow', { looked: test.looked })}</p></>
        : <p><span className="mr-big">{t('would', { count: test.matched })}</span> <span className="m-quiet">{t('wouldOf', { looked: test.looked })}</span></p>}
      <p className="m-faint">{t('span', { from: clock(test.from, lang), to: clock(test.to, lang) })}{test.cut && <> · <Inert>{say(test.cut)}</Inert></>}</p>
      {isOften && <Notice compact icon="warn" title={t('tooMany')} />}
      {test.per_rule.length > 1 && <><h3 className="mr-h3">{t('perRule')}</h3><ul className="mr-bullets">{test.per_rule.map((one) => <li key={one.rule}><Inert code>{one.rule}</Inert> {one.matched}</li>)}</ul></>}
      {test.samples.length > 0 && <><h3 className="mr-h3">{t('samples')}</h3><ul className="mr-samples">{test.samples.map(({ event }, at) => <li key={at}><Sample event={event} /></li>)}</ul></>}
    </div>
  );
}

function Sample({ event }: { event: Readonly<Record<string, unknown>> }) {
  const t = useTexts(words);
  const { time, message } = event;
  const fields = Object.entries(event).filter(([name]) => !plumbing.has(name));
  return (
    <details>
      <summary><span className="m-faint"><Time at={typeof time === 'number' ? time : typeof time === 'string' ? Date.parse(time) : undefined} style="clock" /></span> {typeof message === 'string' ? <Inert most={160}>{message}</Inert> : <Inert most={160}>{fields.slice(0, 4).map(([name, value]) => `${name}=${plain(value)}`).join(' ') || t('sampleEvent')}</Inert>}</summary>
      <dl className="mr-facts">{fields.map(([name, value]) => <div key={name}><dt><code>{name}</code></dt><dd><Inert code most={600}>{plain(value)}</Inert></dd></div>)}</dl>
    </details>
  );
}
