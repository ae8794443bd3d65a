/** What this machine is to the business: as configured, else guessed by what listens on it. */
import { equals } from '../engine/exceptions.ts';
import type { HostWorth, Importance } from '../engine/incident/grade.ts';
import type { OriginGraph } from '../engine/origin/graph.ts';
import { roleOf } from '../engine/origin/roles.ts';
import type { Config } from './config-schema.ts';

const againMs = 60_000;
const panels = /\/(?:BT-Panel|BT-Task|1panel(?:-core|-agent)?|amh(?:-[a-z]+)?|aapanel|cyberpanel|webmin|cockpit-ws|x-ui|3x-ui)$/i;
const order: readonly Importance[] = ['low', 'part', 'core'];

interface Serving { name: string; what: 'database' | 'web' | 'panel' | 'other' }

export class HostWorthOf {
  private readonly graph: OriginGraph;
  private readonly config: () => Config['incidents'];
  private readonly now: () => number;
  private known: { worth: HostWorth; at: number } | undefined;

  constructor(graph: OriginGraph, config: () => Config['incidents'], now: () => number) {
    this.graph = graph;
    this.config = config;
    this.now = now;
  }

  forget(): void { this.known = undefined; }

  get(): HostWorth {
    const now = this.now();
    if (this.known === undefined || now - this.known.at > againMs || now < this.known.at) this.known = { worth: this.look(), at: now };
    return this.known.worth;
  }

  private look(): HostWorth {
    const { importance, services } = this.config();
    if (importance !== 'auto') return { importance, why: { zh: `本机按配置为「${words[importance].zh}」`, en: `this machine is ${words[importance].en}, as configured` } };
    const serving = servingOf(this.graph);
    let best: { importance: Importance; name: string; set: boolean } = { importance: 'low', name: '', set: false };
    for (const { name, what } of serving) {
      const set = services.find((one) => equals(name, one.name))?.importance;
      const is = set ?? (what === 'database' ? 'core' : what === 'other' ? 'low' : 'part');
      if (best.name === '' || order.indexOf(is) > order.indexOf(best.importance)) best = { importance: is, name, set: set !== undefined };
    }
    if (best.name === '') return { importance: 'low', why: { zh: '本机没有见到业务服务在监听', en: 'no business service was seen to listen here' } };
    return best.set
      ? { importance: best.importance, why: { zh: `${best.name} 按配置为「${words[best.importance].zh}」`, en: `${best.name} is ${words[best.importance].en}, as configured` } }
      : { importance: best.importance, why: { zh: `本机有 ${best.name} 在监听，按「${words[best.importance].zh}」算（incidents.importance 可改）`, en: `${best.name} listens here, which is taken for ${words[best.importance].en} (incidents.importance says otherwise)` } };
  }
}

const words: Record<Importance, { zh: string; en: string }> = { core: { zh: '核心业务', en: 'core business' }, part: { zh: '部分业务', en: 'part of the business' }, low: { zh: '无业务', en: 'no business' } };

/** Services that listen, worst to lose first. */
function servingOf(graph: OriginGraph): Serving[] {
  const found = new Map<string, Serving>();
  for (const node of graph.memory.all()) {
    if (!node.listens || node.ended !== undefined) continue;
    const { role, label } = roleOf(node.path, node.name, node.cmdline);
    const what = node.path !== undefined && panels.test(node.path) ? 'panel' : role === 'database' ? 'database' : role === 'web' || node.tree.origin.kind === 'web' ? 'web' : 'other';
    if (!found.has(label)) found.set(label, { name: label, what });
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
