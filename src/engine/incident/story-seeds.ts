/** Where a story begins to be told: the processes, files, addresses and lines that its alerts and findings name. */
import { canonicalIp } from '../../core/address.ts';
import type { Alert, AlertEvidence } from '../../core/alert.ts';
import type { Finding } from '../../core/finding.ts';
import { atLeast, type Level } from '../../core/level.ts';
import type { OriginKind, ProcessNode } from '../../core/lineage.ts';
import { maskSecrets } from '../../core/secrets.ts';
import { entryTechniques } from './story-entry.ts';
import { addFile, addRunners, fileId } from './story-files.ts';
import { addLine, linesOf } from './story-lines.ts';
import { isOddPlace, isShipped } from './story-scope.ts';
import { processId } from './story-sketch.ts';
import type { Teller } from './story-teller.ts';

/** Their own process is who wrote the line. */
const logKinds = new Set(['sshd', 'auth', 'cron', 'access', 'nginx', 'apache']);
const beforeMs = 5 * 60_000;
const afterMs = 24 * 3_600_000;
const visitsMax = 200;

export function addAlert(teller: Teller, alert: Alert): void {
  const { sketch } = teller;
  const id = `alert:${alert.id}`;
  sketch.node('alert', id, alert.title.en, alert.time, alert.last_time, { alert: alert.id, rule: alert.rule_id, level: alert.level, title: alert.title.zh });
  sketch.techniques(id, alert.attack, alert.matrix);
  const evidence = alert.evidence.length > 0 ? alert.evidence : [{} as AlertEvidence];
  let seen = 0;
  for (const one of evidence) {
    if (typeof one.kind === 'string' && logKinds.has(one.kind)) continue;
    const node = processOf(teller, alert, one);
    if (node) { seen++; addSeed(teller, id, alert, one, node); }
    else seen += addForgotten(teller, id, alert, one) ? 1 : 0;
    const file = text(one.file_path);
    if (node === undefined && file?.startsWith('/')) addSeedFile(teller, file, alert.time, (to) => sketch.tells(id, alert, to), alert.level);
    const called = canonicalIp(text(one.destination_ip) ?? '');
    if (called !== undefined && one.direction === 'outbound') addAddress(teller, called, alert.time, { called: true }, (to) => sketch.tells(id, alert, to));
  }
  const ip = canonicalIp(alert.source_ip ?? '');
  if (ip === undefined) return;
  addAddress(teller, ip, alert.time, { came: true, alarmed: true }, (to) => sketch.tells(id, alert, to));
  if (seen > 0) return;
  // A log told of somebody: what they did once they were in is theirs.
  const kinds = visitKinds(evidence);
  let n = 0;
  for (const origin of teller.index.visits.get(ip) ?? []) {
    if (!kinds.has(origin.kind) || origin.since < alert.time - beforeMs || origin.since > alert.last_time + afterMs) continue;
    if (n++ >= visitsMax) { sketch.left++; return; }
    teller.addWholeVisit(origin);
  }
}

export function addFinding(teller: Teller, finding: Finding): void {
  const { sketch, world } = teller;
  const id = `finding:${finding.id}`;
  const time = finding.time ?? world.now;
  sketch.node('finding', id, finding.title.en, time, time, { finding: finding.id, check: finding.check, level: finding.level, kind: finding.kind, title: finding.title.zh });
  const attack = namesOf(finding, 'attack:'), matrix = namesOf(finding, 'matrix:');
  sketch.techniques(id, attack, matrix);
  const tells = (to: string): void => { sketch.edge(id, to, 'tells', time); sketch.techniques(to, attack, matrix); };
  // An open door is no deed: it is named, nothing is followed from it.
  if (finding.kind !== 'intrusion') return;
  if (finding.pid !== undefined) {
    const node = world.lineage.process(finding.pid);
    if (node) { teller.seeds.add(node); teller.addTree(node, 'strong'); tells(processId(node)); }
  }
  let lines = 0;
  for (const { path, line, value } of finding.evidence) {
    if (path === undefined || line === undefined) continue;
    // As it stands there now; what was kept of it may be cut.
    const now = linesOf(teller.text(path) ?? '')[line - 1];
    if (now === undefined || !now.trim().startsWith(value.endsWith('…') ? value.slice(0, -1).trim() : value.trim())) continue;
    const to = addLine(teller, path, line, now, { planted: true, seed: true, why: finding.title.en });
    if (to !== undefined) { lines++; tells(to); }
  }
  if (finding.path?.startsWith('/') && lines === 0) addSeedFile(teller, finding.path, time, tells, finding.level);
  const ip = canonicalIp(finding.address ?? '');
  if (ip !== undefined) addAddress(teller, ip, time, { called: true }, tells);
  for (const link of finding.links ?? []) {
    if (link.startsWith('/') && !isShipped(world.owner(link))) addSeedFile(teller, link, time, tells, undefined);
    else if (link.startsWith('address:')) {
      const linked = canonicalIp(link.slice(8));
      if (linked !== undefined) addAddress(teller, linked, time, { called: true }, tells);
    }
  }
}

