/** Hostile input to the real program: each ends in a clear word, none hangs it, and what is fine beside it still works. */
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { moatBin, onlyLog, removeFolder, startMoat } from './live/moat.ts';

let folder = '';
beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'moat-bad-')); });
afterAll(() => { removeFolder(folder); });

interface Ran { status: number | null; out: string; err: string }

/** Without a terminal; ended after a minute, which then shows as status null. */
function moat(...args: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [moatBin, '--lang', 'en', ...args], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000, killSignal: 'SIGKILL' });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
    child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString(); });
    child.on('close', (status) => resolve({ status, out, err }));
  });
}

const put = (name: string, content: string | Buffer): string => { const path = join(folder, name); writeFileSync(path, content); return path; };
const failed = (n: number, from = '192.0.2.7'): string => Array.from({ length: n }, (_, i) => `Nov 22 02:27:${String(10 + i)} web01 sshd[${4700 + i}]: Failed password for root from ${from} port ${40_000 + i} ssh2\n`).join('');
const ruleIds = ({ out }: Ran): string[] => out.split('\n').filter((line) => line !== '').map((line) => (JSON.parse(line) as { rule_id: string }).rule_id);
const noTrace = /\n {4}at /;

describe('moat replay', () => {
  it('a line of 10 MB is cut and counted, and the lines around it are read', async () => {
    const path = put('long.log', `${failed(8)}${'x'.repeat(10 * 2 ** 20)}\n${failed(8)}`);
    const ran = await moat('replay', '--format', 'auth', '--json', '--events', path);
    expect(ran.status).toBe(0);
    expect(ran.out.split('\n').filter((line) => line.includes('"192.0.2.7"'))).toHaveLength(16);
    expect((await moat('replay', '--format', 'auth', path)).err).toContain('1 lines cut for length');
  });

  it('one line of 10 MB and nothing else', async () => {
    const ran = await moat('replay', put('only.log', 'x'.repeat(10 * 2 ** 20)));
    expect(ran).toMatchObject({ status: 2, err: expect.stringContaining('expected a known log format') as string });
    expect(ran.err).not.toMatch(noTrace);
  });

  it('binary is no known format; named, its lines are counted', async () => {
    const bytes = Buffer.alloc(2 ** 20);
    for (let i = 0, n = 1; i < bytes.length; i++) { n = Math.imul(n, 1_103_515_245) + 12_345 | 0; bytes[i] = n >>> 16; }
    const path = put('binary.log', bytes);
    const ran = await moat('replay', '--format', 'nginx', path);
    expect(ran.status).toBe(0);
    expect(ran.err).toMatch(/\d+ lines not understood/);
    expect((await moat('replay', path)).err).not.toMatch(noTrace);
  });

  it('a folder, a ring of links, nothing, a damaged archive: each by name', async () => {
    const ring = join(folder, 'ring.log');
    symlinkSync(ring, ring);
    const damaged = put('cut.gz', gzipSync(failed(20)).subarray(0, 60));
    const sound = put('sound.log', failed(10));
    const ran = await moat('replay', '--json', folder, ring, join(folder, 'none.log'), damaged, sound);
    expect(ran.status).toBe(2);
    for (const [what, path] of [['EISDIR', folder], ['ELOOP', ring], ['ENOENT', 'none.log'], ['whole gzip file', damaged]]) expect(ran.err).toMatch(new RegExp(`expected .*${what}.*${path}`));
    expect(ran.err).not.toMatch(noTrace);
    expect(ruleIds(ran)).toContain('ssh_brute_force');
  });

  it('a pipe that nobody writes to ends with an error; one with a writer is read', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const silent = await moat('replay', pipe);
    expect(silent).toMatchObject({ status: 2, err: expect.stringContaining('a pipe that nobody wrote to') as string });
    const spoken = put('spoken.log', failed(10));
    const writer = spawn('dd', [`if=${spoken}`, `of=${pipe}`, 'status=none'], { stdio: 'ignore' });
    const gone = new Promise((resolve) => { writer.on('close', resolve); });
    expect(ruleIds(await moat('replay', '--json', pipe))).toContain('ssh_brute_force');
    await gone;
  });

  it('forged text in a user name raises nothing against the address it names', async () => {
    const forged = failed(12).replaceAll('for root', 'for invalid user x from 203.0.113.9 port 22 ssh2#012Accepted password for root');
    const ran = await moat('replay', '--json', '--format', 'auth', put('forged.log', forged));
    expect(ran.out).not.toContain('"source_ip":"203.0.113.9"');
    expect(ruleIds(ran)).toEqual(['ssh_brute_force']);
  });
});

