/** A story as a report keeps it: bounded, whatever its size, and the same each time for the same story. */
import { isPublic } from '../../core/address.ts';
import type { Story, StoryEdge, StoryNode } from '../../core/incident.ts';
import { atLeast, type Level } from '../../core/level.ts';
import type { Happening, Indicator, ScopeItem, ScopeKind, Some, StoryDigest } from '../../core/review.ts';
import type { Text } from '../../core/text.ts';
import { pathOf, programOf } from './digest-path.ts';

const happeningsMost = 300;
/** Beyond that they are never few enough to be told one by one, and it is not tried. */
const edgesApart = 3000;
const labelsMost = 4;
const scopeMost = 50;
const indicatorsMost = 500;
const gapsMost = 20;
const labelMost = 300;

/** `now`: when it was told. `digests`: SHA-256 by path, where somebody took it. */
export function digestOf(story: Story, now: number, { titles = new Map<string, { title: Text; level: Level }>(), digests = new Map<string, string>() }: { titles?: ReadonlyMap<string, { title: Text; level: Level }>; digests?: ReadonlyMap<string, string> } = {}): StoryDigest {
  const { entry, nodes, edges, gaps, began, ended, left } = story;
  const byId = new Map(nodes.map((node) => [node.id, node]));
  return {
    told: now, entry, began, ended, nodes: nodes.length, edges: edges.length, left, gaps: some(gaps, gapsMost),
    path: pathOf(story), happened: happeningsOf(story, byId, titles), scope: scopeOf(nodes, edges), indicators: indicatorsOf(nodes, edges, digests),
  };
}

const some = <T>(all: readonly T[], most: number): Some<T> => ({ items: all.slice(0, most), total: all.length });
const short = (label: string): string => (label.length > labelMost ? `${label.slice(0, labelMost)}…` : label);

const weights: Record<Happening['what'], number> = { entry: 1000, alert: 60, finding: 40, planted: 50, 'logged-on': 45, read: 30, removed: 20, spoke: 18, ran: 10, wrote: 12, started: 5, became: 4, asked: 6, tells: 0 };

/** What one did to many is one row; of rows beyond the bound those that tell least are left out. */
function happeningsOf(story: Story, byId: ReadonlyMap<string, StoryNode>, titles: ReadonlyMap<string, { title: Text; level: Level }>): Some<Happening> {
  const single = story.edges.length <= edgesApart ? rowsOf(story, byId, titles, ({ id }) => id) : undefined;
  // Too many to read: what processes of one program did is one row.
  const all = single !== undefined && single.length <= happeningsMost ? single : rowsOf(story, byId, titles, (node) => (node.kind === 'process' ? programOf(node) : node.kind));
  const kept = all.length <= happeningsMost ? all : all.map((row, i) => ({ row, i })).sort((a, b) => b.row.weight - a.row.weight || a.i - b.i).slice(0, happeningsMost).map(({ row }) => row);
  return { items: kept.sort((a, b) => a.time - b.time).map(told), total: all.length };
}

/** Without what only decides whether it is told. */
function told({ time, last, what, who, actors, level, text, kind, labels, count, attack }: Row): Happening {
  return { time, last, what, ...(who !== undefined && { who }), ...(actors !== undefined && { actors }), ...(level !== undefined && { level }), ...(text && { text }), ...(kind && { kind }), labels, count, attack };
}

type Row = Happening & { weight: number; labels: string[] };

function rowsOf({ entry, nodes, edges }: Story, byId: ReadonlyMap<string, StoryNode>, titles: ReadonlyMap<string, { title: Text; level: Level }>, alike: (actor: StoryNode) => string): Row[] {
  const rows = new Map<string, Row>();
  const actors = new Map<string, Set<string>>();
  if (entry) rows.set('entry', { time: entry.time, last: entry.time, what: 'entry', text: entry.text, labels: [], count: 1, attack: [], weight: weights.entry });
  for (const { id, kind, first, last, label, facts, attack = [] } of nodes) {
    if (kind !== 'alert' && kind !== 'finding') continue;
    const level = facts['level'] as Level | undefined;
    const text = titles.get(id)?.title ?? { zh: label, en: label };
    const key = `${kind} ${text.en}`;
    const known = rows.get(key);
    if (known) { known.count++; known.time = Math.min(known.time, first); known.last = Math.max(known.last, last); continue; }
    rows.set(key, { time: first, last, what: kind, ...(level !== undefined && { level }), text, labels: [], count: 1, attack: attack.slice(0, 5), weight: weights[kind] + (level !== undefined && atLeast(level, 'high') ? 40 : 0) });
  }
  for (const { from, to, deed, first, last } of edges) {
    const actor = byId.get(from), target = byId.get(to);
    if (deed === 'tells' || actor === undefined || target === undefined || (actor.facts['chain'] === true && target.facts['chain'] === true && deed !== 'logged-on')) continue;
    const key = `${alike(actor)}\0${deed}\0${target.kind}`;
    const known = rows.get(key);
    const who = actors.get(key) ?? new Set<string>();
    if (!known) actors.set(key, who);
    who.add(from);
    if (known) {
      known.count++;
      known.time = Math.min(known.time, first);
      known.last = Math.max(known.last, last);
      if (known.labels.length < labelsMost) known.labels.push(short(target.label));
      continue;
    }
    rows.set(key, { time: first, last, what: deed, who: short(actor.label), kind: target.kind, labels: [short(target.label)], count: 1, attack: [...new Set([...(target.attack ?? []), ...(target.kind === 'process' ? [] : actor.attack ?? [])])].slice(0, 5), weight: weights[deed] + (target.facts['seed'] === true || target.facts['alarmed'] === true ? 15 : 0) });
  }
  for (const [key, who] of actors) { const row = rows.get(key); if (row && who.size > 1) row.actors = who.size; }
  return [...rows.values()];
}

