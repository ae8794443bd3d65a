/** An alert becomes a story: back to how somebody came in, forward to all that they started, wrote, read and spoke to. */
import type { Seeds, Story, StoryEntry, StoryGap } from '../../core/incident.ts';
import { entryOf } from './story-entry.ts';
import { addLines } from './story-lines.ts';
import { addAlert, addFinding } from './story-seeds.ts';
import type { Bounds } from './story-sketch.ts';
import { Teller } from './story-teller.ts';
import type { StoryWorld } from './story-world.ts';

/** Pure but for what `world` answers. Bounded: what found no room is counted in `left`. */
export function tellStory(seeds: Seeds, world: StoryWorld, bounds?: Bounds): Story {
  const teller = new Teller(world, bounds);
  for (const alert of seeds.alerts) addAlert(teller, alert);
  for (const finding of seeds.findings) addFinding(teller, finding);
  teller.settle();
  addLines(teller);
  const entry = entryOf(teller);
  if (entry) addEntrance(teller, entry);
  tellOthers(teller, entry?.address);
  const { nodes, edges } = teller.sketch.finish();
  const began = Math.min(...nodes.filter(({ facts }) => facts['chain'] !== true).slice(0, 1).map(({ first }) => first), entry?.time ?? Infinity);
  let ended = 0;
  for (const { last, lives } of nodes) if (lives !== true && last > ended) ended = last;
  for (const { last } of edges) if (last > ended) ended = last;
  return { entry, nodes, edges, gaps: gapsOf(teller, Number.isFinite(began) ? began : world.now), echoes: [], began: Number.isFinite(began) ? began : world.now, ended: ended || world.now, left: teller.sketch.left };
}

/** Who spoke to a server that only carried the story is not told with it: of whom it began with it is. */
function addEntrance({ sketch }: Teller, { address, node, time }: StoryEntry): void {
  if (address === undefined || sketch.facts(node)?.['weak'] === true) return;
  sketch.node('address', `address:${address}`, address, time, time, { ip: address, came: true });
  sketch.edge(`address:${address}`, node, 'spoke', time);
}

/** Who else has to do with its addresses: what others use as well is not cut off lightly. */
/** `entered`: the address that the story began with. */
function tellOthers({ sketch, index, members, chained, visits, addresses }: Teller, entered: string | undefined): void {
  for (const { kind, user } of visits) if (kind === 'login' && user !== undefined && sketch.has(`account:${user}`)) sketch.node('account', `account:${user}`, '', Infinity, 0, { entered: true });
  for (const { kind, id, facts } of sketch.drafts()) {
    if (kind !== 'address') continue;
    const ip = String(facts['ip']);
    // Only people came from it whose tie to the story is weak.
    if (facts['called'] !== true && facts['alarmed'] !== true && ip !== entered && !addresses.has(ip)) sketch.node('address', id, '', Infinity, 0, { weak: true });
    const others = (index.callers.get(ip) ?? []).filter((node) => !members.has(node) && !chained.has(node));
    const users = new Set([...index.visits.get(ip) ?? []].flatMap((origin) => (origin.kind === 'login' && !visits.has(origin) && origin.user !== undefined && !onTheWay(index.trees.get(origin) ?? [], members) ? [origin.user] : [])));
    if (others.length > 0) sketch.node('address', id, '', Infinity, 0, { other_callers: others.length, other_program: others[0]!.path ?? others[0]!.name ?? '' });
    if (users.size > 0) sketch.node('address', id, '', Infinity, 0, { other_users: [...users].slice(0, 5).join(', ') });
  }
}

const onTheWay = (tree: readonly unknown[], members: ReadonlyMap<unknown, string>): boolean => tree.some((node) => members.has(node));

function gapsOf({ world, members }: Teller, began: number): StoryGap[] {
  const gaps: StoryGap[] = [];
  let forgotten = 0, earliest = Infinity, unseen = 0;
  for (const [node] of members) {
    if (node.forgotten > 0) forgotten++;
    if (node.started > 0 && node.started < earliest) earliest = node.started;
    if (node.origin.kind === 'unknown') unseen++;
  }
  const { since, now } = world;
  if (since !== undefined && earliest < since) gaps.push({ kind: 'down', from: Math.min(began, earliest), to: since, what: { zh: '这段时间 Moat 没有运行：只有当时仍在的进程可见', en: 'Moat did not run then: only what still ran afterwards is known' } });
  if (forgotten > 0) gaps.push({ kind: 'forgotten', from: began, to: now, what: { zh: `${forgotten} 个进程做过的事太多，中间一部分已不记得`, en: `${forgotten} processes did more than is remembered; the middle part is gone` } });
  if (unseen > 0 && unseen === members.size) gaps.push({ kind: 'forgotten', from: began, to: began, what: { zh: '没有看到这些进程是如何开始的', en: 'nobody saw how these processes began' } });
  return gaps;
}
