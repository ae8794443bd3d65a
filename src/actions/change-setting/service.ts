/** A setting of nginx, Redis, MySQL or PHP: which line decides, whether the service takes it, how it is told, and whether it still answers. */
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionErrorCode, PlanStep } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import type { Text } from '../../core/text.ts';
import { answersAt, type Endpoint, endpointText, listenersOf } from '../../linux/listeners.ts';
import { realPlace } from '../../linux/place.ts';
import type { Procfs } from '../../linux/procfs.ts';
import { readProcesses } from '../../linux/process-tree.ts';
import type { Run } from '../../linux/run.ts';
import { badInput } from '../input.ts';
import { edited, type Edit } from './edit.ts';
import { type KnownSetting, knownSettings, type ServiceKind } from './known.ts';
import { mysql } from './mysql.ts';
import { nginx } from './nginx.ts';
import { php } from './php.ts';
import { redis } from './redis.ts';

export interface ServiceWorld { run: Run; procfs: Procfs; scratch: string; settleMs: number; fileProtection: { root: string } }

/** Told of one setting that is asked for. `config`: main file, as seen from inside the root; `at`: which of several lines, `FILE:LINE` or what the service calls its place. */
export interface ServiceAsked { root: string; config: string; key: string; value: string; at?: string }

/** `path` as seen from inside the root; `others` say otherwise and stay; `former`: the value that the line had, for what is told to the running service. */
export interface FoundLine { path: string; edit: Edit; others: PlanStep[]; former?: string }

/** The running one. `ticks` tell it from another of the same number. */
export interface Daemon { pid: number; ticks: number; program: string; unit?: string }

/** What stands in a configuration about the daemon itself. */
export interface DaemonFacts { pidFile?: string; /** Programs that it may be. */ programs: RegExp }

/** What differs between services. */
export interface Service {
  title: string;
  /** Main files that are usual, the first that is there counts. */
  configs(root: string): string[];
  /** Throws MoatError 'not-there' or 'refused'. */
  find(asked: ServiceAsked): FoundLine;
  facts(root: string, config: string): DaemonFacts;
  /** What the service has against it; undefined when it takes it. */
  complaint(world: ServiceWorld, asked: ServiceAsked, swap: { path: string; candidate: string }, program: string, pid: number | undefined): Promise<string | undefined>;
  /** Its program where none runs. */
  program(config: string): string;
  /** How it is asked whether it lives. */
  hello: { say?: string; expect?: RegExp };
  /** Has it take in what the file says now. `value` is undefined when there was none before. Throws what goes wrong. */
  tell(world: ServiceWorld, daemon: Daemon, told: Told): Promise<void>;
}

/** `secrets`: passwords that may hold at this moment. */
export interface Told { config: string; key: string; value: string | undefined; ends: readonly Endpoint[]; known: KnownSetting; secrets: readonly string[] }

export const services: Readonly<Record<ServiceKind, Service>> = { nginx, redis, mysql, php };
export const isService = (kind: unknown): kind is ServiceKind => typeof kind === 'string' && Object.hasOwn(services, kind);

/** For the state: the daemon as it was, where it answered before, and the value that the line had. `at`: which of several lines. */
export interface ServiceTarget { daemon?: Daemon; ends: Endpoint[]; former?: string; at?: string }

const stepMs = 50;
/** A busy machine may take its time; one that says nothing for so long is not waited for afterwards either. */
const helloMs = 5000;

