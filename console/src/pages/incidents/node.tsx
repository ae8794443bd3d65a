/** What is known of one thing of the story, or of the many that one box stands for. */
import { Drawer } from 'antd';
import type { ToldStory } from '../../../../src/api/contract/incidents.ts';
import { Copy } from '../../parts/copy.tsx';
import { Inert } from '../../parts/inert.tsx';
import { inertString } from '../../parts/inert-text.ts';
import { Time } from '../../parts/time.tsx';
import { useTexts } from '../../text/lang.ts';
import type { StoryNode } from './shape.ts';
import { Techniques } from '../../parts/techniques.tsx';
import { words } from './words.ts';

const shownMost = 200, edgesMost = 60;
/** How the engine marks them for itself. */
const inner = new Set(['chain', 'weak']);
const times = new Set(['started', 'ended', 'mtime', 'ctime', 'first', 'last']);

interface NodeDrawerProps { nodes: readonly StoryNode[]; story: ToldStory['story']; byId: ReadonlyMap<string, StoryNode>; close: () => void }

export function NodeDrawer({ nodes, story, byId, close }: NodeDrawerProps) {
  const t = useTexts(words);
  const [one] = nodes;
  const title = one === undefined ? '' : nodes.length === 1 ? t(`kind_${one.kind}`) : t('facts');
  return (
    <Drawer open={one !== undefined} onClose={close} title={title} size={460}>
      {nodes.slice(0, shownMost).map((node) => <Node key={node.id} node={node} story={story} byId={byId} isAlone={nodes.length === 1} />)}
      {nodes.length > shownMost && <p className="m-faint">{t('more', { count: nodes.length - shownMost })}</p>}
    </Drawer>
  );
}

function Node({ node, story, byId, isAlone }: { node: StoryNode; story: ToldStory['story']; byId: ReadonlyMap<string, StoryNode>; isAlone: boolean }) {
  const t = useTexts(words);
  const facts = Object.entries(node.facts).filter(([name]) => !inner.has(name));
  const edges = isAlone ? story.edges.filter(({ from, to }) => from === node.id || to === node.id) : [];
  return (
    <section className="mi-node">
      <div className="m-row"><span className="m-grow mi-node-name"><Inert code>{node.label}</Inert></span><Copy text={node.label} /></div>
      <div className="m-row m-quiet">{!isAlone && <span>{t(`kind_${node.kind}`)}</span>}<span><Time at={node.first} style="clock" />{node.last > node.first && <> – <Time at={node.last} style="clock" /></>}</span>{node.lives === true && <span className="mi-lives">{t('runs')}</span>}<Techniques attack={node.attack} matrix={node.matrix} /></div>
      {isAlone && facts.length > 0 && <dl className="mi-facts">{facts.map(([name, value]) => <div key={name}><dt>{inertString(name)}</dt><dd>{times.has(name) && typeof value === 'number' ? <Time at={value} style="clock" /> : <Inert code>{String(value)}</Inert>}</dd></div>)}</dl>}
      {edges.length > 0 && <>
        <h3 className="mi-sub">{t('thisNode')}</h3>
        <ul className="mi-edges">{edges.slice(0, edgesMost).map((edge, at) => {
          const other = byId.get(edge.from === node.id ? edge.to : edge.from);
          return <li key={at}><span className="m-faint"><Time at={edge.first} style="clock" /></span> {edge.from === node.id ? `${t(`deed_${edge.deed}`)} →` : `← ${t(`deed_${edge.deed}`)}`} {other && <Inert code most={200}>{other.label}</Inert>}{edge.count > 1 && <span className="m-faint"> × {edge.count}</span>}</li>;
        })}</ul>
        {edges.length > edgesMost && <p className="m-faint">{t('more', { count: edges.length - edgesMost })}</p>}
      </>}
    </section>
  );
}
