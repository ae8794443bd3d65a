/**
 * A real Moat with its server and console, an owner who is logged on, and what lines of logs made of it: alerts and incidents by the real
 * pipeline. For tests and screenshots.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateSync } from 'otplib';
import { removeFolder, startMoat } from '../live/moat.ts';
import { fill } from './fill.ts';
import { attackLines, type LogLines } from './lines.ts';

const root = join(import.meta.dirname, '../..');
export const owner = { name: 'lin', password: 'boats cross the moat' };

export interface ConsoleMoat {
  url: string;
  folder: string;
  /** The one-time link; undefined when the owner is made already. */
  link: string | undefined;
  /** Cookie of the owner's session, as `name=value`; '' before there is one. */
  cookie: string;
  csrf: string;
  /** Secret of the owner's second factor, in base 32. */
  totp: string;
  ask: (method: string, path: string, body?: unknown) => Promise<{ status: number; body: unknown; cookie: string | undefined }>;
  /** More lines at the end of a log; the pipeline reads them. */
  write: (lines: LogLines) => void;
  stop(): Promise<void>;
}

export interface StartOptions { /** Leaves the set-up to the test. */ isNew?: boolean; lines?: LogLines; config?: string; /** Whether processes are watched: lines of the configuration. */ processes?: string; /** Fills the data folder before Moat begins. */ prepare?: (data: string) => void }

/** A code of an authenticator; `ahead` steps of 30 s later than now (each step works once). */
export const codeOf = (secret: string, ahead = 0): string => generateSync({ secret, epoch: Math.floor(Date.now() / 1000) + ahead * 30 });

export async function startConsole({ isNew = false, lines = isNew ? {} : attackLines(Date.now()), config = '', processes = 'enabled: false', prepare = isNew ? undefined : fill }: StartOptions = {}): Promise<ConsoleMoat> {
  execFileSync(process.execPath, [join(root, 'tools/build-console.mjs')], { stdio: ['ignore', 'ignore', 'inherit'] });
  const folder = mkdtempSync(join(tmpdir(), 'moat-console-'));
  const logs = join(folder, 'logs');
  mkdirSync(logs);
  prepare?.(join(folder, 'data'));
  const write = (more: LogLines): void => { for (const [name, text] of Object.entries(more)) appendFileSync(join(logs, name), text); };
  for (const name of ['auth.log', 'access.log']) writeFileSync(join(logs, name), '');
  const moat = await startMoat(`server: { enabled: true, port: 0 }\nlogs:\n  journal: "off"\n  usual: false\n  files: [${JSON.stringify(join(logs, '*.log'))}]\nprocesses: { ${processes} }\nfiles: { enabled: false }\nmetrics: { enabled: false }\nhealth_checks: { urls: [] }\n${config}`, { folder });
  const link = /https:\/\/\S+\/setup#[\w-]+/.exec(moat.said())?.[0];
  if (link === undefined) throw new Error(`moat up printed no set-up link: ${moat.said()}`);
  const url = new URL(link).origin.replace('127.0.0.1', 'localhost');
  const ca = readFileSync(join(folder, 'data/tls/ca.crt'));
  const made: ConsoleMoat = {
    url, folder, link: link.replace('127.0.0.1', 'localhost'), cookie: '', csrf: '', totp: '', write,
    ask: (method, path, body) => new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      request(`${url}/api/v1${path}`, { method, ca, headers: { ...(made.cookie !== '' && { 'cookie': made.cookie, 'x-moat-csrf': made.csrf }), ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }) } }, (response) => {
        let said = '';
        response.setEncoding('utf8').on('data', (chunk: string) => { said += chunk; }).on('end', () => { resolve({ status: response.statusCode!, body: said.startsWith('{') ? JSON.parse(said) : said, cookie: response.headers['set-cookie']?.[0]?.split(';')[0] }); });
      }).on('error', reject).end(text);
    }),
    async stop() {
      await moat.stop();
      removeFolder(folder);
    },
  };
  try {
    if (!isNew) {
      const entered = await must(made.ask('POST', '/setup', { token: new URL(link).hash.slice(1), ...owner }), 201);
      made.link = undefined;
      made.cookie = entered.cookie!;
      made.csrf = (entered.body as { csrf: string }).csrf;
      made.totp = ((await must(made.ask('POST', '/session/totp', { password: owner.password }), 200)).body as { secret: string }).secret;
      await must(made.ask('PUT', '/session/totp', { code: codeOf(made.totp) }), 200);
    }
    write(lines);
    if (Object.keys(lines).length > 0) await settled(made);
    return made;
  } catch (error) {
    await made.stop();
    throw error;
  }
}

async function must<T extends { status: number; body: unknown }>(asked: Promise<T>, status: number): Promise<T> {
  const answer = await asked;
  if (answer.status !== status) throw new Error(`expected ${status}, got ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer;
}

/** Until there are alerts and no more of them come. */
async function settled({ ask }: ConsoleMoat): Promise<void> {
  const count = async (): Promise<string> => {
    const { items } = (await must(ask('GET', '/alerts?limit=500&fields=id,count'), 200)).body as { items: { count: number }[] };
    return `${items.length} ${items.reduce((sum, one) => sum + one.count, 0)}`;
  };
  let before = '';
  for (let i = 0; i < 120; i++) {
    const now = await count();
    if (now !== '0 0' && now === before) return;
    before = now;
    await sleep(500);
  }
  throw new Error(`the alerts did not settle: ${before}`);
}
