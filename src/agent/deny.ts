/**
 * Programs that `moat deny` and the configuration keep from running. What the command adds is kept in the store, so
 * that it holds after a restart; the kernel's list belongs to the sensor and is filled anew with each configuration.
 */
import { realpathSync } from 'node:fs';
import type { ActionErrorCode } from '../core/action.ts';
import { MoatError } from '../core/error.ts';
import type { Ledger } from '../core/ports.ts';
import type { Text } from '../core/text.ts';
import type { DenyPort } from '../actions/deny-file/action.ts';
import { DenyList, type DenyErrorCode } from '../sensors/ebpf/deny.ts';
import type { Config } from './config-schema.ts';
import type { Handlers } from './control.ts';
import { ownerOf, type Settling } from './response-files.ts';

/** `path` or `sha256`; `added` is Unix ms. */
interface Kept { path?: string; sha256?: string; why: string; added: number; force?: boolean }

/** One line of `moat deny list`. `active`: the kernel has it (a digest: files that run are compared with it). */
export interface DenyRow { path?: string; sha256?: string; why: string; from: 'command' | 'configuration'; added?: number; active: boolean }
export interface DenyState { enabled: boolean; live: boolean; rows: DenyRow[] }
/** What became of one thing that was asked for. */
export interface DenyOutcome { what: string; done: boolean; why?: Text }

const settingName = 'deny';
const mostKept = 1000, pathMax = 1000, whyMax = 200;
const digest = /^[0-9a-f]{64}$/i;
const isOff: Text = { zh: '禁止运行已关闭（deny.enabled）', en: 'denying is off (deny.enabled)' };

export class DenyBook {
  private readonly ledger: Pick<Ledger, 'setting' | 'setSetting'>;
  private readonly packages: Pick<Settling, 'ready' | 'building' | 'settle'>;
  private readonly folder: string;
  private kept: Kept[];
  private config: Config['deny'] = { enabled: false, paths: [], hashes: [] };
  private list: DenyList | undefined;
  /** One change at a time: each is written whole. */
  private busy: Promise<unknown> = Promise.resolve();

  /** `folder`: of Moat's own, where the self-test's copy may run. */
  constructor(ledger: Pick<Ledger, 'setting' | 'setSetting'>, packages: Pick<Settling, 'ready' | 'building' | 'settle'>, folder: string) {
    this.folder = folder;
    this.ledger = ledger;
    this.packages = packages;
    this.kept = parse(ledger.setting(settingName));
  }

  /** The list for this configuration; undefined when denying is off. The one before is closed. */
  open(config: Config): DenyList | undefined {
    this.list?.close();
    this.config = config.deny;
    const { enabled, paths, hashes } = config.deny;
    this.list = enabled ? new DenyList({
      paths: [...paths, ...this.kept.flatMap(({ path, why, force = false }) => (path === undefined ? [] : [{ path, why, force, judged: true }]))],
      hashes: [...hashes, ...this.kept.flatMap(({ sha256, why }) => (sha256 === undefined ? [] : [{ sha256, why }]))],
      ownerOf: (path) => this.ownerOf(path), folder: this.folder,
    }) : undefined;
    return this.list;
  }

  close(): void { this.list?.close(); }

  /** What the control socket offers. Each answers for every thing it was handed. */
  handlers(): Handlers {
    return {
      'deny-list': () => this.state(),
      'deny-add': (argument) => this.oneByOne(argument, (what, { why, force }) => this.add(what, typeof why === 'string' && why !== '' ? why.slice(0, whyMax) : 'moat deny add', force === true)),
      'deny-remove': (argument) => this.oneByOne(argument, (what) => this.remove(what)),
    };
  }

  /** For actions: one thing at a time, each done or thrown. */
  port(): DenyPort {
    const settled = async (act: () => Promise<DenyOutcome>): Promise<void> => {
      const mine = this.busy.then(act);
      this.busy = mine.catch(() => undefined);
      const { what, done, why } = await mine;
      if (!done) throw new MoatError<ActionErrorCode>('refused', `${what}: ${why?.en ?? ''}`, { text: { zh: `${what}：${why?.zh ?? ''}`, en: `${what}: ${why?.en ?? ''}` } });
    };
    return {
      unable: () => (this.list === undefined ? isOff : undefined),
      protects: async (path, force) => await this.list?.protects(path, force),
      has: (what) => this.kept.some(({ path, sha256 }) => path === what || sha256 === what) || this.config.paths.includes(what) || this.config.hashes.some((one) => one.toLowerCase() === what),
      deny: (what, why, force) => settled(() => this.add(what, why.slice(0, whyMax), force)),
      allow: (what) => settled(() => this.remove(what)),
    };
  }

  private async ownerOf(path: string): Promise<string | undefined> {
    const owner = await ownerOf(this.packages, path);
    if (owner === 'unknown') return undefined;
    // One that was changed protects nothing; one that could not be looked at is taken for whole.
    return owner === undefined || owner.intact === false ? '' : owner.name;
  }

