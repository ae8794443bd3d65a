/** Processes of a story of which nothing is known but that they ran: folded where a person reads, so that what was done stands out. */
import type { Story, StoryNode } from '../../core/incident.ts';

export interface Quiet {
  /** Of the first process of each quiet branch, what is told of all of it together: by the process that started it. */
  byParent: ReadonlyMap<string, readonly StoryNode[]>;
  /** All processes that are told of in that way. */
  ids: ReadonlySet<string>;
}

/** Fewer are told one by one. */
const least = 4;

/** A process is quiet when neither it nor anything below it wrote, read, spoke, planted or is told of by an alert, and has ended. Pure. */
export function quietOf({ nodes, edges }: Pick<Story, 'nodes' | 'edges'>): Quiet {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const loud = new Set<string>();
  const parents = new Map<string, string>();
  for (const { from, to, deed } of edges) {
    const source = byId.get(from), target = byId.get(to);
    if (deed === 'started' && source?.kind === 'process' && target?.kind === 'process') {
      const known = parents.get(to);
      if (known === undefined || from < known) parents.set(to, from);
    } else if (deed === 'tells' || deed === 'started' || deed === 'logged-on') loud.add(to);
    // That it runs a script says no more than its command does.
    else if (deed !== 'ran' || target?.facts['made'] === true || target?.facts['wrote'] === true) { loud.add(from); if (target?.kind === 'process') loud.add(to); }
  }
  for (const { id, kind, lives, facts } of nodes) if (kind === 'process' && (lives === true || facts['seed'] === true || facts['chain'] === true || facts['weak'] === true || facts['local_databases'] !== undefined)) loud.add(id);
  // Whoever started something loud is on the way to it.
  const first = new Set(loud);
  for (const id of first) for (let at = parents.get(id), n = 0; at !== undefined && !(loud.has(at) && n > 0) && n < 10_000; at = parents.get(at), n++) loud.add(at);
  const byParent = new Map<string, StoryNode[]>();
  for (const node of nodes) {
    if (node.kind !== 'process' || loud.has(node.id)) continue;
    let top = parents.get(node.id);
    for (let n = 0; top !== undefined && !loud.has(top) && n < 10_000; n++) top = parents.get(top);
    if (top === undefined) continue;
    const list = byParent.get(top);
    if (list) list.push(node);
    else byParent.set(top, [node]);
  }
  const ids = new Set<string>();
  for (const [parent, list] of byParent) {
    if (list.length < least) { byParent.delete(parent); continue; }
    list.sort((a, b) => a.first - b.first || (a.id < b.id ? -1 : 1));
    for (const { id } of list) ids.add(id);
  }
  return { byParent, ids };
}