function addSeed(teller: Teller, id: string, alert: Alert, evidence: AlertEvidence, node: ProcessNode): void {
  const { sketch } = teller;
  teller.seeds.add(node);
  const joined = teller.addTree(node, 'strong');
  sketch.tells(id, alert, processId(node));
  const file = text(evidence.file_path);
  if (file === undefined || !file.startsWith('/')) return;
  // Of one that carries others' work only the very file that was alarmed is known to be bad.
  const touch = node.wrote.find(({ what }) => what === file);
  const added = touch ? addFile(teller, node, touch) : joined || evidence.action === 'read' ? undefined : addFile(teller, node, { what: file, action: 'ran', count: 1, first: alert.time, last: alert.time });
  if (added === undefined) return;
  sketch.node('file', added, file, alert.time, alert.time, { seed: true });
  sketch.tells(id, alert, added);
}

/** A process that is no longer remembered: what the alert kept of it. */
function addForgotten({ sketch, heard }: Teller, id: string, alert: Alert, evidence: AlertEvidence): boolean {
  const { pid, process_started: started, process_cmdline: cmdline, process_path: path } = evidence;
  if (typeof pid !== 'number' || typeof started !== 'number' || (cmdline === undefined && path === undefined)) return false;
  const to = processId({ pid, started });
  sketch.node('process', to, maskSecrets(text(cmdline) ?? text(path) ?? ''), started, alert.last_time, { pid, started, path: text(path), user: text(evidence.user), chain: false, weak: false, seed: true, forgotten: true });
  sketch.tells(id, alert, to);
  const { origin, origin_ip: ip, origin_user: user } = evidence;
  if (isOriginKind(origin)) heard.push({ kind: origin, ip: canonicalIp(text(ip) ?? ''), user: text(user), time: Math.min(started, alert.time), node: to });
  return true;
}

const isOriginKind = (value: unknown): value is OriginKind => typeof value === 'string' && Object.hasOwn(entryTechniques, value);

function processOf({ world }: Teller, alert: Alert, evidence: AlertEvidence): ProcessNode | undefined {
  if (evidence.kind === 'sudo') return world.lineage.sudo({ user: text(evidence.user), command: text(evidence.process_cmdline), time: typeof evidence.time === 'number' ? evidence.time : alert.time });
  const pid = typeof evidence.pid === 'number' ? evidence.pid : evidence.kind === undefined ? alert.pid : undefined;
  if (pid === undefined) return undefined;
  if (typeof evidence.process_started === 'number') return world.lineage.process(pid, evidence.process_started);
  const node = world.lineage.process(pid);
  // The number alone may be another's by now.
  return node !== undefined && node.started <= alert.last_time + 2000 ? node : undefined;
}

/** `level`: of what alarmed it; undefined for one that is only linked to that. */
function addSeedFile(teller: Teller, path: string, time: number, tells: (id: string) => void, level: Level | undefined): void {
  const { sketch, world } = teller;
  const look = teller.look(path);
  const id = fileId(path);
  const kind = id.startsWith('file:') ? 'file' : 'persistence';
  if (typeof look === 'object' && look.kind === 'folder') return;
  const owner = world.owner(path);
  if (!sketch.node(kind, id, path, time, time, { path, package: owner?.name, ...(level !== undefined && { seed: true }), ...(typeof look === 'object' && { size: look.size, inode: look.inode, device: look.device }) }, look === 'blind' ? undefined : look !== undefined)) return;
  tells(id);
  for (const { node, touch } of teller.index.writers.get(path) ?? []) {
    if (touch.action === 'delete' || touch.action === 'chmod' || touch.action === 'chown' || touch.action === 'setxattr') continue;
    teller.addWriter({ path, time: touch.first, process: node }, id);
    // A file at a place where nobody works has an intruder for its writer; a web page may have come with a deployment.
    if (teller.members.get(node) === 'weak' && level !== undefined && atLeast(level, 'high') && (kind === 'persistence' || isOddPlace(path))) teller.addTree(node, 'strong');
    addFile(teller, node, touch);
  }
  // What stands there now is what was found: it need not have been seen to be written.
  if (!isShipped(owner)) addRunners(teller, id, path, typeof look === 'object' ? look.changed : 0);
}

function addAddress({ sketch }: Teller, ip: string, time: number, facts: Record<string, boolean>, tells: (id: string) => void): void {
  if (ip.startsWith('127.') || ip === '::1') return;
  if (sketch.node('address', `address:${ip}`, ip, time, time, { ip, ...facts })) tells(`address:${ip}`);
}

function visitKinds(evidence: readonly AlertEvidence[]): ReadonlySet<OriginKind> {
  const isWeb = evidence.some(({ kind }) => kind === 'access' || kind === 'nginx' || kind === 'apache');
  const isLogin = evidence.some(({ kind }) => kind === 'sshd' || kind === 'auth');
  return new Set<OriginKind>(isWeb === isLogin ? ['login', 'web'] : isWeb ? ['web'] : ['login']);
}

const namesOf = ({ refs }: Finding, prefix: string): string[] => refs.filter((ref) => ref.startsWith(prefix)).map((ref) => ref.slice(prefix.length));
const text = (value: string | number | undefined): string | undefined => (typeof value === 'string' ? value : undefined);
