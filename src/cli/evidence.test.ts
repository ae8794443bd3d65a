import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type CliIncident, moatBin, openCliIncident, runMoat, type Said } from '../../test/cli-incident.ts';
import { alertOf } from '../../test/incidents.ts';
import { lacks } from '../../test/need.ts';
import { parseConfig } from '../agent/config.ts';
import { Evidence } from '../agent/evidence.ts';
import { storyWorld } from '../agent/story-world.ts';
import { Event } from '../core/gen/event.ts';
import { noKnowledge } from '../core/lineage.ts';
import { tellStory } from '../engine/incident/story.ts';
import { Keep } from '../evidence/keep.ts';

const MiB = 1 << 20;
const day = 86_400_000;
let cli: CliIncident, id: string, evidence: Evidence, outside: string, now: number;
const asked: unknown[] = [];
const moat = (...args: string[]): Promise<Said> => cli.moat('--config', join(outside, 'moat.yml'), ...args);
const json = async (...args: string[]): Promise<Record<string, unknown>> => {
  const { out, err, status } = await moat(...args, '--json');
  if (out === '') throw new Error(`expected JSON, got exit code ${status}: ${err}`);
  return JSON.parse(out) as Record<string, unknown>;
};
const collect = (...more: string[]): Promise<Record<string, unknown>> => json('incident', 'evidence', id, '--only', 'file,session', '--no-commands', '--why', 'a test', ...more);
const audit = (): string[] => [...cli.store.response.audit(1)].map(({ operation, target }) => `${operation} ${target}`);

beforeAll(async () => {
  outside = mkdtempSync(join(tmpdir(), 'moat-evidence-out-'));
  writeFileSync(join(outside, 'moat.yml'), '');
  now = Date.now();
  const shell = Object.assign(new Event('e1', now - 60_000, 'process_creation'), { pid: 7, process_started: now - 70_000, process_path: '/opt/x', uid: 0, origin: 'login', origin_ip: '203.0.113.9', source_ip: '203.0.113.9' });
  cli = await openCliIncident('evidence', [alertOf('aa11', shell, { attack: ['T1543.002'], level: 'critical' })], ({ dir, store, journal, graph, health, log, incidents }) => {
    evidence = new Evidence({
      store, journal, health, log, config: () => parseConfig('', 'moat.yml'), dataFolder: dir, now: () => now, incident: (one) => incidents.seeds(one), begins: (pid) => { asked.push(pid); return true; },
      story: (_id, seeds) => tellStory(seeds, storyWorld({ graph, packages: noKnowledge.packages, events: store.events, now: Date.now })),
    });
    return evidence.handlers();
  });
  ({ id } = cli);
});
afterAll(() => {
  evidence.stop();
  cli.close();
  rmSync(outside, { recursive: true });
});

