/** The command line of one machine and the Moat of another: a real agent behind TLS on loopback, with its first owner and a log that somebody guesses passwords in. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { askControl } from '../src/agent/control.ts';
import type { Role } from '../src/core/account.ts';
import { guessing, startQuietAgent } from './agent-api.ts';

const bin = fileURLToPath(new URL('../bin/moat', import.meta.url));

export interface Ran { status: number | null; out: string; err: string; bytes: Buffer }
type Ask = (method: string, path: string, body?: unknown) => Promise<Record<string, unknown>>;
export interface FarMoat {
  dir: string;
  url: string;
  fingerprint: string;
  /** As somebody on another machine, who has no Moat of their own. */
  moat(args: readonly string[], env?: Record<string, string>): Promise<Ran>;
  /** On the machine of the server itself. */
  here(args: readonly string[]): Promise<Ran>;
  owner: Ask;
  /** A token in a file of its own. */
  tokenFile(role: Role, mode?: number): Promise<{ path: string; id: string }>;
  stop(): Promise<void>;
}

/** Plain requests with the cookie of the first owner. */
function asOwner(url: string, ca: string): Ask {
  let cookie = '', csrf = '';
  return (method, path, body) => new Promise((resolve, reject) => {
    const asked = request(new URL(`/api/v1${path}`, url), { method, ca, agent: false, headers: { 'content-type': 'application/json', cookie, 'x-moat-csrf': csrf } }, (response) => {
      let text = '';
      const [set] = response.headers['set-cookie'] ?? [];
      if (set !== undefined) [cookie = ''] = set.split(';');
      response.on('data', (piece: Buffer) => { text += piece.toString(); });
      response.on('end', () => {
        const answer = JSON.parse(text) as Record<string, unknown>;
        if (typeof answer['csrf'] === 'string') csrf = answer['csrf'];
        if ((response.statusCode ?? 500) < 300) resolve(answer); else reject(new Error(text));
      });
    });
    asked.on('error', reject);
    asked.end(method === 'GET' ? undefined : JSON.stringify(body ?? {}));
  });
}

export async function startFarMoat(): Promise<FarMoat> {
  const dir = mkdtempSync(join(tmpdir(), 'moat-remote-')), data = join(dir, 'data');
  const { agent } = await startQuietAgent(dir, 'response: { firewall: off, allow: [198.51.100.0/24] }\nserver: { enabled: true, port: 0 }\n', guessing('203.0.113.9', 25));
  const { url, fingerprint } = await askControl(data, 'server') as { url: string; fingerprint: string };
  const owner = asOwner(url, readFileSync(join(data, 'tls/ca.crt'), 'utf8'));
  const { link } = await askControl(data, 'server-set-up') as { link: string };
  await owner('POST', '/setup', { token: link.split('#')[1], name: 'li', password: 'correct horse battery' });
  // Not waited for in one piece: the server lives in this process.
  const moat: FarMoat['moat'] = (args, env = {}) => new Promise((resolve) => {
    const child = spawn(process.execPath, [bin, '--lang', 'en', ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, MOAT_REMOTE: '', XDG_CONFIG_HOME: join(dir, 'config'), MOAT_DATA: join(dir, 'nowhere'), FORCE_COLOR: '', NO_COLOR: '1', ...env } });
    const out: Buffer[] = [];
    let err = '';
    child.stdout.on('data', (piece: Buffer) => { out.push(piece); });
    child.stderr.on('data', (piece: Buffer) => { err += piece.toString(); });
    child.on('close', (status) => { const bytes = Buffer.concat(out); resolve({ status, out: bytes.toString(), err, bytes }); });
  });
  const here: FarMoat['here'] = (args) => moat(['--remote', 'local', '--data', data, '--config', join(dir, 'moat.yml'), ...args]);
  let made = 0;
  await vi.waitUntil(async () => (await here(['incident', 'list', '--json'])).out.includes('203.0.113.9'), { timeout: 60_000, interval: 500 });
  return {
    dir, url, fingerprint, moat, here, owner,
    async tokenFile(role, mode = 0o600) {
      const { secret, token } = await owner('POST', '/tokens', { name: `t${++made}`, role, days: 1, own_password: 'correct horse battery' }) as { secret: string; token: { id: string } };
      const path = join(dir, `t${made}.token`);
      writeFileSync(path, `${secret}\n`);
      chmodSync(path, mode);
      return { path, id: token.id };
    },
    async stop() {
      await agent.stop();
      rmSync(dir, { recursive: true });
    },
  };
}
