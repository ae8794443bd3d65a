/**
 * Lines by which a story comes back: in cron tables, profiles, key files, preload lists. A line belongs when it names what the story
 * planted, when a process of the story was told to write it, or when it started a process of the story.
 */
import type { ProcessNode } from '../../core/lineage.ts';
import { placeById, placeOf } from '../../core/places.ts';
import { maskSecrets } from '../../core/secrets.ts';
import { isInstaller, isOddPlace, isOneVisit, isShipped, scriptOf } from './story-scope.ts';
import { processId } from './story-sketch.ts';
import { fileId } from './story-files.ts';
import type { Written } from './story-index.ts';
import type { Teller } from './story-teller.ts';

const filesMax = 500;
const linesMax = 20_000;
const foundMax = 200;
const roundsMax = 4;
/** Each line is looked for in each of them. */
const commandsMax = 64;
/** A shorter line says too little to be known by a command that holds it. */
const telling = 12;
/** A whole line is kept in the node, so that the action can be told what stands there. */
const lineMax = 8192;
const separators = /[\s"'`;|&()<>=,{}[\]]+/;

/** Finds planted lines and whoever planted them, until nothing new joins. */
export function addLines(teller: Teller): void {
  addJobs(teller);
  for (let round = 0; round < roundsMax; round++) {
    const before = teller.members.size + teller.sketch.size;
    look(teller);
    teller.settle();
    addJobs(teller);
    teller.settle();
    if (teller.members.size + teller.sketch.size === before) return;
  }
}

/** One line as a node of its own. `planted`: it came with the story, or with somebody whom the story leads back to. */
export function addLine(teller: Teller, path: string, line: number, text: string, facts: { planted: boolean; seed?: boolean; why: string }): string | undefined {
  const { sketch, world } = teller;
  if (text.length > lineMax) return undefined;
  const id = `${fileId(path)}:${line}`;
  const place = placeOf(path);
  const known = sketch.facts(id);
  if (!sketch.node('persistence', id, `${path}:${line}: ${maskSecrets(text)}`, world.now, world.now, { path, line, text, place, ...facts, planted: facts.planted || known?.['planted'] === true }, true)) return undefined;
  if (place !== undefined) sketch.techniques(id, [placeById[place].attack]);
  return id;
}

function look(teller: Teller): void {
  const { index, world } = teller;
  const byPath = new Map<string, Written[]>();
  for (const one of index.planted) {
    if (isInstaller(one.node) || one.touch.action === 'delete') continue;
    const list = byPath.get(one.at.path);
    if (list) list.push(one);
    else if (byPath.size < filesMax) byPath.set(one.at.path, [one]);
    else teller.sketch.left++;
  }
  const needles = needlesOf(teller);
  for (const [path, written] of byPath) {
    if (isShipped(world.owner(path)) && world.owner(path)?.intact === true) continue;
    const text = teller.text(path);
    if (text === undefined) continue;
    const told = commandsOf(teller, written);
    let found = 0;
    for (const [i, line] of linesOf(text).entries()) {
      const bare = line.trim();
      if (bare === '' || bare.startsWith('#')) continue;
      const needle = bare.split(separators).find((word) => isNeedle(needles, word));
      const isTold = needle === undefined && bare.length >= telling && told.some((command) => command.includes(bare));
      if (needle === undefined && !isTold) continue;
      if (++found > foundMax) { teller.sketch.left++; continue; }
      const id = addLine(teller, path, i + 1, line, { planted: true, why: needle ?? 'its text stands in a command or script' });
      if (id !== undefined) addPlanter(teller, path, id, written);
    }
  }
}

/** Names that only the story gives meaning: its files, addresses and names. */
function needlesOf({ sketch }: Teller): Set<string> {
  const needles = new Set<string>();
  for (const { kind, facts } of sketch.drafts()) {
    const { path, ip, name } = facts;
    if ((kind === 'file' || kind === 'persistence') && typeof path === 'string' && (facts['made'] === true || facts['odd'] === true || facts['seed'] === true) && facts['line'] === undefined && (facts['trace'] !== true || facts['ran'] === true) && facts['container'] === undefined && path.length > 4) needles.add(path);
    else if (kind === 'address' && typeof ip === 'string') needles.add(ip);
    else if (kind === 'name' && typeof name === 'string' && name.includes('.')) needles.add(name);
  }
  return needles;
}

/** A word, or the host of a URL, an `address:port` or `user@host` in it. */
function isNeedle(needles: ReadonlySet<string>, word: string): boolean {
  if (needles.has(word)) return true;
  if (!word.includes('.')) return false;
  const scheme = word.indexOf('://');
  const rest = scheme < 0 ? word : word.slice(scheme + 3);
  const host = rest.slice(rest.lastIndexOf('@') + 1).split(/[/:]/, 1)[0]!.toLowerCase();
  if (host !== '' && needles.has(host)) return true;
  const tcp = /^\/dev\/(?:tcp|udp)\/([^/]+)\//.exec(word);
  return tcp !== null && needles.has(tcp[1]!);
}

/** What whoever wrote the file was told to do, with what told them: their command lines, and the scripts that they ran where these came with the story. */
function commandsOf(teller: Teller, written: readonly Written[]): string[] {
  const commands = new Set<string>();
  for (const { node } of written) {
    if (commands.size >= commandsMax) break;
    let at: ProcessNode | undefined = node;
    for (let n = 0; n < 3 && at !== undefined; n++, at = at.parent) {
      if (teller.members.get(at) !== 'strong') continue;
      if (at.cmdline !== undefined) commands.add(at.cmdline);
      const script = scriptOf(at);
      if (script === undefined) continue;
      // In a container, with its root changed to the machine's files, a path is the machine's own.
      const here = teller.place(at, script);
      for (const path of new Set(here.elsewhere ? [script] : [here.path, script])) {
        const text = teller.sketch.facts(fileId(path))?.['made'] === true ? teller.text(path) : undefined;
        if (text !== undefined) commands.add(text);
      }
    }
  }
  return [...commands];
}

/** Whoever wrote the file last, rather one of the story. */
function addPlanter(teller: Teller, path: string, id: string, written: readonly Written[]): void {
  const latest = written.toSorted((a, b) => b.touch.last - a.touch.last);
  const one = latest.find(({ node }) => teller.members.get(node) === 'strong') ?? latest.find(({ node }) => teller.visits.has(node.origin) && isOneVisit(node.origin)) ?? latest[0];
  if (one === undefined) return;
  const { node, touch } = one;
  if (!teller.members.has(node)) {
    if (teller.visits.has(node.origin) && isOneVisit(node.origin)) teller.addTree(node, 'strong');
    else teller.addWriter({ path, time: touch.last, process: node }, id);
    if (teller.carries(node)) teller.addChain([node]);
  }
  teller.sketch.node('persistence', id, '', touch.last, touch.last);
  teller.sketch.edge(processId(node), id, 'planted', touch.last);
}

/** The lines of cron tables that started members. */
function addJobs(teller: Teller): void {
  const { world, index, sketch } = teller;
  const asked = new Set<string>();
  const seen = new Set(index.planted.flatMap(({ at: { path } }) => (placeOf(path) === 'cron' ? [path] : [])));
  for (const origin of teller.visits) {
    const { kind, name, user } = origin;
    if (kind !== 'cron' || name === undefined || name.length < 3) continue;
    const key = `${user ?? ''}\0${name}`;
    if (asked.has(key)) continue;
    asked.add(key);
    const job = name.endsWith('…') ? name.slice(0, -1) : name;
    const roots = (index.trees.get(origin) ?? []).filter((node) => sketch.has(processId(node)));
    const tables = new Set([...world.cronTables(user), ...seen].slice(0, filesMax));
    for (const path of tables) {
      const text = teller.text(path);
      if (text === undefined) continue;
      for (const [i, line] of linesOf(text).entries()) {
        if (line.trimStart().startsWith('#') || !(job === name ? line.trimEnd().endsWith(job) : line.includes(job))) continue;
        const written = (index.writers.get(path) ?? []).filter(({ node, touch }) => !isInstaller(node) && touch.action !== 'delete');
        const id = addLine(teller, path, i + 1, line, { planted: isOddPlace(firstPath(job)), why: job });
        if (id === undefined) continue;
        for (const root of roots) if (root.root === root || teller.members.has(root)) sketch.edge(id, processId(root), 'started', root.started);
        addPlanter(teller, path, id, written);
        // Somebody wrote this table within the memory of the graph: then the line may be theirs.
        if (written.length > 0) sketch.node('persistence', id, '', world.now, world.now, { written: true });
      }
    }
  }
}

const firstPath = (command: string): string | undefined => command.split(separators).find((word) => word.startsWith('/') && isOddPlace(word));
/** Without their ends; a last line that is empty is none. */
export const linesOf = (text: string): string[] => {
  const lines = text.split('\n', linesMax);
  if (lines.at(-1) === '') lines.pop();
  return lines;
};
