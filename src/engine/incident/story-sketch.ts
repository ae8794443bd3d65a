/** A story in the making: its nodes and edges, each once, bounded. */
import type { Alert } from '../../core/alert.ts';
import type { StoryDeed, StoryEdge, StoryNode, StoryNodeKind } from '../../core/incident.ts';

export const processId = ({ pid, started }: { pid: number; started: number }): string => `process:${pid}:${started}`;

export interface Bounds { nodes: number; edges: number }
const defaultBounds: Bounds = { nodes: 50_000, edges: 250_000 };

type Facts = Record<string, string | number | boolean>;
/** A fact that is not known is left out. */
export type MaybeFacts = Record<string, string | number | boolean | undefined>;
interface Draft extends Omit<StoryNode, 'facts' | 'attack' | 'matrix'> { facts: Facts; attack: Set<string>; matrix: Set<string> }

const labelMax = 1000;
const techniquesMax = 20;

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export class Sketch {
  private readonly bounds: Bounds;
  private readonly nodes = new Map<string, Draft>();
  private readonly edges = new Map<string, StoryEdge>();
  /** Nodes that found no room. */
  readonly leftOut = new Set<string>();
  left = 0;

  constructor(bounds: Bounds = defaultBounds) { this.bounds = bounds; }

  get size(): number { return this.nodes.size; }
  has(id: string): boolean { return this.nodes.has(id); }
  facts(id: string): Readonly<Facts> | undefined { return this.nodes.get(id)?.facts; }

  /** As far as it is drawn. */
  drafts(): Iterable<Pick<StoryNode, 'id' | 'kind' | 'facts'>> { return this.nodes.values(); }

  /** Adds it, or widens its time and adds facts. False when there is no room for it. */
  node(kind: StoryNodeKind, id: string, label: string, first: number, last: number, facts: MaybeFacts = {}, lives?: boolean): boolean {
    let draft = this.nodes.get(id);
    if (draft === undefined) {
      if (this.nodes.size >= this.bounds.nodes) {
        // Counted once each, as far as that can be remembered.
        if (this.leftOut.size >= this.bounds.nodes) this.left++;
        else if (!this.leftOut.has(id)) { this.leftOut.add(id); this.left++; }
        return false;
      }
      draft = { id, kind, label: label.length > labelMax ? `${label.slice(0, labelMax)}…` : label, first, last, facts: {}, attack: new Set(), matrix: new Set() };
      this.nodes.set(id, draft);
    } else {
      // The same name and more of it.
      if (label.length > draft.label.length && label.length <= labelMax && label.startsWith(draft.label)) draft.label = label;
      draft.first = Math.min(draft.first, first);
      draft.last = Math.max(draft.last, last);
    }
    for (const [name, value] of Object.entries(facts)) if (value !== undefined) draft.facts[name] = value;
    if (lives !== undefined) draft.lives = lives;
    return true;
  }

  edge(from: string, to: string, deed: StoryDeed, first: number, last = first, count = 1): void {
    if (!this.nodes.has(from) || !this.nodes.has(to) || from === to) return;
    const key = `${from}\0${to}\0${deed}`;
    const known = this.edges.get(key);
    if (known) {
      known.first = Math.min(known.first, first);
      known.last = Math.max(known.last, last);
      known.count = Math.max(known.count, count);
    } else if (this.edges.size < this.bounds.edges) this.edges.set(key, { from, to, deed, first, last, count });
    else this.left++;
  }

  /** What the alert is called by the catalogues of techniques holds for what it tells of. */
  techniques(id: string, attack: readonly string[], matrix: readonly string[] = []): void {
    const draft = this.nodes.get(id);
    if (draft === undefined) return;
    for (const one of attack) if (draft.attack.size < techniquesMax) draft.attack.add(one);
    for (const one of matrix) if (draft.matrix.size < techniquesMax) draft.matrix.add(one);
  }

  tells(alert: string, { attack, matrix, time, last_time, count }: Pick<Alert, 'attack' | 'matrix' | 'time' | 'last_time' | 'count'>, id: string): void {
    this.edge(alert, id, 'tells', time, last_time, count);
    this.techniques(id, attack, matrix);
  }

  /** Oldest first. */
  finish(): { nodes: StoryNode[]; edges: StoryEdge[] } {
    const nodes = [...this.nodes.values()].map(({ attack, matrix, ...node }): StoryNode => ({ ...node, ...(attack.size > 0 && { attack: [...attack] }), ...(matrix.size > 0 && { matrix: [...matrix] }) }));
    return { nodes: nodes.sort((a, b) => a.first - b.first || byText(a.id, b.id)), edges: [...this.edges.values()].sort((a, b) => a.first - b.first || byText(a.from, b.from) || byText(a.to, b.to) || byText(a.deed, b.deed)) };
  }
}
