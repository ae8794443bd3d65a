/**
 * Heightened watch after a recovery: what belonged to the story is known by heart for a while, and whatever of it comes back opens the
 * incident again. While nothing is watched an event costs one comparison, otherwise one or two look-ups in maps.
 */
import { isPublic } from '../../core/address.ts';
import type { Event } from '../../core/gen/event.ts';
import type { Story } from '../../core/incident.ts';
import type { Text } from '../../core/text.ts';
import { table } from './plan-table.ts';

export type WatchedKind = 'file' | 'address' | 'digest' | 'account' | 'port';

/** `value`: a path, an address, a SHA-256, an account, `4444/tcp`. `size`: of a digest, so that only files of that size are looked into. `task`: of the check list; once it is signed the account is its owner's again. */
export interface WatchedThing { kind: WatchedKind; value: string; size?: number; task?: string }

/** Times are Unix ms. JSON: kept over restarts. */
export interface Watch { incident: string; since: number; until: number; things: readonly WatchedThing[]; /** `kind value` of what came back; each is told once. */ back: string[] }

/** Something came back. */
export interface Return { incident: string; thing: WatchedThing; text: Text; /** Where a log-on came from. */ address?: string }

const thingsMax = 1000;
const backMax = 100;
const watchesMax = 20;
/** Paths that wait to be looked into for a digest. */
const pathsMax = 2000;

/** What of a story is watched: what the intruder made, came from, ran and listened on; not what is everybody's. `digests`: of files that were taken away. `ports`: `4444/tcp`, on which its processes listened. `restored`: what was put back, which looks newly made now and is its owner's. Bounded. */
export function thingsOf(story: Story, { digests, ports, restored, isShared }: { digests: readonly { sha256: string; size: number }[]; ports: readonly string[]; restored: ReadonlySet<string>; isShared: (address: string) => boolean }): { things: WatchedThing[]; left: number } {
  const found = new Map<string, WatchedThing>();
  const add = (thing: WatchedThing): void => { const key = keyOf(thing); if (!found.has(key)) found.set(key, thing); };
  for (const { sha256, size } of digests) add({ kind: 'digest', value: sha256, size });
  for (const port of ports) add({ kind: 'port', value: port });
  for (const node of story.nodes) {
    const { kind, facts } = node;
    switch (kind) {
      case 'address': {
        const ip = String(facts['ip']);
        if (isPublic(ip) && !isShared(ip) && table.address.unless?.(node) === undefined) add({ kind: 'address', value: ip });
        break;
      }
      case 'file': case 'persistence':
        // What was there before is its owner's again.
        if (typeof facts['path'] === 'string' && facts['made'] === true && !restored.has(facts['path']) && facts['package'] === undefined && facts['line'] === undefined && facts['trace'] !== true && facts['container'] === undefined && facts['place'] !== 'accounts') add({ kind: 'file', value: facts['path'] });
        break;
      case 'account': {
        const user = String(facts['user']);
        add({ kind: 'account', value: user, task: facts['made'] === true ? `account-gone:${user}` : `password:${user}` });
        break;
      }
      default:
    }
  }
  const all = [...found.values()];
  return { things: all.slice(0, thingsMax), left: Math.max(0, all.length - thingsMax) };
}

const keyOf = ({ kind, value }: WatchedThing): string => `${kind} ${value}`;

interface Entry { watch: Watch; thing: WatchedThing }

export class Watches {
  private readonly watches = new Map<string, Watch>();
  private readonly byKind: Record<WatchedKind, Map<string, Entry[]>> = { file: new Map(), address: new Map(), digest: new Map(), account: new Map(), port: new Map() };
  private readonly sizes = new Set<number>();
  private readonly paths = new Set<string>();
  private readonly count: (what: string, n?: number) => void;

  constructor(count: (what: string, n?: number) => void) { this.count = count; }

  get size(): number { return this.watches.size; }
  all(): readonly Watch[] { return [...this.watches.values()]; }

  /** Instead of an earlier one of the same incident; the one that ends first makes room. */
  add(watch: Watch): Watch | undefined {
    this.watches.delete(watch.incident);
    let gone: Watch | undefined;
    if (this.watches.size >= watchesMax) {
      [gone] = this.all().toSorted((a, b) => a.until - b.until);
      if (gone) { this.watches.delete(gone.incident); this.count('watches ended early, too many'); }
    }
    this.watches.set(watch.incident, watch);
    this.index();
    return gone;
  }

  remove(incident: string): void { if (this.watches.delete(incident)) this.index(); }

