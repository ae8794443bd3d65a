/** Files of a story: what its processes wrote, ran, removed and read, and what became of it in other sessions. */
import type { FileTouch, ProcessNode } from '../../core/lineage.ts';
import { placeById, placeOf } from '../../core/places.ts';
import type { Place } from './story-index.ts';
import { isInstaller, isOddPlace, isOneVisit, isShipped } from './story-scope.ts';
import { processId } from './story-sketch.ts';
import type { Teller } from './story-teller.ts';

/** More runs of one file are counted only. */
const runnersMax = 256;
const touchersMax = 64;
const slackMs = 2000;

/** What programs leave behind by themselves: of the story, but nothing that was planted. */
const traces = /\/\.(?:bash_history|zsh_history|ash_history|sh_history|python_history|mysql_history|psql_history|rediscli_history|lesshst|viminfo|wget-hsts|sudo_as_admin_successful|Xauthority|ICEauthority)$|^\/(?:var\/log|run\/log)\/|^\/(?:var\/)?run\/|\/\.ssh\/known_hosts(?:\.old)?$|\.(?:sw[a-p]|pid|lock)$/;
/** Devices, kernel files and the records of sessions: every process writes there. */
const ignored = /^\/dev\/(?!shm\/|mqueue\/)|^\/proc\/|^\/sys\/|^(?:\/var)?\/run\/utmp$|^\/var\/log\/(?:wtmp|btmp|lastlog|faillog|tallylog)$|^(?:pipe|socket|anon_inode):|^\/?memfd:/;

export const fileId = (path: string): string => (placeOf(path) === undefined ? `file:${path}` : `persistence:${path}`);
const unitFile = /\/([A-Za-z0-9:_.\\@-]{1,200})\.(service|timer|socket|path)$/;

/** It lies in the container's own layers, by the path that it has there. */
const isOfImage = ({ path, inside, elsewhere }: Place): boolean => elsewhere || (inside !== undefined && path.endsWith(inside));
/** By which it is judged whether anybody would work there. */
export const judgedPath = (at: Place): string => (isOfImage(at) ? at.inside ?? at.path : at.path);

type Done = FileTouch | { what: string; action: 'ran'; count: number; first: number; last: number; inode?: undefined; device?: undefined };

/** Adds a file that a process of the story touched, with those that ran it. Its id; undefined when it says nothing or finds no room. */
export function addFile(teller: Teller, node: ProcessNode, touch: Done): string | undefined {
  const { sketch, world } = teller;
  const { action, first, last, count } = touch;
  const at = teller.place(node, touch.what);
  const { path, inside, elsewhere } = at;
  // What a container calls /etc/passwd is not the machine's, unless it is the machine's own that is mounted there.
  const place = elsewhere ? undefined : placeOf(path);
  if ((ignored.test(path) || (inside !== undefined && ignored.test(inside))) && place === undefined) return undefined;
  const owner = elsewhere ? undefined : world.owner(path);
  if (owner?.intact === true) return undefined;
  const look = elsewhere ? 'blind' : teller.look(path);
  if (typeof look === 'object' && look.kind === 'folder') return undefined;
  const id = elsewhere ? `file:${node.container?.slice(0, 12) ?? ''}:${path}` : fileId(path);
  const known = { ...sketch.facts(id) };
  // A file of an image looks new as soon as the container changes it.
  const isNew = typeof look === 'object' && look.born > 0 && look.born >= first - slackMs && !isOfImage(at);
  const made = action === 'create' || action === 'link' || action === 'rename' || (action === 'write' && isNew);
  // Another file under the same name since.
  const replaced = typeof look === 'object' && touch.inode !== undefined && touch.inode !== look.inode && known['inode'] === undefined;
  const facts = {
    path, ...(touch.inode !== undefined && { inode: touch.inode, device: touch.device }), package: owner?.name, size: typeof look === 'object' ? look.size : undefined,
    ...(made && { made: true }), ...(action === 'ran' ? { ran: true } : action === 'delete' ? { removed: true } : { wrote: true }),
    ...(isOddPlace(judgedPath(at)) && { odd: true }), ...(traces.test(path) && { trace: true }), ...(place !== undefined && { place }), ...(replaced && { replaced: true }),
    ...(elsewhere ? { container: node.container } : inside !== undefined && { inside }), ...(action === 'ran' && teller.seeds.has(node) && { seed: true }),
  };
  if (!sketch.node(place === undefined ? 'file' : 'persistence', id, path, first, last, facts, look === 'blind' ? undefined : look !== undefined)) return undefined;
  if (place !== undefined) sketch.techniques(id, [placeById[place].attack]);
  if (action === 'ran') return id;
  sketch.edge(processId(node), id, action === 'delete' ? 'removed' : place !== undefined && made ? 'planted' : 'wrote', first, last, count);
  if (action === 'delete' || elsewhere) return id;
  // Once for each file is enough.
  if (known['wrote'] === true && (!made || known['made'] === true)) return id;
  if (made && place === 'systemd') addUnit(teller, node, path, first);
  if (!isShipped(owner)) addRunners(teller, id, path, first);
  if (made && facts.trace !== true) addTouchers(teller, node, path);
  return id;
}

/** A credential that was read. */
export function addSecret({ sketch }: Teller, node: ProcessNode, { what, first, last, count }: FileTouch): void {
  const id = `secret:${what}`;
  if (sketch.node('secret', id, what, first, last, { path: what })) sketch.edge(processId(node), id, 'read', first, last, count);
}

/** Whatever runs it since it was written, in this session or another. */
export function addRunners(teller: Teller, id: string, path: string, since: number): void {
  const { sketch, index } = teller;
  let n = 0;
  for (const runner of index.runners.get(path) ?? []) {
    const lastProgram = runner.was.at(-1)?.time ?? 0;
    if (runner.started < since - slackMs && lastProgram < since - slackMs) continue;
    if (n++ >= runnersMax) { sketch.left++; continue; }
    sketch.node('file', id, path, since, since, { ran: true });
    teller.addRunner(runner);
    sketch.edge(processId(runner), id, 'ran', runner.started);
  }
}

/** Who else of the same visit had a hand in it: whoever gave it its rights, moved it, wrote it again. */
function addTouchers(teller: Teller, node: ProcessNode, path: string): void {
  if (!isOneVisit(node.origin)) return;
  let n = 0;
  for (const { node: other } of teller.index.writers.get(path) ?? []) {
    if (other === node || other.origin !== node.origin || isInstaller(other)) continue;
    if (n++ >= touchersMax) return;
    teller.addTree(other, 'strong');
  }
}

function addUnit(teller: Teller, node: ProcessNode, path: string, since: number): void {
  const match = unitFile.exec(path);
  if (match === null) return;
  const [, name, kind] = match;
  const id = `unit:${name}.${kind}`;
  if (!teller.sketch.node('unit', id, `${name}.${kind}`, since, since, { unit: `${name}.${kind}`, path })) return;
  teller.sketch.edge(processId(node), id, 'planted', since);
  for (const runner of teller.index.units.get(name!) ?? []) {
    if (runner.started < since - slackMs || runner.root !== runner) continue;
    teller.join(runner, 'strong');
    teller.sketch.edge(id, processId(runner), 'started', runner.started);
  }
}
