/** The story in words, oldest first: many deeds of one kind are one line, alerts stand out. */
import { Segmented } from 'antd';
import { useState } from 'react';
import { Link } from 'react-router';
import type { ToldStory } from '../../../../src/api/contract/incidents.ts';
import { Inert } from '../../parts/inert.tsx';
import { LevelTag } from '../../parts/level.tsx';
import { Time } from '../../parts/time.tsx';
import { useSay, useTexts } from '../../text/lang.ts';
import type { StoryNode } from './shape.ts';
import { Techniques } from '../../parts/techniques.tsx';
import { words } from './words.ts';

type Step = ToldStory['steps'][number];
const shownFirst = 60;

export function Timeline({ steps, nodes, onPick }: { steps: readonly Step[]; nodes: ReadonlyMap<string, StoryNode>; onPick: (ids: readonly string[]) => void }) {
  const t = useTexts(words);
  const [what, setWhat] = useState<'all' | 'alerts'>('all');
  const [shown, setShown] = useState(shownFirst);
  if (steps.length === 0) return <p className="m-faint">{t('noSteps')}</p>;
  const wanted = what === 'all' ? steps : steps.filter(({ deed }) => deed === 'alert' || deed === 'finding');
  return (
    <>
      <Segmented<'all' | 'alerts'> size="small" value={what} options={[{ value: 'all', label: t('everything') }, { value: 'alerts', label: t('onlyAlerts') }]} onChange={(value) => { setWhat(value); setShown(shownFirst); }} />
      <ol className="mi-timeline">{wanted.slice(0, shown).map((step, at) => <Line key={at} step={step} nodes={nodes} onPick={onPick} />)}</ol>
      {wanted.length > shown && <button type="button" className="m-link" onClick={() => { setShown(shown + 200); }}>{t('moreSteps', { count: Math.min(200, wanted.length - shown) })}</button>}
    </>
  );
}

function Line({ step, nodes, onPick }: { step: Step; nodes: ReadonlyMap<string, StoryNode>; onPick: (ids: readonly string[]) => void }) {
  const t = useTexts(words);
  const say = useSay();
  const isAlert = step.deed === 'alert' || step.deed === 'finding';
  const subjects = [...(step.from === undefined ? [] : [step.from]), ...step.to].filter((id) => nodes.has(id));
  const alert = step.deed === 'alert' ? [step.from, ...step.to].find((id) => id?.startsWith('alert:')) : undefined;
  return (
    <li className={`mi-step${isAlert ? ` mi-step-alert mi-step-${step.level ?? 'info'}` : ''}`}>
      <span className="mi-step-time"><Time at={step.time} style="clock" /></span>
      <span className="mi-step-dot" aria-hidden="true" />
      <div className="m-grow">
        <div className="m-row">
          {step.level !== undefined && <LevelTag level={step.level} />}
          {subjects.length > 0 ? <button type="button" className="mi-step-text" onClick={() => { onPick(subjects); }}><Inert most={600}>{say(step.text)}</Inert></button> : <span className="mi-step-words"><Inert most={600}>{say(step.text)}</Inert></span>}
        </div>
        <div className="m-row m-faint">
          {step.count > 1 && <span>{t('times', { count: step.count })}</span>}
          <Techniques attack={step.attack} matrix={step.matrix} />
          {step.source !== undefined && <span>{step.source}</span>}
          {alert !== undefined && <Link to={`/alerts/${alert.slice('alert:'.length)}`}>{t('toAlert')}</Link>}
        </div>
      </div>
    </li>
  );
}