describe('hostile rules', () => {
  const rule = (name: string, pattern: string): string => `title: ${name}\nid: ${name}\nname: ${name}\nlogsource: { product: linux, service: sshd }\ndetection:\n  sel:\n    message|re: '${pattern}'\n  condition: sel\nlevel: low\n`;

  it('are refused by file and line or run in linear time; the others work', async () => {
    const rules = join(folder, 'rules');
    mkdirSync(rules);
    writeFileSync(join(rules, 'bomb.yml'), Array.from({ length: 12 }, (_, i) => `a${i}: &a${i} [${i === 0 ? 'x' : Array.from({ length: 10 }, () => `*a${i - 1}`).join(', ')}]`).join('\n'));
    writeFileSync(join(rules, 'aliases.yml'), `title: t\nx: &x {a: [1, 2]}\n${Array.from({ length: 30_000 }, (_, i) => `s${i}: *x\n`).join('')}`);
    writeFileSync(join(rules, 'deep.yml'), '['.repeat(100_000));
    writeFileSync(join(rules, 'huge.yml'), `title: ${'x'.repeat(2 ** 21)}`);
    writeFileSync(join(rules, 'evil-look.yml'), rule('evil_look', '(?=(x+)+y)(x+)+z'));
    writeFileSync(join(rules, 'evil.yml'), rule('evil', '^Failed (x+x+)+y'));
    writeFileSync(join(rules, 'good.yml'), rule('good', 'Failed password for root'));
    const log = put('evil.log', `${failed(1)}Nov 22 02:27:11 web01 sshd[1]: Failed ${'x'.repeat(60_000)}\n`);
    const ran = await moat('replay', '--json', '--format', 'auth', '--rules', rules, log);
    expect(ran.status).toBe(0);
    for (const name of ['bomb', 'aliases', 'deep', 'huge', 'evil-look']) expect(ran.err).toMatch(new RegExp(`${name}\\.yml:\\d+: expected `));
    expect(ran.err).not.toMatch(/good\.yml|evil\.yml/);
    expect(ran.err).not.toMatch(noTrace);
    expect(ruleIds(ran)).toEqual(['good']);
  });
});

describe('moat up', () => {
  it('says that a log folder is a ring of links, and goes on with the other logs', async () => {
    const ring = join(folder, 'ring');
    symlinkSync('ring', ring);
    const pipe = join(folder, 'pipe.log');
    execFileSync('mkfifo', [pipe]);
    const log = put('auth.log', '');
    const running = await startMoat(onlyLog(log).replace('files: [', `files: [${JSON.stringify(join(ring, '*.log'))}, ${JSON.stringify(pipe)}, `));
    try {
      const stamp = (i: number): string => new Date(Date.now() + i).toISOString().replace('Z', '+00:00');
      appendFileSync(log, Array.from({ length: 10 }, (_, i) => `${stamp(i)} web01 sshd[${5000 + i}]: Failed password for root from 192.0.2.44 port ${40_000 + i} ssh2\n`).join(''));
      await running.waitFor((alert) => alert.rule_id === 'ssh_brute_force' && alert.source_ip === '192.0.2.44', 'for the brute force');
      const { out } = await moat('--data', join(running.folder, 'data'), 'status', '--json');
      expect(out).toMatch(/ELOOP/);
      expect(out).toContain(ring);
    } finally {
      await running.stop();
      removeFolder(running.folder);
    }
  });
});