/** The key as it is known, and its value. Throws MoatError 'bad-input'. */
export function readServiceSetting(kind: ServiceKind, key: unknown, value: unknown): { known: KnownSetting; value: string } {
  const name = typeof key === 'string' ? (kind === 'mysql' ? key.toLowerCase().replaceAll('-', '_') : kind === 'php' ? key : key.toLowerCase()) : '';
  const known = knownSettings[kind].find((one) => one.key === name);
  if (known === undefined) throw badInput(`a setting of ${services[kind].title}: ${knownSettings[kind].map((one) => one.key).join(', ')}`, key);
  const text = typeof value === 'string' ? value.trim() : undefined;
  // A secret is not repeated in what goes wrong.
  if (text === undefined || !known.value.test(text) || /[\n\r\0]/.test(text)) throw badInput(`a value that ${name} takes${known.secret ? ': 16 to 512 plain characters without blanks, quotes or backslashes' : ''}`, known.secret ? typeof value : value);
  return { known, value: text };
}

/** The main file: the one that was named, or the usual one. Throws MoatError 'not-there'. */
export function configOf(kind: ServiceKind, root: string, named: string | undefined): string {
  const there = named === undefined ? services[kind].configs(root).filter((one) => existsSync(join(root, one))) : [named];
  const [first, second] = there;
  if (first === undefined || !existsSync(join(root, first))) throw new MoatError<ActionErrorCode>('not-there', `expected a configuration of ${services[kind].title}${named === undefined ? '' : ` at ${named}`}, found none`, { text: { zh: `没有找到 ${services[kind].title} 的配置文件`, en: `expected a configuration of ${services[kind].title}${named === undefined ? '' : ` at ${named}`}, found none` }, hint: '--config FILE' });
  if (second !== undefined && kind === 'php') throw new MoatError<ActionErrorCode>('refused', `there are several: ${there.join(', ')}`, { text: { zh: `有好几个版本，请指明是哪一个：${there.join('、')}`, en: `there are several, name one: ${there.join(', ')}` }, hint: `--config ${first}` });
  return first;
}

/** The file behind a link, as seen from inside the root. */
export function behind(root: string, path: string): string {
  const real = realpathSync(join(root || '/', path)), base = realPlace(join(root || '/', 'x')).slice(0, -2);
  return real.startsWith(`${base}/`) ? real.slice(base.length) : path;
}

/** What a person may see of a line. */
export const shownLine = (known: KnownSetting, line: string): string => (known.secret ? `${/^\s*[\w-]*/.exec(line)?.[0] ?? ''} ••••••` : line.trim());
export const shownValue = (known: KnownSetting, value: string): string => (known.secret ? '••••••' : value === '' ? '（空）' : value);

/** The running daemon of a configuration; undefined when none runs, or it cannot be told which. */
export function daemonOf({ procfs }: ServiceWorld, { pidFile, programs }: DaemonFacts): Daemon | undefined {
  const pid = numberIn(pidFile);
  const ticks = pid === undefined ? undefined : procfs.stat(pid)?.startTicks;
  const program = pid === undefined ? undefined : procfs.exe(pid)?.replace(/ \(deleted\)$/, '');
  if (pid === undefined || ticks === undefined || program === undefined || !programs.test(program)) return undefined;
  // Its file may be the service's own to write: a program that is not root's is never taken from there, for it is run to judge a change.
  if (!isRoots(program)) return undefined;
  const unit = /\/([\w@:.\\-]{1,200}\.service)(?:\/|$)/m.exec(procfs.read(`${pid}/cgroup`, 8192) ?? '')?.[1];
  return { pid, ticks, program, ...(unit !== undefined && { unit }) };
}

/** Root's, with all folders above it, and nobody else may write to them. */
function isRoots(program: string): boolean {
  for (let at = program; ; at = dirname(at)) {
    const found = statSync(at, { throwIfNoEntry: false });
    if (found === undefined || found.uid !== 0 || (found.mode & 0o022) !== 0) return false;
    if (at === '/') return true;
  }
}

/** Who runs the trial of a service that is not root's: whoever may write to its configuration, else the account it runs under. */
export function judgeOf(procfs: Procfs, config: string, pid: number | undefined): { uid: number; gid: number } {
  const { uid, gid } = statSync(config);
  if (uid !== 0) return { uid, gid };
  const running = pid === undefined ? undefined : procfs.stat(pid) && statSync(join(procfs.root, `proc/${pid}`), { throwIfNoEntry: false });
  return running ? { uid: running.uid, gid: running.gid } : { uid, gid };
}