const scopeKinds: readonly ScopeKind[] = ['account', 'process', 'file', 'persistence', 'unit', 'module', 'container', 'package', 'secret', 'address', 'name', 'neighbour'];

function scopeOf(nodes: readonly StoryNode[], edges: readonly StoryEdge[]): Record<ScopeKind, Some<ScopeItem>> {
  const read = new Set(edges.flatMap(({ to, deed }) => (deed === 'read' ? [to] : [])));
  const all = Object.fromEntries(scopeKinds.map((kind) => [kind, [] as ScopeItem[]])) as Record<ScopeKind, ScopeItem[]>;
  for (const { id, kind, label, first, last, lives, facts } of nodes) {
    if (kind === 'alert' || kind === 'finding' || facts['chain'] === true || facts['trace'] === true) continue;
    const where: ScopeKind = kind === 'address' && !isPublic(String(facts['ip'] ?? label)) ? 'neighbour' : kind;
    const note = noteOf(facts, read.has(id));
    all[where].push({ label: short(label), first, last, ...(lives !== undefined && { lives }), ...(note !== undefined && { note }) });
  }
  return Object.fromEntries(scopeKinds.map((kind) => [kind, some(all[kind], scopeMost)])) as Record<ScopeKind, Some<ScopeItem>>;
}

function noteOf(facts: StoryNode['facts'], isRead: boolean): ScopeItem['note'] {
  if (facts['removed'] === true) return 'removed';
  if (facts['made'] === true || facts['planted'] === true) return 'made';
  if (facts['wrote'] === true || facts['changed'] === true) return 'changed';
  if (facts['called'] === true) return 'called';
  if (facts['came'] === true || facts['entered'] === true) return 'came';
  return isRead ? 'read' : undefined;
}

const sha256 = /^[0-9a-f]{64}$/;

function indicatorsOf(nodes: readonly StoryNode[], edges: readonly StoryEdge[], digests: ReadonlyMap<string, string>): Some<Indicator> {
  const alarmed = new Set(edges.flatMap(({ to, deed }) => (deed === 'tells' ? [to] : [])));
  // The host name of an address that was alarmed is as bad as the address.
  const alarmedHosts = new Set(nodes.flatMap(({ id, facts }) => (alarmed.has(id) && typeof facts['host'] === 'string' ? [facts['host'].toLowerCase()] : [])));
  const out = new Map<string, Indicator>();
  for (const { id, kind, first, last, facts, attack = [] } of nodes) {
    const common = { first, last, attack: attack.slice(0, 10) };
    if (kind === 'address') {
      const ip = String(facts['ip'] ?? '');
      if (ip === '' || !isPublic(ip)) continue;
      const doubt = facts['weak'] === true ? { zh: '与经过的关联较弱', en: 'its tie to the story is weak' }
        : facts['other_users'] !== undefined ? { zh: `${String(facts['other_users'])} 也从这里登录`, en: `${String(facts['other_users'])} log on from there as well` }
          : facts['other_callers'] !== undefined && !alarmed.has(id) ? { zh: '其他程序也访问它', en: 'other programs speak to it as well' }
            : !alarmed.has(id) && facts['called'] === true && facts['came'] !== true && (facts['port'] === 80 || facts['port'] === 443 || facts['port'] === 53) ? { zh: '没有告警指向它，可能是公共站点', en: 'no alert tells of it: it may be a site that everybody uses' } : undefined;
      out.set(id, { kind: 'address', value: ip, role: facts['called'] === true ? 'called' : 'came', ...common, ...(doubt && { doubt }) });
    } else if (kind === 'name') {
      const name = String(facts['name'] ?? '').toLowerCase();
      if (name === '') continue;
      out.set(id, { kind: 'domain', value: name, role: 'called', ...common, ...(!alarmed.has(id) && !alarmedHosts.has(name) && { doubt: { zh: '没有告警指向它，可能是公共站点', en: 'no alert tells of it: it may be a site that everybody uses' } }) });
    } else if (kind === 'file' || kind === 'persistence') {
      const path = String(facts['path'] ?? '');
      const value = String(facts['sha256'] ?? digests.get(path) ?? '').toLowerCase();
      // One line of a shared table says nothing of the whole file's digest.
      if (!sha256.test(value) || facts['line'] !== undefined || (facts['package'] !== undefined && facts['made'] !== true)) continue;
      out.set(`sha256:${value}`, { kind: 'sha256', value, role: 'dropped', path, ...common, ...(facts['weak'] === true && { doubt: { zh: '与经过的关联较弱', en: 'its tie to the story is weak' } }) });
    }
  }
  for (const host of alarmedHosts) {
    const id = `name:${host}`;
    if (!out.has(id) && /[a-z]/.test(host)) { const node = nodes.find(({ facts }) => String(facts['host'] ?? '').toLowerCase() === host)!; out.set(id, { kind: 'domain', value: host, role: 'called', first: node.first, last: node.last, attack: (node.attack ?? []).slice(0, 10) }); }
  }
  // What is sure comes first, so that the bound cuts the doubtful.
  const all = [...out.values()].sort((a, b) => Number(a.doubt !== undefined) - Number(b.doubt !== undefined) || a.first - b.first || (a.value < b.value ? -1 : 1));
  return some(all, indicatorsMost);
}