describe.skipIf(lacks({ root: true, files: ['/usr/bin/openssl'] }))('moat evidence', () => {
  it('collects, proves, exports, hands over and removes, each in the audit log', async () => {
    const made = await collect();
    const archive = String(made['id']), path = String(made['path']);
    expect(made).toMatchObject({ incident: id, key: 'installation', audited: true });
    expect(asked.at(-1)).toBeGreaterThan(1);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await moat('evidence', 'verify', archive)).toMatchObject({ status: 0, out: expect.stringContaining('untouched') as string });
    expect((await moat('evidence', 'list')).out).toContain(archive);
    expect((await moat('evidence', 'show', archive)).out).toContain('/etc/shadow');

    // To another disk, and by a stream that the other side proves as it comes in.
    const copy = join(outside, 'copy.tar');
    expect((await moat('evidence', 'export', archive, '--to', copy)).status).toBe(0);
    expect(readFileSync(copy).equals(readFileSync(path))).toBe(true);
    expect((await moat('evidence', 'export', archive, '--to', copy)).err).toContain('already');
    const piped = execFileSync('sh', ['-c', '"$1" "$2" --data "$3" evidence export "$4" --to - 2>/dev/null | "$1" "$2" --data /nowhere evidence verify - --json --key "$5"', 'sh', process.execPath, moatBin, cli.dir, archive, String(made['fingerprint'])], { encoding: 'utf8' });
    expect(JSON.parse(piped)).toMatchObject({ ok: true, known: true, id: archive });

    const handed = await json('evidence', 'hand-over', archive, '--to', 'court', '--how', 'encrypted disk');
    expect(handed).toMatchObject({ number: 2, to: 'court', audited: true });
    expect((await moat('evidence', 'verify', archive, '--head', String(handed['head']))).status).toBe(0);
    // The copy is of before: it is whole, and lacks the last entry.
    expect((await moat('evidence', 'verify', copy)).status).toBe(0);
    expect((await moat('evidence', 'verify', copy, '--head', String(handed['head']))).status).toBe(1);
    const bytes = readFileSync(copy);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(copy, bytes);
    expect(await moat('evidence', 'verify', copy)).toMatchObject({ status: 1, out: expect.stringContaining('NOT as it was') as string });
    expect((await moat('evidence', 'verify', join(outside, 'none.tar'))).status).toBe(2);

    expect((await moat('evidence', 'hold', archive, '--why', 'case 7')).status).toBe(0);
    expect((await moat('evidence', 'remove', archive, '--why', 'x', '--yes')).err).toContain('case 7');
    expect((await moat('evidence', 'release', archive)).status).toBe(0);
    expect((await moat('evidence', 'remove', archive, '--why', 'x')).err).toContain('no terminal to ask on');
    expect((await moat('evidence', 'remove', archive, '--why', 'x', '--yes')).status).toBe(0);
    expect(existsSync(path)).toBe(false);
    expect(audit().filter((one) => one.endsWith(archive)).map((one) => one.split(' ')[0])).toEqual(['evidence-collect', 'evidence-export', 'evidence-export', 'evidence-hand-over', 'evidence-hold', 'evidence-release', 'evidence-remove']);
  });

  it('lets go of what is older than policy says, told first, and never of what is held', async () => {
    const [first, second] = [String((await collect())['id']), String((await collect())['id'])];
    await moat('evidence', 'hold', second, '--why', 'case 8');
    now += 181 * day;
    await evidence.expire();
    const kept = new Keep(cli.dir).list().map((row) => ('kept' in row ? row.kept.id : row.id));
    expect([kept.includes(first), kept.includes(second)]).toEqual([false, true]);
    expect(audit().filter((one) => one.startsWith('evidence-expire'))).toEqual([`evidence-expire ${first}`]);
    now -= 181 * day;
    for (const bad of [null, 7, {}, { operation: 'block' }, { operation: ['evidence-hold'] }]) await expect(Promise.resolve(evidence.handlers()['evidence-record']!(bad))).rejects.toThrow('expected one of');
    for (const bad of [null, {}, { id: '' }, { id: 7 }]) await expect(Promise.resolve(evidence.handlers()['evidence-story']!(bad))).rejects.toThrow('expected the id');
  });

  it('is stamped by an RFC 3161 service, which openssl proves; one that refuses is told of and stands in nobody’s way', async () => {
    const tsa = join(outside, 'tsa');
    mkdirSync(tsa);
    const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { cwd: tsa, stdio: ['ignore', 'pipe', 'pipe'] });
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'key.pem', '-out', 'cert.pem', '-subj', '/CN=test stamps', '-days', '2', '-addext', 'extendedKeyUsage=critical,timeStamping');
    writeFileSync(join(tsa, 'serial'), '01\n');
    writeFileSync(join(tsa, 'tsa.cnf'), '[tsa]\ndefault_tsa=one\n[one]\nserial=serial\nsigner_cert=cert.pem\nsigner_key=key.pem\nsigner_digest=sha256\ndefault_policy=1.2.3.4.1\ndigests=sha256\nordering=no\n');
    let refuses = false;
    const server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        if (refuses) { response.writeHead(503).end(); return; }
        writeFileSync(join(tsa, 'query'), Buffer.concat(parts));
        openssl('ts', '-reply', '-config', 'tsa.cnf', '-section', 'one', '-queryfile', 'query', '-out', 'reply');
        response.writeHead(200, { 'content-type': 'application/timestamp-reply' }).end(readFileSync(join(tsa, 'reply')));
      });
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => { server.on('listening', resolve); });
    writeFileSync(join(outside, 'moat.yml'), `evidence: { timestamp_url: 'http://127.0.0.1:${(server.address() as AddressInfo).port}/' }\n`);
    try {
      const made = await collect('--to', join(outside, 'stamped.tar'));
      expect(made).toMatchObject({ timestamp: true });
      execFileSync('tar', ['-xf', 'stamped.tar'], { cwd: outside });
      const at = join(outside, String(made['id']));
      expect(execFileSync('openssl', ['ts', '-verify', '-data', 'manifest.json', '-in', 'manifest.json.tsr', '-CAfile', join(tsa, 'cert.pem')], { cwd: at, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })).toContain('Verification: OK');
      expect((await moat('evidence', 'verify', join(outside, 'stamped.tar'))).out).toContain('timestamp');
      refuses = true;
      const late = await moat('incident', 'evidence', id, '--only', 'session', '--no-commands', '--to', join(outside, 'unstamped.tar'));
      expect(late).toMatchObject({ status: 0, err: expect.stringContaining('the service answered 503') as string });
      expect((await moat('evidence', 'verify', join(outside, 'unstamped.tar'))).status).toBe(0);
    } finally {
      server.close();
      writeFileSync(join(outside, 'moat.yml'), '');
    }
  });

  it('killed while it collects, what is there is told to be cut off, stays, and is collected anew', async () => {
    const before = readdirSync(join(cli.dir, 'evidence')).length;
    const child = spawn(process.execPath, [moatBin, '--data', cli.dir, 'incident', 'evidence', id, '--no-commands', '--only', 'file,session,kernel,log,storage,package'], { stdio: 'ignore' });
    const ended = new Promise((resolve) => { child.on('close', resolve); });
    await vi.waitFor(() => { expect(readdirSync(join(cli.dir, 'evidence')).length).toBeGreaterThan(before); }, { timeout: 60_000, interval: 5 });
    child.kill('SIGKILL');
    await ended;
    const broken = new Keep(cli.dir).list().filter((row) => 'broken' in row);
    expect(broken).toHaveLength(1);
    expect((await moat('evidence', 'list')).out).toContain('its writing was cut off');
    expect((await moat('evidence', 'verify', broken[0]!.path)).status).toBe(1);
    now += 400 * day;
    await evidence.expire();
    now -= 400 * day;
    expect(existsSync(broken[0]!.path)).toBe(true);
    expect((await moat('evidence', 'verify', String((await collect())['path']))).status).toBe(0);
  });

  it('says when its target is full, and leaves nothing that looks whole', async () => {
    const full = join(outside, 'full');
    mkdirSync(full);
    const small = await runMoat(['--data', cli.dir, 'incident', 'evidence', '--only', 'kernel,session', '--no-commands', '--to', join(full, 'a.tar')], ['unshare', '-m', 'sh', '-c', `mount -t tmpfs -o size=256k moat "${full}" && "$@"; code=$?; cp "${full}/a.tar" "${outside}/full.tar" 2>/dev/null; exit $code`, 'sh']);
    // Nothing fits beside what must stay free: all is missed, and the archive says so.
    expect(small.status === 0 ? 'all is missed' : small.err).toMatch(/all is missed|no space|空间|ENOSPC/);
    if (existsSync(join(outside, 'full.tar')) && small.status !== 0) expect((await moat('evidence', 'verify', join(outside, 'full.tar'))).status).toBe(1);
    if (small.status === 0) expect(small.out).toContain('could not be looked at');
  });
});

