/** A story becomes the ordered list of actions that end it, each with its evidence, and the list of what is left alone and why. */
import type { Action, ActionErrorCode, Plan, PlanStep } from '../../core/action.ts';
import { MoatError, saidBy } from '../../core/error.ts';
import type { Evidence } from '../../core/finding.ts';
import type { CleanupPlan, LeftAlone, PlannedStep, Story, StoryDeed, StoryEdge, StoryNode } from '../../core/incident.ts';
import { maskSecrets } from '../../core/secrets.ts';
import type { Text } from '../../core/text.ts';
import { type Candidate, phases, table } from './plan-table.ts';

export interface PlanWorld {
  /** Ids of the actions that there are. */
  actions: ReadonlySet<string>;
  /** What an action would do. Throws MoatError 'refused', 'not-there' or what else stands in the way. */
  plan(action: string, input: unknown): Promise<{ action: Pick<Action, 'automatic'>; plan: Plan }>;
  now: () => number;
  /** Unix ms at which planning ends with what it has. */
  until: number;
}

interface Wish { node: StoryNode; candidate: Candidate }

const stepsMax = 300;
const aloneMax = 500;
const evidenceMax = 6;
const subStepsMax = 12;
const labelMax = 300;

/** `incident`: what it was asked for. Never throws for what a single action says. */
export async function makePlan(story: Story, { id, incident, title }: { id: string; incident: string; title: Text }, world: PlanWorld): Promise<CleanupPlan> {
  const edges = edgesOf(story);
  const alone: LeftAlone[] = [];
  let left = 0;
  const leave = (node: StoryNode, why: Text): void => {
    if (alone.length < aloneMax) alone.push({ node: node.id, title: sameText(node.label), why });
    else left++;
  };
  const wishes: Wish[] = [];
  for (const node of subjects(story)) {
    const why = table[node.kind].unless?.(node);
    if (why) { leave(node, why); continue; }
    let nothing = true;
    for (const choice of table[node.kind].choices) {
      const fitting = choice.filter(({ fits }) => fits(node));
      const candidate = fitting.find(({ action }) => world.actions.has(action));
      if (candidate) { nothing = false; wishes.push({ node, candidate }); } else if (fitting.length > 0 && node.facts['package'] === undefined) {
        nothing = false;
        leave(node, { zh: `这个版本没有相应的处置（${fitting[0]!.action}）；手动执行：${fitting[0]!.command(node).join(' ')}`, en: `this version has no action for it (${fitting[0]!.action}); by hand: ${fitting[0]!.command(node).join(' ')}` });
      }
    }
    const { package: owner } = node.facts;
    if (nothing && owner !== undefined) leave(node, { zh: `它属于软件包 ${String(owner)}，被写过：若内容有变，请重新安装该软件包`, en: `it belongs to the package ${String(owner)} and was written to: if its content changed, install that package anew` });
    else if (nothing && (node.kind === 'file' || node.kind === 'persistence')) leave(node, { zh: '没有适用的处置', en: 'no action fits it' });
  }
  const steps: PlannedStep[] = [];
  for (const { node, candidate } of inOrder(wishes)) {
    if (steps.length >= stepsMax || world.now() >= world.until) { left++; continue; }
    const { action, phase, notBeside } = candidate;
    if (notBeside !== undefined && steps.some((step) => step.node === node.id && step.action === notBeside)) continue;
    const input = candidate.input(node);
    try {
      const planned = await world.plan(action, input);
      const { target, title: what, risk, reversible, steps: parts } = planned.plan;
      if (steps.some((step) => step.action === action && step.target === target && action !== 'remove-line')) continue;
      steps.push({
        id: String(steps.length + 1), action, input, target, title: what, command: candidate.command(node), evidence: evidenceOf(node, edges), risk, reversible, steps: cutSteps(parts), node: node.id,
        approval: risk === 'high' || !reversible || planned.action.automatic === 'never' || phase === 'account' || node.facts['written'] === true,
      });
    } catch (error) {
      const { code } = error as MoatError<ActionErrorCode>;
      // It ended or was removed since: nothing is left to do.
      if (code !== 'not-there') leave(node, saidBy(error));
    }
  }
  const { entry } = story;
  return { id, incident, title, made: world.now(), ...(entry && { entry }), steps, left_alone: alone, left };
}

