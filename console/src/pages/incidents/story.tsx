/** The story: how they came in, how far it reached, what nobody saw; as a drawing that grows in time and as a timeline in words. */
import { lazy, Suspense, useMemo, useState } from 'react';
import type { Incident, ToldStory } from '../../../../src/api/contract/incidents.ts';
import { useGet } from '../../api/hooks.ts';
import { Icon } from '../../parts/icon.tsx';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Loading, Shown } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useSay, useTexts } from '../../text/lang.ts';
import { NodeDrawer } from './node.tsx';
import { Techniques } from '../../parts/techniques.tsx';
import { Timeline } from './timeline.tsx';
import { words } from './words.ts';

const Drawing = lazy(() => import('./graph.tsx'));

export function StoryTab({ incident }: { incident: Incident }) {
  const asked = useGet<ToldStory>(`/incidents/${incident.id}/story`, {}, { live: ['incident'], keep: true });
  return <Shown of={asked} rows={10}>{(told) => <Told told={told} />}</Shown>;
}

function Told({ told }: { told: ToldStory }) {
  const t = useTexts(words);
  const { story, steps } = told;
  const [picked, setPicked] = useState<readonly string[]>([]);
  const byId = useMemo(() => new Map(story.nodes.map((node) => [node.id, node])), [story.nodes]);
  const isDrawable = story.nodes.some(({ kind }) => kind !== 'alert' && kind !== 'finding');
  return (
    <div className="m-stack">
      <Entry story={story} />
      {story.reached && <Reach reached={story.reached} />}
      <Card title={t('graph')} flush>
        {isDrawable
          ? <Suspense fallback={<Loading rows={8} />}><Drawing told={told} picked={picked} onPick={setPicked} /></Suspense>
          : <Empty icon="incidents" title={t('noGraph')}>{t('noGraphHow')}</Empty>}
        {story.left > 0 && <p className="m-pad m-faint">{t('tooMany', { count: story.left })}</p>}
      </Card>
      <Card title={t('timeline')}><Timeline steps={steps} nodes={byId} onPick={setPicked} /></Card>
      {story.gaps.length > 0 && (
        <Card title={t('gaps')}>
          <p className="m-quiet">{t('gapsHow')}</p>
          <ul className="mi-gaps">{story.gaps.map((gap, at) => <Gap key={at} gap={gap} />)}</ul>
        </Card>
      )}
      <NodeDrawer nodes={picked.flatMap((id) => byId.get(id) ?? [])} story={story} byId={byId} close={() => { setPicked([]); }} />
    </div>
  );
}

function Gap({ gap }: { gap: ToldStory['story']['gaps'][number] }) {
  const say = useSay();
  return <li><Icon name="warn" size={16} /><span><Time at={gap.from} style="clock" />{gap.to > gap.from && <> – <Time at={gap.to} style="clock" /></>}</span><Inert>{say(gap.what)}</Inert></li>;
}

function Entry({ story: { entry } }: { story: ToldStory['story'] }) {
  const t = useTexts(words);
  const say = useSay();
  return (
    <div className={`m-card mi-entry${entry ? '' : ' mi-entry-unknown'}`}>
      <span className="mi-entry-icon"><Icon name={entry ? 'out' : 'warn'} /></span>
      <div className="m-grow">
        <div className="m-quiet">{t('entry')}{entry && <> · <Time at={entry.time} style="clock" /></>}{entry?.guessed !== undefined && <> · {t('entryGuessed')}</>}</div>
        <div className="mi-entry-text">{entry ? <Inert>{say(entry.text)}</Inert> : t('entryUnknown')}</div>
        {entry && <div className="m-row m-quiet">
          {entry.address !== undefined && <span className="m-mono"><Inert>{entry.address}</Inert></span>}
          {(entry.country !== undefined || entry.network !== undefined) && <Inert>{[entry.country, entry.network].filter((one) => one !== undefined).join(' · ')}</Inert>}
          {entry.request !== undefined && <span>{t('request')}: <Inert code>{entry.request}</Inert></span>}
          <Techniques attack={entry.attack} />
        </div>}
      </div>
    </div>
  );
}

function Reach({ reached }: { reached: NonNullable<ToldStory['story']['reached']> }) {
  const t = useTexts(words);
  const counts = [
    ['processes', reached.processes], ['living', reached.living], ['files', reached.files], ['planted', reached.planted.length], ['secrets', reached.secrets.length], ['accounts', reached.accounts.length],
    ['containers', reached.containers.length], ['databases', reached.databases.length], ['neighbours', reached.neighbours.length], ['outside', reached.outside.length],
  ] as const;
  if (counts.every(([, count]) => count === 0)) return null;
  const grave = new Set(['living', 'planted', 'secrets', 'neighbours']);
  return (
    <section aria-label={t('reach')}>
      <ul className="mi-reach">{counts.filter(([, count]) => count > 0).map(([name, count]) => <li key={name} className={grave.has(name) ? 'mi-reach-grave' : ''}><b className="m-number">{count}</b> {t(name)}</li>)}</ul>
    </section>
  );
}
