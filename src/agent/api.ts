/** The HTTPS server under `moat up`: opened when the configuration wants it, closed and opened anew when that changes. */
import { isIP } from 'node:net';
import { join } from 'node:path';
import { hostname } from 'node:os';
import { saidBy } from '../core/error.ts';
import type { Log, Store } from '../core/ports.ts';
import type { Lang } from '../core/text.ts';
import type { Feed, FeedKind } from '../api/feed.ts';
import type { SetUp } from '../api/access/set-up.ts';
import type { RunningServer } from '../api/server.ts';
import type { Health } from '../engine/health.ts';
import type { Journal } from '../engine/response/journal.ts';
import { askedBy } from '../engine/response/via.ts';
import type { Config } from './config-schema.ts';
import { buildConsole, consoleFolder } from './console-build.ts';
import type { Handlers } from './control.ts';
import { downloadOf } from './downloads.ts';

export interface ApiOptions { store: Store; journal: Journal; health: Health; log: Log; lang: Lang; now: () => number; dataFolder: string; version: string; handlers: Handlers; strict?: boolean }

type Settings = Config['server'];
const part = 'server';
const names = (settings: Settings): string[] => [...new Set(['localhost', '127.0.0.1', '::1', hostname(), ...(settings.address === '0.0.0.0' || settings.address === '::' ? [] : [settings.address]), ...settings.names])];

/** Browsers bind passkeys to a domain: an address is none. Where the console is opened (`url`, perhaps through a proxy) comes first. */
export function passkeysOf({ passkey_name: given, names: more, http, url }: Pick<Settings, 'passkey_name' | 'names' | 'http' | 'url'>, port: number): { domain: string; origins: string[] } {
  const opened = url === undefined ? undefined : new URL(url);
  const named = [opened?.hostname, ...more].map((name) => name?.toLowerCase()).filter((name) => name !== undefined && isIP(name.replace(/^\[|\]$/g, '')) === 0) as string[];
  const domain = given ?? named[0] ?? 'localhost';
  const isOf = (name: string): boolean => name === domain || name.endsWith(`.${domain}`);
  // As browsers write it: the port that goes without saying is left out.
  const origins = [...new Set([domain, ...named])].filter(isOf).map((name) => new URL(`${http ? 'http' : 'https'}://${name}:${port}`).origin);
  return { domain, origins: [...new Set([...(opened && isOf(opened.hostname) ? [opened.origin] : []), ...origins])] };
}

/** What the running server and `moat server` need of each other. */
interface Open { server: RunningServer; setUp: SetUp; fingerprint: string | undefined; ends: number | undefined }

export class Api {
  private readonly options: ApiOptions;
  private settings: Settings | undefined;
  private open: Open | undefined;
  private feed: Feed | undefined;
  private changing: Promise<void> = Promise.resolve();

  constructor(options: ApiOptions) { this.options = options; }

  /** Resolves when it listens, or cannot and has said why. */
  configure(settings: Settings): Promise<void> {
    this.changing = this.change(this.changing, settings);
    return this.changing;
  }

  private async change(before: Promise<void>, settings: Settings): Promise<void> {
    await before;
    if (JSON.stringify(settings) === JSON.stringify(this.settings)) return;
    this.settings = settings;
    await this.close();
    if (!settings.enabled) return;
    try {
      this.open = await this.begin(settings);
      this.options.health.state(part, 'live');
    } catch (error) {
      // Protection goes on without it.
      const { zh, en } = saidBy(error);
      this.options.health.state(part, 'blind', { zh: `控制台与 API 服务无法启动：${zh}`, en: `the console and API server cannot start: ${en}` });
      this.options.log.warn(en);
    }
  }

  tell(kind: FeedKind, ids: Iterable<string>): void { for (const id of ids) this.feed?.tell(kind, id); }

  async stop(): Promise<void> {
    await this.changing;
    await this.close();
  }

