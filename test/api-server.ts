/** The HTTPS server over a real store, with an agent behind it that answers what a test says; and a client that trusts its authority alone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Role } from '../src/core/account.ts';
import { MoatError } from '../src/core/error.ts';
import { Journal } from '../src/engine/response/journal.ts';
import { openSqliteStore, type SqliteStore } from '../src/stores/sqlite/store.ts';
import { ownCertificate, type ServerCertificate } from '../src/api/access/certificate.ts';
import { Challenges } from '../src/api/access/challenges.ts';
import { Lockout } from '../src/api/access/lockout.ts';
import { hashPassword } from '../src/api/access/passwords.ts';
import { beginSession } from '../src/api/access/sessions.ts';
import { SetUp } from '../src/api/access/set-up.ts';
import type { Download } from '../src/api/contract/route.ts';
import { Feed } from '../src/api/feed.ts';
import { type RunningServer, type ServerOptions, startServer } from '../src/api/server.ts';
import type { World } from '../src/api/world.ts';

export interface Answer { status: number; body: Record<string, unknown>; headers: Record<string, string | string[] | undefined>; text: string }
export interface Ask { method?: string; body?: unknown; headers?: Record<string, string>; to?: RunningServer; raw?: string; from?: string }

export const password = 'correct horse battery';
const hashed = hashPassword(password);

export interface ApiServer {
  dir: string;
  store: SqliteStore;
  server: RunningServer;
  certificate: ServerCertificate;
  world: World;
  /** The time there, Unix ms. */
  clock: number;
  /** What the agent was asked, and what it answers: an Error is thrown. */
  asked: { operation: string; argument: unknown }[];
  answers: Record<string, unknown>;
  faults: unknown[];
  /** One more server over the same world. */
  start: (more?: Partial<ServerOptions>) => Promise<RunningServer>;
  ask: (path: string, how?: Ask) => Promise<Answer>;
  /** As somebody with this role; the account is made in the store. */
  as: (role: Role) => Promise<Record<string, string>>;
  audited: () => string[];
  stop: () => Promise<void>;
}

export async function startApiServer(): Promise<ApiServer> {
  const dir = mkdtempSync(join(tmpdir(), 'moat-api-'));
  const asked: ApiServer['asked'] = [], faults: unknown[] = [];
  // What is a list is one, also with nothing in it.
  const answers: ApiServer['answers'] = { 'recovery-services': { done: true }, 'unblock': { network: '', undone: [] }, 'notice-test': { outcome: 'sent' }, 'quarantine-list': { rows: [], broken: [], stored: 0 }, ...Object.fromEntries(['blocklist', 'allow-list', 'allow-add', 'allow-remove', 'playbooks', 'playbook-runs', 'rules', 'findings', 'notices', 'jobs', 'exceptions', 'checks', 'evidence-list'].map((name) => [name, []])) };
  const time = { clock: Date.now() };
  const now = (): number => time.clock;
  const store = openSqliteStore({ dir, now });
  const journal = new Journal(store.response);
  const world: World = {
    host: 'web1', version: '1', place: () => ({ group: 'web', environment: 'test' }), passkeys: () => ({ domain: 'localhost', origins: ['https://localhost'] }), challenges: new Challenges(now), now, store, feed: new Feed(now), lockout: new Lockout(now), setUp: new SetUp(store.accounts, now), fault: (error) => { faults.push(error); },
    ask: (operation, argument) => {
      asked.push({ operation, argument });
      const answer = answers[operation];
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer ?? {});
    },
    download: (what, id) => {
      asked.push({ operation: `download ${what}`, argument: id });
      const found = answers[`download ${what}`];
      return found === undefined ? Promise.reject(new MoatError('no-archive', 'there is none')) : Promise.resolve(found as Download);
    },
    audit: (entry) => journal.write({ audit: [{ ...entry, time: now(), via: 'api' }] }),
  };
  const certificate = await ownCertificate(join(dir, 'tls'), ['localhost', '127.0.0.1'], now());
  const start = (more: Partial<ServerOptions> = {}): Promise<RunningServer> => startServer({ address: '127.0.0.1', port: 0, certificate, names: [], world, perMinute: 100_000, ...more });
  const server = await start();
  return Object.assign(time, {
    dir, store, server, certificate, world, asked, answers, faults, start,
    ask: (path: string, { method = 'GET', body, headers = {}, to = server, raw, from }: Ask = {}) => new Promise<Answer>((resolve, reject) => {
      const isTls = to.url.startsWith('https');
      const text = raw ?? (body === undefined ? undefined : JSON.stringify(body));
      const made = (isTls ? httpsRequest : httpRequest)({ host: '127.0.0.1', port: to.port, path, method, ...(from !== undefined && { localAddress: from, agent: false }), ...(isTls && { ca: certificate.ca, servername: 'localhost' }), headers: { host: `localhost:${to.port}`, ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }), ...headers } }, (response) => {
        let said = '';
        response.setEncoding('utf8').on('data', (chunk: string) => { said += chunk; }).on('end', () => {
          let parsed: unknown = {};
          if (said.startsWith('{')) parsed = JSON.parse(said);
          resolve({ status: response.statusCode!, body: parsed as Record<string, unknown>, headers: response.headers, text: said });
        });
      });
      made.on('error', reject).end(text);
    }),
    async as(role: Role): Promise<Record<string, string>> {
      const account = store.accounts.byName(`${role}-li`) ?? { id: `id-${role}`, name: `${role}-li`, role, created: now(), disabled: false, password: await hashed, passwordChanged: now(), recovery: [] };
      store.accounts.save(account);
      const { secret, session } = beginSession(store.accounts, account, { address: '127.0.0.1', agent: 'test' }, now());
      return { 'cookie': `__Host-moat=${secret}`, 'x-moat-csrf': session.csrf };
    },
    audited: () => [...store.response.audit(1)].map(({ by, operation, target }) => `${by} ${operation} ${target}`),
    async stop() {
      await server.close();
      store.close();
      rmSync(dir, { recursive: true });
    },
  });
}

export const cookieOf = ({ headers }: Answer): string => String(headers['set-cookie']).split(';')[0]!;