/** What there is to end: of a process tree its topmost living member, of a file with lines of its own the lines. */
function* subjects({ nodes, edges }: Story): Iterable<StoryNode> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const lined = new Set(nodes.flatMap(({ kind, facts }) => (kind === 'persistence' && facts['line'] !== undefined ? [`persistence:${String(facts['path'])}`] : [])));
  const below = new Set<string>();
  for (const { from, to, deed } of edges) if (deed === 'started' && isKilled(byId.get(from)) && byId.get(to)?.kind === 'process') below.add(to);
  for (const node of nodes) {
    if (node.kind === 'process' && below.has(node.id)) continue;
    const one = lined.has(node.id) && (node.facts['made'] !== true || isKept(node)) ? { ...node, facts: { ...node.facts, lined: true } } : node;
    // The whole file goes: its lines go with it.
    if (node.kind === 'persistence' && node.facts['line'] !== undefined && byId.get(`persistence:${String(node.facts['path'])}`)?.facts['made'] === true && !isKept(byId.get(`persistence:${String(node.facts['path'])}`)!)) continue;
    if (table[node.kind].nothing?.(one) !== true) yield one;
  }
}

const isKept = (node: StoryNode): boolean => table.persistence.unless?.(node) !== undefined;
const isKilled = (node: StoryNode | undefined): boolean => node?.kind === 'process' && node.lives === true && node.facts['chain'] !== true && node.facts['weak'] !== true;

/** By phase; lines of one file from its end, so that the numbers of those above stay true. */
function inOrder(wishes: readonly Wish[]): Wish[] {
  const line = ({ node }: Wish): number => Number(node.facts['line'] ?? 0);
  return wishes.toSorted((a, b) => phases.indexOf(a.candidate.phase) - phases.indexOf(b.candidate.phase) || (a.node.facts['path'] === b.node.facts['path'] ? line(b) - line(a) : 0));
}

interface Ends { edge: StoryEdge; from: string; to: string }

function edgesOf({ nodes, edges }: Story): Map<string, Ends[]> {
  const labels = new Map(nodes.map(({ id, label }) => [id, label]));
  const found = new Map<string, Ends[]>();
  for (const edge of edges) {
    const ends = { edge, from: labels.get(edge.from) ?? edge.from, to: labels.get(edge.to) ?? edge.to };
    for (const id of [edge.from, edge.to]) {
      const list = found.get(id);
      if (list === undefined) found.set(id, [ends]);
      else if (list.length < evidenceMax * 4) list.push(ends);
    }
  }
  return found;
}

/** What an alarm says of it first, then who planted, wrote and ran it. */
const weights: Record<StoryDeed, number> = { 'tells': 0, 'planted': 1, 'wrote': 2, 'ran': 3, 'logged-on': 4, 'spoke': 5, 'started': 6, 'became': 7, 'read': 8, 'removed': 9, 'asked': 10 };
const words: Record<StoryDeed, Text> = {
  'tells': { zh: '告警', en: 'an alarm tells of it' }, 'planted': { zh: '植入', en: 'planted' }, 'wrote': { zh: '写入', en: 'wrote' }, 'ran': { zh: '运行', en: 'ran' }, 'logged-on': { zh: '登录', en: 'logged on' },
  'spoke': { zh: '连接', en: 'spoke to' }, 'started': { zh: '启动', en: 'started' }, 'became': { zh: '变为', en: 'became' }, 'read': { zh: '读取', en: 'read' }, 'removed': { zh: '删除', en: 'removed' }, 'asked': { zh: '查询', en: 'asked for' },
};

function evidenceOf(node: StoryNode, edges: ReadonlyMap<string, readonly Ends[]>): Evidence[] {
  const ends = (edges.get(node.id) ?? []).toSorted((a, b) => weights[a.edge.deed] - weights[b.edge.deed] || a.edge.first - b.edge.first).slice(0, evidenceMax);
  const evidence = ends.map(({ edge: { deed, first, count }, from, to }): Evidence => ({ what: words[deed], value: `${new Date(first).toISOString()} ${short(from)} → ${short(to)}${count > 1 ? ` ×${count}` : ''}` }));
  const { line, path, text } = node.facts;
  return typeof line === 'number' && typeof path === 'string' ? [{ what: { zh: `${path} 第 ${line} 行`, en: `${path} line ${line}` }, value: maskSecrets(short(String(text))), path, line }, ...evidence] : evidence;
}

const short = (text: string): string => (text.length > labelMax ? `${text.slice(0, labelMax)}…` : text);
const sameText = (text: string): Text => ({ zh: short(text), en: short(text) });

function cutSteps(steps: readonly PlanStep[]): PlanStep[] {
  const shown = steps.slice(0, subStepsMax);
  const more = steps.length - shown.length;
  return more > 0 ? [...shown, { text: { zh: `以及另外 ${more} 项`, en: `and ${more} more` } }] : shown;
}
