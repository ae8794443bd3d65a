/**
 * What can be made of rules before a program is shipped: the trees of their YAML, found by the digest of the text, and the plans of their
 * regexes. Reading both anew is nine tenths of what loading rules costs. A text that is not here, because somebody changed it, is read.
 */
import { parse, type RuleText } from './parse.ts';
import { planRegex, regexKey, type RegexPlan } from './regex.ts';
import type { Search } from './types.ts';
import { readYaml, type Tree, type YamlFile } from './yaml.ts';

export interface Prebuilt {
  /** By the digest of a text: its documents. */
  files: ReadonlyMap<string, readonly Packed[]>;
  /** By `regexKey`. */
  regexes: ReadonlyMap<string, RegexPlan>;
}

/** A tree as JSON has it: `[at, value]`, `[at, value, source]` where the source is not the value as text, `[at, items]`, and of a map `[at, [key, tree, key, tree …], 1]`. */
type Packed = readonly [at: number, value: string | number | boolean | null, source?: string] | readonly [at: number, items: readonly Packed[]] | readonly [at: number, entries: readonly (string | Packed)[], isMap: 1];

/** The trees and plans of these texts as JSON. Files with a fault are left out: they are to be refused in the same words whenever they are read. */
export function prebuild(texts: readonly Required<RuleText>[]): string {
  const files: Record<string, readonly Packed[]> = {};
  const regexes: Record<string, RegexPlan> = {};
  for (const one of texts) {
    const { documents } = readYaml(one.text);
    const { rules, filters, errors } = parse([one]);
    const trees = documents.flatMap((document) => ('tree' in document ? [document] : []));
    // A document begins where its tree does, as it is here said once.
    if (errors.length > 0 || trees.length < documents.length || trees.some(({ at, tree }) => at !== tree.at || !isJson(tree))) continue;
    files[one.digest] = trees.map(({ tree }) => pack(tree));
    for (const { detection } of [...rules, ...filters]) for (const search of detection.searches.values()) for (const { source, flags } of regexesOf(search)) regexes[regexKey(source, flags)] ??= planRegex(source, flags);
  }
  return JSON.stringify({ files, regexes });
}

/** Takes what `prebuild` gave, and nothing else. */
export function readPrebuilt(json: string): Prebuilt {
  const { files, regexes } = JSON.parse(json) as { files: Record<string, readonly Packed[]>; regexes: Record<string, RegexPlan> };
  return { files: new Map(Object.entries(files)), regexes: new Map(Object.entries(regexes)) };
}

/** What `readYaml` says of this text; undefined when it is not known. */
export function prebuiltYaml(prebuilt: Prebuilt | undefined, text: string, digest: string | undefined): YamlFile | undefined {
  const documents = digest === undefined ? undefined : prebuilt?.files.get(digest)?.map(unpack);
  return documents && { documents: documents.map((tree) => ({ at: tree.at, tree })), line: (at) => lineAt(text, at) };
}

function lineAt(text: string, at: number): number {
  let line = 1;
  for (let next = text.indexOf('\n'); next >= 0 && next < at; next = text.indexOf('\n', next + 1)) line++;
  return line;
}

/** JSON has no infinity, and one zero. */
function isJson(tree: Tree): boolean {
  switch (tree.kind) {
    case 'scalar': return typeof tree.value !== 'number' || (Number.isFinite(tree.value) && !Object.is(tree.value, -0));
    case 'list': return tree.items.every(isJson);
    case 'map': return [...tree.entries.values()].every(isJson);
    default: return tree satisfies never;
  }
}

function pack(tree: Tree): Packed {
  switch (tree.kind) {
    case 'scalar': return tree.source === String(tree.value) ? [tree.at, tree.value] : [tree.at, tree.value, tree.source];
    case 'list': return [tree.at, tree.items.map(pack)];
    case 'map': return [tree.at, [...tree.entries].flatMap(([key, value]) => [key, pack(value)]), 1];
    default: return tree satisfies never;
  }
}

function unpack(packed: Packed): Tree {
  const [at, held, more] = packed;
  if (typeof held !== 'object' || held === null) return { kind: 'scalar', at, value: held, source: more as string | undefined ?? String(held) };
  if (more === undefined) return { kind: 'list', at, items: held.map((item) => unpack(item)) };
  const entries = new Map<string, Tree>();
  for (let i = 0; i < held.length; i += 2) entries.set(held[i] as string, unpack(held[i + 1] as Packed));
  return { kind: 'map', at, entries };
}

const regexesOf = (search: Search): { source: string; flags: { i: boolean; m: boolean; s: boolean } }[] =>
  (search.kind === 'item' ? search.item.values.flatMap(({ tests }) => tests.flatMap((test) => (test.kind === 'regex' ? [test] : []))) : search.children.flatMap(regexesOf));