/** Where it listens and answers now. */
export async function endsOf(world: ServiceWorld, kind: ServiceKind, daemon: Daemon | undefined): Promise<Endpoint[]> {
  if (daemon === undefined) return [];
  const all = listenersOf(world.procfs, [daemon.pid]);
  const said = await Promise.all(all.map((end) => answersAt(end, { ...services[kind].hello, timeoutMs: helloMs })));
  return all.filter((_, i) => said[i]);
}

/** Has the service judge the change before it is made. Throws MoatError 'refused'; without the means to ask it, only `force` goes on. */
export async function judgeService(world: ServiceWorld, kind: ServiceKind, asked: ServiceAsked, { path, edit }: FoundLine, { daemon, force, known }: { daemon: Daemon | undefined; force: boolean; known: KnownSetting }): Promise<boolean> {
  const complaint = await withText(world, path, edited(readFileSync(join(asked.root, path), 'latin1'), edit), force, (candidate) => complains(world, kind, asked, { path, candidate }, daemon));
  if (complaint === false) return false;
  if (complaint !== undefined) {
    const text = complaint.slice(0, 300);
    throw new MoatError<ActionErrorCode>('refused', `${services[kind].title} does not take ${asked.key} ${shownValue(known, asked.value)}: ${text}`, { text: { zh: `${services[kind].title} 不接受 ${asked.key} ${shownValue(known, asked.value)}：${text}`, en: `${services[kind].title} does not take ${asked.key} ${shownValue(known, asked.value)}: ${text}` } });
  }
  return true;
}

export const complains = (world: ServiceWorld, kind: ServiceKind, asked: ServiceAsked, swap: { path: string; candidate: string }, daemon: Daemon | undefined): Promise<string | undefined> => services[kind].complaint(world, asked, { ...swap, path: join(asked.root || '/', swap.path) }, daemon?.program ?? services[kind].program(asked.config), daemon?.pid);