  /** For `moat server`, which reaches the agent's own socket: only who owns the data folder does. */
  handlers(): Handlers {
    return {
      'server': () => (this.open ? { url: this.open.server.url, fingerprint: this.open.fingerprint, set_up: this.open.setUp.isNeeded } : { url: undefined }),
      'server-set-up': () => {
        const secret = this.open?.setUp.begin();
        // Behind the #: it is not sent to the server, nor to its log, as part of an address.
        return { url: this.open?.server.url, link: secret === undefined ? undefined : `${this.open!.server.url}/setup#${secret}` };
      },
    };
  }

  state(): object {
    const { open } = this;
    if (!open) return { sessions: 0, streams: 0 };
    return { url: open.server.url, ...(open.fingerprint !== undefined && { fingerprint: open.fingerprint }), ...(open.ends !== undefined && { ends: open.ends }), sessions: this.options.store.accounts.accounts().reduce((sum, { id }) => sum + this.options.store.accounts.sessions(id).length, 0), streams: this.feed?.watching ?? 0 };
  }

  private async begin(settings: Settings): Promise<Open> {
    // Some 25 MB that nobody pays who has no server.
    const [{ startServer }, { givenCertificate, ownCertificate }, { Feed: NewFeed }, { Lockout }, { SetUp: NewSetUp }] = await Promise.all([import('../api/server.ts'), import('../api/access/certificate.ts'), import('../api/feed.ts'), import('../api/access/lockout.ts'), import('../api/access/set-up.ts')]);
    const { Challenges } = await import('../api/access/challenges.ts');
    const { store, journal, log, now, dataFolder, version, handlers } = this.options;
    const certificate = settings.http ? undefined
      : settings.cert !== undefined && settings.key !== undefined ? givenCertificate(settings.cert, settings.key)
        : await ownCertificate(join(dataFolder, 'tls'), names(settings), now());
    this.feed ??= new NewFeed(now);
    const setUp = new NewSetUp(store.accounts, now);
    // In a checkout, while all else goes on; the page says so until it is there.
    buildConsole(log);
    let server: RunningServer | undefined;
    server = await startServer({
      consoleFolder: consoleFolder(),
      address: settings.address, port: settings.port, certificate, names: names(settings), strict: this.options.strict === true,
      world: {
        host: hostname(), version, now, store, feed: this.feed, lockout: new Lockout(now), challenges: new Challenges(now), setUp,
        place: () => ({ group: this.settings?.group, environment: this.settings?.environment ?? 'production' }),
        passkeys: () => passkeysOf(settings, server?.port ?? settings.port),
        // What the socket throws and answers, as a promise.
        ask: async (operation, argument) => { const handler = Object.hasOwn(handlers, operation) ? handlers[operation] : undefined; if (!handler) throw new Error(`no operation ${operation}`); return await askedBy('api', () => handler(argument)); },
        download: (what, id) => downloadOf(dataFolder, what, id),
        audit: (entry) => journal.write({ audit: [{ ...entry, time: now(), via: 'api' }] }),
        fault: (error) => log.warn(`server: ${error instanceof Error ? error.stack ?? error.message : String(error)}`),
      },
    });
    if (setUp.isNeeded) log.info(this.firstWord(server.url, setUp));
    return { server, setUp, fingerprint: certificate?.fingerprint, ends: certificate?.ends };
  }

  /** The link makes whoever holds it the owner: a journal that others may read is told how to get it instead. */
  private firstWord(url: string, setUp: SetUp): string {
    const isJournal = process.env['JOURNAL_STREAM'] !== undefined;
    if (this.options.lang === 'zh') return isJournal ? `控制台 ${url} 还没有所有者；取一次性链接：moat server set-up` : `控制台（一次性设置链接，一小时内有效）：${url}/setup#${setUp.begin()}`;
    return isJournal ? `the console at ${url} has no owner yet; for the one-time link: moat server set-up` : `Console (one-time set-up link, good for an hour): ${url}/setup#${setUp.begin()}`;
  }

  private async close(): Promise<void> {
    const { open } = this;
    this.open = undefined;
    await open?.server.close();
  }
}