describe.skipIf(lacks({ root: true }))('moat evidence image', () => {
  it('kill -9 at any moment: run again it goes on, and the image is the disk; a full target is said before a byte is written', async () => {
    const disk = join(outside, 'disk.img'), target = join(outside, 'images');
    mkdirSync(target);
    writeFileSync(disk, Buffer.concat([randomBytes(8 * MiB), Buffer.alloc(184 * MiB, 7), randomBytes(8 * MiB)]));
    const image = (): ReturnType<typeof spawn> => spawn(process.execPath, [moatBin, '--data', cli.dir, 'evidence', 'image', disk, '--to', target, '--json'], { stdio: ['ignore', 'ignore', 'ignore'] });
    const child = image();
    const ended = new Promise((resolve) => { child.on('close', resolve); });
    await vi.waitFor(() => { expect(readdirSync(target).some((name) => name.endsWith('.progress'))).toBe(true); }, { timeout: 60_000, interval: 2 });
    child.kill('SIGKILL');
    await ended;
    expect(readdirSync(target).filter((name) => name.endsWith('.raw.json'))).toEqual([]);
    const done = await json('evidence', 'image', disk, '--to', target, '--why', 'a test');
    expect(Number(done['resumedAt'])).toBeGreaterThanOrEqual(64 * MiB);
    expect(readFileSync((done['copies'] as string[])[0]!).equals(readFileSync(disk))).toBe(true);
    expect(audit().at(-1)).toBe(`evidence-image ${disk}`);
    const small = join(outside, 'small');
    mkdirSync(small);
    const refused = await runMoat(['--data', cli.dir, 'evidence', 'image', disk, '--to', small], ['unshare', '-m', 'sh', '-c', `mount -t tmpfs -o size=100m moat "${small}" && "$@"`, 'sh']);
    expect(refused).toMatchObject({ status: 2, err: expect.stringContaining('expected room for') as string });
  });

  it.skipIf(lacks({ root: true, files: ['/dev/loop-control', '/usr/sbin/losetup'] }) || !hasLoop())('of a block device: its size and name by the kernel, the last odd sector too, and never onto itself', async () => {
    const backing = join(outside, 'backing.img'), target = join(outside, 'loop');
    mkdirSync(target);
    writeFileSync(backing, randomBytes(3 * MiB + 512));
    const device = execFileSync('losetup', ['--find', '--show', '--read-only', backing], { encoding: 'utf8' }).trim();
    try {
      const done = await json('evidence', 'image', device, '--to', target, '--why', 'a test');
      expect(done).toMatchObject({ bytes: 3 * MiB + 512, unreadable: 0 });
      expect(readFileSync((done['copies'] as string[])[0]!).equals(readFileSync(backing))).toBe(true);
    } finally { execFileSync('losetup', ['--detach', device]); }
  });
});

/** Whether this machine lets root make one: a container often does not. */
function hasLoop(): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    execFileSync('losetup', ['--find'], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn('skipped: images of block devices, no loop device can be had here');
    return false;
  }
}