/** False when it cannot be asked and `force` says to go on all the same. */
async function withText(world: ServiceWorld, path: string, text: string, force: boolean, work: (candidate: string) => Promise<string | undefined>): Promise<string | undefined | false> {
  mkdirSync(world.scratch, { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(join(world.scratch, 'service-'));
  try {
    const candidate = join(folder, 'candidate');
    writeFileSync(candidate, text, { encoding: 'latin1', mode: 0o600 });
    // As the one that is there: whoever judges it may read as much.
    const { uid, gid, mode } = statSync(join(world.fileProtection.root || '/', path));
    chownSync(candidate, uid, gid);
    chmodSync(candidate, mode & 0o777);
    return await work(candidate);
  } catch (error) {
    if ((error as MoatError).code !== 'no-namespaces' && (error as MoatError).code !== 'no-program') throw error;
    if (force) return false;
    const why: Text = { zh: `无法事先核对对 ${path} 的改动（确要直接改、改后再试请加 --force）：${(error as MoatError).text?.zh ?? ''}`, en: `the change of ${path} cannot be checked beforehand (use --force to make it and see): ${(error as Error).message}` };
    throw new MoatError<ActionErrorCode>('refused', why.en, { text: why, hint: '--force', cause: error });
  } finally { rmSync(folder, { recursive: true }); }
}

/** Has the running service take the setting in, and sees that it still answers. `back`: it is taken back, so one that ended is started. Throws MoatError 'failed'. */
export async function settleService(world: ServiceWorld, kind: ServiceKind, target: ServiceTarget, told: Omit<Told, 'ends'>, back: boolean): Promise<void> {
  const { daemon, ends } = target;
  if (daemon === undefined) return;
  const service = services[kind];
  const now = (): Daemon | undefined => daemonOf(world, service.facts(world.fileProtection.root, told.config));
  const running = now();
  if (running) {
    try {
      // One that was silent before is told all the same.
      await service.tell(world, running, { ...told, ends: ends.length > 0 ? ends : listenersOf(world.procfs, [running.pid]) });
    } catch (error) {
      if (!back || now() !== undefined || running.unit === undefined) throw error;
      await restart(world.run, running.unit);
    }
  } else if (daemon.unit !== undefined && back) await restart(world.run, daemon.unit);
  else throw new MoatError<ActionErrorCode>('failed', `${service.title} has ended meanwhile`, { text: { zh: `${service.title} 其间已退出`, en: `${service.title} has ended meanwhile` } });
  if (ends.length === 0) return;
  // Where it is told to listen elsewhere, one place is enough; else all that answered answer again.
  const moves = ['bind', 'bind_address', 'skip_networking', 'protected-mode'].includes(told.key);
  let missing: Endpoint[] = [];
  for (const end = Date.now() + world.settleMs; Date.now() < end; await sleep(stepMs)) {
    const alive = now();
    if (alive === undefined) continue;
    const asks = moves ? listenersOf(world.procfs, [alive.pid]) : ends;
    const said = await Promise.all(asks.map((one) => answersAt(one, { ...service.hello, timeoutMs: 2000 })));
    missing = asks.filter((_, i) => !said[i]);
    if (moves ? said.some(Boolean) : missing.length === 0) return;
  }
  const where = missing.map(endpointText).slice(0, 5).join(', ');
  throw new MoatError<ActionErrorCode>('failed', `${service.title} does not answer after the change${where === '' ? '' : `: ${where}`}`, { text: { zh: `改动后 ${service.title} 没有应答${where === '' ? '' : `：${where}`}`, en: `${service.title} does not answer after the change${where === '' ? '' : `: ${where}`}` } });
}

/** Throws MoatError 'failed'. */
export async function restart(run: Run, unit: string): Promise<void> {
  const { code, stderr } = await run('systemctl', ['restart', '--', unit], { timeoutMs: 60_000 });
  if (code !== 0) throw new MoatError<ActionErrorCode>('failed', `${unit} could not be started: ${stderr.trim().slice(0, 300)}`);
}

/** A signal to the very daemon, and then until `isDone`. Throws MoatError 'failed'. */
export async function signalled({ procfs, settleMs }: ServiceWorld, { pid, ticks }: Daemon, signal: 'SIGHUP' | 'SIGUSR2', isDone: () => boolean): Promise<void> {
  if (procfs.stat(pid)?.startTicks !== ticks) throw new MoatError<ActionErrorCode>('failed', `process ${pid} has ended meanwhile`);
  process.kill(pid, signal);
  for (const end = Date.now() + settleMs; Date.now() < end; await sleep(stepMs)) {
    if (isDone()) return;
    if (procfs.stat(pid) === undefined) throw new MoatError<ActionErrorCode>('failed', `process ${pid} ended over its new configuration`);
  }
  throw new MoatError<ActionErrorCode>('failed', `process ${pid} did not read its configuration anew`);
}

/** Its children, by number and start. */
export const childrenOf = (procfs: Procfs, pid: number): Set<string> => new Set([...readProcesses(procfs).values()].filter((one) => one.parentPid === pid).map((one) => `${one.pid} ${one.ticks}`));

export function stampOf(path: string | undefined): string {
  const found = path === undefined ? undefined : statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? '' : `${found.ino} ${found.mtimeNs} ${found.ctimeNs}`;
}

function numberIn(path: string | undefined): number | undefined {
  try {
    const text = path === undefined ? '' : readFileSync(path, 'utf8').trim();
    return /^[1-9]\d{0,6}$/.test(text) ? Number(text) : undefined;
  } catch { return undefined; /* none runs, or it writes no such file */ }
}