  /** What of these events is a return. Hot: called for every batch. */
  observe(events: readonly Event[]): Return[] {
    if (this.watches.size === 0) return none;
    const found: Return[] = [];
    const { file, address, account, port } = this.byKind;
    for (const event of events) {
      const { source_ip: from, destination_ip: to } = event;
      if (from !== undefined && address.has(from)) this.hit(found, address.get(from), event, () => ({ zh: `地址 ${from} 又来了（${whatZh(event)}）`, en: `the address ${from} is back (${whatEn(event)})` }));
      if (to !== undefined && address.has(to)) this.hit(found, address.get(to), event, () => ({ zh: `又连接了地址 ${to}（${whatZh(event)}）`, en: `the address ${to} was called again (${whatEn(event)})` }));
      switch (event.kind) {
        case 'file_event': {
          const { file_path: path, action } = event;
          if (path === undefined || action === 'read' || action === 'delete') break;
          if (file.has(path)) this.hit(found, file.get(path), event, () => ({ zh: `文件 ${path} 又出现了（${whatZh(event)}）`, en: `the file ${path} is back (${whatEn(event)})` }));
          if (this.sizes.size > 0) this.lookInto(path);
          break;
        }
        case 'process_creation': {
          const { process_path: path } = event;
          if (path === undefined) break;
          if (file.has(path)) this.hit(found, file.get(path), event, () => ({ zh: `${path} 又运行了（${whatZh(event)}）`, en: `${path} runs again (${whatEn(event)})` }));
          if (this.sizes.size > 0) this.lookInto(path);
          break;
        }
        case 'listener': {
          const { destination_port: at, protocol } = event;
          const key = `${at ?? 0}/${protocol ?? 'tcp'}`;
          if (port.size > 0 && port.has(key)) this.hit(found, port.get(key), event, () => ({ zh: `又有程序监听端口 ${key}（${whatZh(event)}）`, en: `something listens on port ${key} again (${whatEn(event)})` }));
          break;
        }
        default: {
          const { user, action, outcome } = event;
          if (action === 'login' && outcome === 'success' && user !== undefined && account.has(user)) this.hit(found, account.get(user), event, () => ({ zh: `账号 ${user} 登录了${from === undefined ? '' : `，来自 ${from}`}`, en: `the account ${user} logged on${from === undefined ? '' : ` from ${from}`}` }));
        }
      }
    }
    return found;
  }

  /** Files that were written or run since the last call. */
  takePaths(): string[] {
    if (this.paths.size === 0) return [];
    const paths = [...this.paths];
    this.paths.clear();
    return paths;
  }

  /** Whether a file of this size may be one of those that were taken away. */
  maybe(size: number): boolean { return this.sizes.has(size); }

  hasDigest(sha256: string): boolean { return this.byKind.digest.has(sha256); }

  /** A file has this digest. */
  digest(sha256: string, path: string, time: number): Return[] {
    return (this.byKind.digest.get(sha256) ?? []).flatMap((entry) => this.back(entry, time, () => ({ zh: `同样内容的文件又出现在 ${path}（SHA-256 ${sha256}）`, en: `a file with the same content is back at ${path} (SHA-256 ${sha256})` })) ?? []);
  }

  /** Those whose time is over; they are watched no more. */
  over(now: number): Watch[] {
    const over = this.all().filter(({ until }) => until <= now);
    for (const { incident } of over) this.watches.delete(incident);
    if (over.length > 0) this.index();
    return over;
  }

  private hit(found: Return[], entries: readonly Entry[] | undefined, event: Event, text: () => Text): void {
    for (const entry of entries ?? []) {
      const back = this.back(entry, event.time, text);
      if (back) found.push(event.source_ip === undefined ? back : { ...back, address: event.source_ip });
    }
  }

  /** Once for each thing. */
  private back({ watch, thing }: Entry, time: number, text: () => Text): Return | undefined {
    if (time < watch.since || time >= watch.until) return undefined;
    const key = keyOf(thing);
    if (watch.back.includes(key) || watch.back.length >= backMax) { this.count('returns of what is known to be back'); return undefined; }
    watch.back.push(key);
    return { incident: watch.incident, thing, text: text() };
  }

  /** A thing that was no return after all may be told later. */
  forget(incident: string, thing: WatchedThing): void {
    const watch = this.watches.get(incident);
    const at = watch?.back.indexOf(keyOf(thing)) ?? -1;
    if (at >= 0) watch?.back.splice(at, 1);
  }

  private lookInto(path: string): void {
    if (this.paths.size >= pathsMax) this.count('files not looked into, too many at a time');
    else this.paths.add(path);
  }

  private index(): void {
    for (const map of Object.values(this.byKind)) map.clear();
    this.sizes.clear();
    for (const watch of this.watches.values()) {
      for (const thing of watch.things) {
        const map = this.byKind[thing.kind];
        const entries = map.get(thing.value);
        if (entries) entries.push({ watch, thing }); else map.set(thing.value, [{ watch, thing }]);
        if (thing.kind === 'digest' && thing.size !== undefined) this.sizes.add(thing.size);
      }
    }
    if (this.sizes.size === 0) this.paths.clear();
  }
}

const none: Return[] = [];
const short = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text);
const doer = ({ process_path: path, pid, service, kind }: Event): string => short(path === undefined ? service ?? kind : `${path}${pid === undefined ? '' : ` ${pid}`}`);
const whatZh = (event: Event): string => `${new Date(event.time).toISOString()}，${doer(event)}`;
const whatEn = (event: Event): string => `${new Date(event.time).toISOString()}, ${doer(event)}`;
