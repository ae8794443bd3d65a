/**
 * YAML text → plain trees with offsets. Everything hostile about YAML ends here: size, depth, number of nodes
 * (aliases count each time they are used, so alias bombs stop early), duplicate keys, tags, keys that are no text.
 */
import { type Alias, type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml';
import { Refusal, show } from './error.ts';

export type Tree = MapTree | ListTree | ScalarTree;
export interface MapTree { kind: 'map'; at: number; entries: Map<string, Tree> }
export interface ListTree { kind: 'list'; at: number; items: Tree[] }
/** `source` is how it stood in the file: 0x10 is the number 16 with source "0x10". */
export interface ScalarTree { kind: 'scalar'; at: number; value: string | number | boolean | null; source: string }

/** Limits on rule files; far above real rules (the largest public one has 295 kB, most have 2 kB). */
const limits = { fileChars: 8 << 20, documentNodes: 50_000, depth: 24, documents: 20_000 } as const;

export interface YamlFile {
  /** One entry a document: its tree, or why it has none. Empty documents are left out. */
  documents: ({ at: number; tree: Tree } | { at: number; refusal: Refusal })[];
  line(at: number): number;
}

/** Never throws. */
export function readYaml(text: string): YamlFile {
  const counter = new LineCounter();
  const line = (at: number): number => counter.linePos(Math.min(at, text.length)).line || 1;
  const whole = (refusal: Refusal): YamlFile => ({ documents: [{ at: 0, refusal }], line });
  if (text.length > limits.fileChars) return whole(new Refusal('limit', `expected at most ${limits.fileChars} characters in a file, got ${text.length}`));
  let documents: Document.Parsed[];
  try {
    // uniqueKeys compares each key with each other (quadratic); duplicates are found below in one pass.
    documents = [...parseAllDocuments(text, { uniqueKeys: false, prettyErrors: false, lineCounter: counter, logLevel: 'silent' })] as Document.Parsed[];
  } catch (error) {
    // The library recurses on nested collections: thousands of levels overflow the stack.
    return whole(new Refusal('yaml', `expected YAML, got ${error instanceof RangeError ? 'nesting too deep to read' : String(error)}`));
  }
  if (documents.length > limits.documents) return whole(new Refusal('limit', `expected at most ${limits.documents} documents in a file, got ${documents.length}`));
  const out: YamlFile['documents'] = [];
  for (const document of documents) {
    const at = document.contents?.range[0] ?? document.range[0];
    const fault = document.errors[0];
    if (fault) { out.push({ at: fault.pos[0], refusal: new Refusal('yaml', `expected YAML, got ${fault.message}`, fault.pos[0]) }); continue; }
    if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) continue;
    try {
      out.push({ at, tree: new Reader().read(document.contents, 0, at) });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      out.push({ at, refusal: error });
    }
  }
  return { documents: out, line };
}

class Reader {
  private nodes = 0;
  /** The library looks an alias up by walking the whole document: quadratic. Read in order, an anchor is the last one so named. */
  private readonly anchors = new Map<string, unknown>();
  private readonly targets = new Map<unknown, unknown>();
  /** Levels of aliases being followed: what stands below them has been read in its own place already. */
  private following = 0;

  read(node: unknown, depth: number, at: number): Tree {
    this.remember(node);
    if (++this.nodes > limits.documentNodes) throw new Refusal('limit', `expected at most ${limits.documentNodes} nodes in a document, got more (aliases count each time)`, at);
    if (depth > limits.depth) throw new Refusal('limit', `expected at most ${limits.depth} levels of nesting, got more`, at);
    if (node === null || node === undefined) return { kind: 'scalar', at, value: null, source: '' };
    if (isAlias(node)) {
      const target = this.target(node);
      this.following++;
      const tree = this.read(target, depth + 1, at);
      this.following--;
      return tree;
    }
    if (isScalar(node)) return this.scalar(node.value, node.source, node.range?.[0] ?? at);
    if (isSeq(node)) {
      const items = node.items.map((item) => this.read(item, depth + 1, startOf(item) ?? at));
      return { kind: 'list', at: node.range?.[0] ?? at, items };
    }
    if (isMap(node)) {
      const entries = new Map<string, Tree>();
      const merged: MapTree[] = [];
      for (const pair of node.items) {
        const where = startOf(pair.key) ?? at;
        const key = this.key(pair.key, where);
        const value = this.read(pair.value, depth + 1, where);
        if (key === '<<') { merged.push(...mergeSources(value)); continue; }
        if (entries.has(key)) throw new Refusal('yaml', `expected each key once, got ${show(key)} twice`, where);
        // A value is reported at its key: that is where a reader looks.
        entries.set(key, { ...value, at: where });
      }
      for (const source of merged) for (const [key, value] of source.entries) if (!entries.has(key)) entries.set(key, value);
      return { kind: 'map', at: node.range?.[0] ?? at, entries };
    }
    throw new Refusal('yaml', 'expected a map, list or scalar, got something else', at);
  }

  private remember(node: unknown): void {
    if (this.following === 0 && (isScalar(node) || isMap(node) || isSeq(node)) && node.anchor !== undefined) this.anchors.set(node.anchor, node);
  }

  private target(alias: Alias): unknown {
    if (this.following === 0) this.targets.set(alias, this.anchors.get(alias.source));
    const target = this.targets.get(alias);
    if (target === undefined) throw new Refusal('yaml', `expected a defined anchor, got *${alias.source}`, alias.range?.[0]);
    return target;
  }

  private key(key: unknown, at: number): string {
    this.remember(key);
    const scalar = isAlias(key) ? this.target(key) : key;
    if (!isScalar(scalar)) throw new Refusal('yaml', 'expected a text key, got a map or list', at);
    // A number as key (an event id used as a field name) is its own text; `~:` and `: x` are the empty key.
    if (typeof scalar.value === 'string') return scalar.value;
    return scalar.value === null ? '' : (scalar.source ?? '');
  }

  private scalar(value: unknown, source: string | undefined, at: number): ScalarTree {
    switch (typeof value) {
      case 'string': return { kind: 'scalar', at, value, source: source ?? value };
      case 'number': case 'boolean': return { kind: 'scalar', at, value, source: source ?? String(value) };
      default:
        if (value === null || value === undefined) return { kind: 'scalar', at, value: null, source: source ?? '' };
        throw new Refusal('yaml', 'expected text, a number, true, false or null, got a tagged value', at);
    }
  }
}

function startOf(node: unknown): number | undefined {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range?.[0] : undefined;
}

function mergeSources(value: Tree): MapTree[] {
  const list = value.kind === 'list' ? value.items : [value];
  return list.map((item) => {
    if (item.kind !== 'map') throw new Refusal('yaml', 'expected a map after <<, got something else', item.at);
    return item;
  });
}

/** `over` wins; maps merge key by key, everything else is replaced. */
export function mergeTrees(base: Tree | undefined, over: Tree): Tree {
  if (base?.kind !== 'map' || over.kind !== 'map') return over;
  const entries = new Map(base.entries);
  for (const [key, value] of over.entries) entries.set(key, mergeTrees(entries.get(key), value));
  return { kind: 'map', at: over.at, entries };
}

/** The tree as plain JavaScript. */
export function plain(tree: Tree): unknown {
  switch (tree.kind) {
    case 'scalar': return tree.value;
    case 'list': return tree.items.map(plain);
    case 'map': return Object.fromEntries([...tree.entries].map(([key, value]) => [key, plain(value)]));
    default: return tree satisfies never;
  }
}
