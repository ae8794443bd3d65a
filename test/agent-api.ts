/** A real agent with its API over plain HTTP on loopback, in a folder of its own, asked as its owner. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Agent, startAgent } from '../src/agent/agent.ts';
import { askControl } from '../src/agent/control.ts';

export interface ApiAnswer { status: number; body: Record<string, unknown>; text: string }
export interface AgentApi {
  dir: string;
  url: string;
  /** Of its owner. */
  password: string;
  /** `as`: with these headers instead of the owner's. */
  ask(path: string, how?: { method?: string; body?: unknown; as?: Record<string, string> }): Promise<ApiAnswer>;
  items(path: string): Promise<Record<string, unknown>[]>;
  /** What the live stream told since it was begun, as `kind id`. */
  told: string[];
  /** What the agent warned of. */
  warned: string[];
  stop(): Promise<void>;
}

/** What stands in the log of an sshd that somebody guesses passwords at from `address`, and then comes in; it begins at `from` (Unix ms), one a second or every `step` ms. */
export function guessing(address: string, n: number, from = Date.now() - 60_000, step = 1000): string {
  const at = (i: number): string => new Date(from + i * step).toISOString().replace('Z', '+00:00');
  return `${Array.from({ length: n }, (_, i) => `${at(i)} shop1 sshd[${4000 + i}]: Failed password for root from ${address} port ${40_000 + i} ssh2`).join('\n')}\n${at(n)} shop1 sshd[4999]: Accepted password for root from ${address} port 41999 ssh2\n`;
}

export interface QuietAgent { agent: Agent; /** What it told, and what it warned of. */ said: string[]; warned: string[] }

/** An agent that reads `${dir}/auth.log`, scans `${dir}/root` when asked and looks at nothing else. `config`: the rest of its configuration. */
export async function startQuietAgent(dir: string, config: string, log = '', prepare?: (dir: string) => void): Promise<QuietAgent> {
  const said: string[] = [], warned: string[] = [];
  writeFileSync(join(dir, 'auth.log'), log);
  mkdirSync(join(dir, 'root/etc/cron.d'), { recursive: true });
  writeFileSync(join(dir, 'root/etc/passwd'), 'root:x:0:0:root:/root:/bin/bash\n');
  writeFileSync(join(dir, 'moat.yml'), `logs: { journal: off, usual: false, files: [${join(dir, 'auth.log')}] }
processes: { enabled: false }
files: { enabled: false }
metrics: { enabled: false }
health_checks: { urls: [] }
scan: { enabled: false, root: ${join(dir, 'root')} }
baseline: { enabled: false }
${config}`);
  prepare?.(dir);
  const agent = await startAgent({
    configPath: join(dir, 'moat.yml'), configMustExist: true, dataFolder: join(dir, 'data'), version: '0.1.0', lang: 'en', strictAnswers: true,
    log: { debug: () => undefined, info: (text) => { said.push(text); }, warn: (text) => { warned.push(text); } }, show: () => undefined, onHealth: () => undefined,
  });
  return { agent, said, warned };
}

/** `config`: more of the configuration; `${dir}/auth.log` is read, `${dir}/root` scanned. `prepare` fills the folder before the agent begins. */
export async function startAgentApi(config: (dir: string) => string, log = '', prepare?: (dir: string) => void): Promise<AgentApi> {
  const dir = mkdtempSync(join(tmpdir(), 'moat-agent-api-'));
  const { agent, warned } = await startQuietAgent(dir, `server: { enabled: true, port: 0, http: true, group: web, environment: test }\n${config(dir)}`, log, prepare);
  const password = 'correct horse battery';
  const { url: base, link } = await askControl(join(dir, 'data'), 'server-set-up') as { url: string; link: string };
  const made = await fetch(`${base}/api/v1/setup`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token: link.split('#')[1], name: 'li', password }) });
  const session = await made.json() as { csrf: string };
  const headers = { 'cookie': made.headers.getSetCookie()[0]!.split(';')[0]!, 'x-moat-csrf': session.csrf };
  const ask = async (path: string, { method = 'GET', body, as = headers }: { method?: string; body?: unknown; as?: Record<string, string> } = {}): Promise<ApiAnswer> => {
    const response = await fetch(`${base}/api/v1${path}`, { method, headers: { ...as, ...(body !== undefined && { 'content-type': 'application/json' }) }, ...(body !== undefined && { body: JSON.stringify(body) }) });
    const text = await response.text();
    return { status: response.status, body: (text.startsWith('{') ? JSON.parse(text) : {}) as Record<string, unknown>, text };
  };
  const told: string[] = [];
  const over = new AbortController();
  const stream = await fetch(`${base}/api/v1/stream`, { headers, signal: over.signal });
  const listening = (async () => {
    let rest = '';
    for await (const chunk of stream.body!.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + chunk).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const [, kind, id] = /event: (\w+)\ndata: .*"id":"([^"]*)"/.exec(block) ?? [];
        if (kind !== undefined) told.push(`${kind} ${id}`);
      }
    }
  })().catch((error: unknown) => { if (!over.signal.aborted) throw error; });
  return {
    dir, url: base, password, ask, told, warned, items: async (path) => (await ask(path)).body['items'] as Record<string, unknown>[],
    async stop() {
      over.abort();
      await listening;
      await agent.stop();
      rmSync(dir, { recursive: true });
    },
  };
}