  private state(): DenyState {
    const { list } = this;
    const files = new Set(list?.list().files.map(({ path }) => path));
    const isLive = list?.isLive === true;
    const row = (one: { path?: string; sha256?: string }, more: Pick<DenyRow, 'why' | 'from'> & { added?: number }): DenyRow => ({ ...one, ...more, active: isLive && (one.path === undefined || files.has(one.path)) });
    return {
      enabled: this.config.enabled, live: isLive,
      rows: [
        ...this.config.paths.map((path) => row({ path }, { why: 'deny.paths', from: 'configuration' })),
        ...this.config.hashes.map((sha256) => row({ sha256: sha256.toLowerCase() }, { why: 'deny.hashes', from: 'configuration' })),
        ...this.kept.map(({ path, sha256, why, added }) => row({ ...(path !== undefined && { path }), ...(sha256 !== undefined && { sha256 }) }, { why, from: 'command', added })),
      ],
    };
  }

  private async oneByOne(argument: unknown, act: (what: string, options: { why?: unknown; force?: unknown }) => Promise<DenyOutcome>): Promise<DenyOutcome[]> {
    const { what, ...options } = (typeof argument === 'object' && argument !== null ? argument : {}) as { what?: unknown; why?: unknown; force?: unknown };
    if (!Array.isArray(what) || !what.every((one): one is string => typeof one === 'string' && one !== '' && one.length <= pathMax)) throw new Error(`expected absolute paths of at most ${pathMax} characters or SHA-256 digests`);
    const all = this.busy.then(async () => {
      const done: DenyOutcome[] = [];
      for (const one of what) done.push(await act(one, options));
      return done;
    });
    this.busy = all.catch(() => undefined);
    return all;
  }

  private async add(what: string, why: string, force: boolean): Promise<DenyOutcome> {
    const { list } = this;
    if (list === undefined) return { what, done: false, why: isOff };
    if (this.kept.length >= mostKept) return { what, done: false, why: { zh: `名单已满（${mostKept} 项）`, en: `the list is full (${mostKept} entries)` } };
    if (!digest.test(what) && !what.startsWith('/')) return { what, done: false, why: { zh: '既不是绝对路径，也不是 SHA-256', en: 'it is neither an absolute path nor a SHA-256' } };
    try {
      if (digest.test(what)) {
        const sha256 = what.toLowerCase();
        list.addHash(sha256, why);
        this.keep({ sha256, why, added: Date.now() });
        return { what: sha256, done: true };
      }
      const refused = await list.protects(what, force);
      if (refused !== undefined) return { what, done: false, why: refused };
      const { path } = await list.add(what, why, { force });
      this.keep({ path, why, added: Date.now(), ...(force && { force }) });
      return { what: path, done: true };
    } catch (error) { return { what, done: false, why: reasonOf(error) }; }
  }

  private async remove(what: string): Promise<DenyOutcome> {
    const isDigest = digest.test(what);
    const wanted = isDigest ? what.toLowerCase() : this.pathOf(what);
    const inConfig = isDigest ? this.config.hashes.some((one) => one.toLowerCase() === wanted) : this.config.paths.includes(wanted);
    if (inConfig) return { what, done: false, why: { zh: '它写在配置里，请在配置的 deny 下删除', en: 'it stands in the configuration: take it out there, under deny' } };
    const found = isDigest ? await this.list?.removeHash(wanted) : await this.list?.remove(wanted);
    const rest = this.kept.filter(({ path, sha256 }) => (isDigest ? sha256 : path) !== wanted);
    const wasKept = rest.length < this.kept.length;
    if (wasKept) this.write(rest);
    return found === true || wasKept ? { what, done: true } : { what, done: false, why: { zh: '不在名单上', en: 'it is not on the list' } };
  }

  /** As it was kept: symbolic links followed, where the file is there still. */
  private pathOf(what: string): string {
    if (this.kept.some(({ path }) => path === what) || this.config.paths.includes(what)) return what;
    try {
      return realpathSync(what);
    } catch { return what; /* gone since */ }
  }

  private keep(one: Kept): void {
    this.write([...this.kept.filter(({ path, sha256 }) => path !== one.path || sha256 !== one.sha256), one]);
  }

  private write(kept: Kept[]): void {
    this.ledger.setSetting(settingName, JSON.stringify(kept));
    this.kept = kept;
  }
}

function reasonOf(error: unknown): Text {
  const { code, message } = error as MoatError<DenyErrorCode>;
  switch (code) {
    case 'not-a-file': return { zh: '那里没有文件', en: 'no file lies there' };
    case 'full': return { zh: '名单已满', en: 'the list is full' };
    case 'not-live': return { zh: '内核传感器没有在工作，见 moat status', en: 'the kernel sensor is not live, see moat status' };
    default: return { zh: message, en: message };
  }
}

/** What was kept; a row that makes no sense is left out. */
function parse(text: string | undefined): Kept[] {
  if (text === undefined) return [];
  let rows: unknown;
  try {
    rows = JSON.parse(text);
  } catch { return []; /* never written by us */ }
  if (!Array.isArray(rows)) return [];
  return rows.slice(0, mostKept).filter((row): row is Kept => {
    if (typeof row !== 'object' || row === null) return false;
    const { path, sha256, why, added } = row as Partial<Record<keyof Kept, unknown>>;
    return typeof why === 'string' && typeof added === 'number' && (typeof path === 'string' ? path.startsWith('/') && sha256 === undefined : typeof sha256 === 'string' && digest.test(sha256));
  });
}
