import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { alertOf } from '../../test/incidents.ts';
import { hostIp, hostIp6, Net, otherIp, outsideIp, outsideIp6 } from '../../test/namespaces.ts';
import { lacks } from '../../test/need.ts';
import { Event } from '../core/gen/event.ts';
import { Health } from '../engine/health.ts';
import { captureItems } from '../evidence/capture/cut.ts';
import type { Item } from '../evidence/item.ts';
import { Capture, type CaptureKept } from './capture.ts';
import { parseConfig } from './config.ts';

const needs = lacks({ root: true, files: ['/usr/bin/tcpdump', '/usr/sbin/ip', '/usr/bin/socat', '/bin/nc.openbsd', '/usr/sbin/nft'] });
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined };
const settings = (more = '', response = '{}') => parseConfig(`evidence: { capture: { enabled: true, memory_mb: 8, disk_mb: 8${more} } }\nresponse: ${response}`, 'moat.yml');

/** The packets of an archive's item, as tcpdump reads them: one line each. */
async function told(dataFolder: string, addresses: string[], window: { from?: number; until?: number } = {}): Promise<{ lines: string[]; marks: string[]; path: string }> {
  const [item] = captureItems({ dataFolder, tool: 'moat test', addresses, from: window.from ?? 0, until: window.until ?? Date.now() }) as [Item];
  const opened = await item.open(AbortSignal.timeout(10_000));
  const parts: Buffer[] = [];
  for await (const piece of opened.read) parts.push(Buffer.from(piece));
  const path = join(dataFolder, 'cut.pcapng');
  writeFileSync(path, Buffer.concat(parts));
  const lines = execFileSync('tcpdump', ['-n', '-r', path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).split('\n').filter(Boolean);
  return { lines, marks: (opened.marks?.() ?? []).map(({ what }) => what), path };
}

describe.skipIf(needs)('packets of a network namespace', () => {
  let net: Net, data: string, capture: Capture, health: Health;
  beforeAll(async () => {
    net = new Net();
    await net.listen(net.host, 4444);
    await net.listen(net.host, 22);
    await net.listen(net.outside, 4444);
  });
  afterAll(async () => { await net.close(); });
  const begin = async (config = settings()): Promise<void> => {
    data = mkdtempSync(join(tmpdir(), 'moat-capture-'));
    health = new Health(Date.now);
    capture = new Capture({ health, log, now: Date.now, dataFolder: data, tool: 'moat test', within: ['ip', 'netns', 'exec', net.host] });
    await capture.configure(config);
    await vi.waitFor(() => { expect(health.report().parts['packet capture']?.state).toBe('live'); }, 20_000);
  };
  const end = async (): Promise<void> => {
    await capture.stop();
    rmSync(data, { recursive: true });
  };
  const keep = (addresses: string[]): Promise<CaptureKept> => capture.handlers()['capture-keep']!({ addresses, from: 0 }) as Promise<CaptureKept>;
  const alert = (source: string) => alertOf('a1', Object.assign(new Event('e1', Date.now(), 'network_connection'), { source_ip: source }), { level: 'high', attack: [] });
  /** The process that reads what strangers send. */
  const child = (): string => readdirSync('/proc').find((pid) => /^\d+$/.test(pid) && existsSync(`/proc/${pid}/fd/4`) && cmdline(pid).includes('capture-child') && linkIn(pid, data)) ?? '';
  const cmdline = (pid: string): string => { try { return readFileSync(`/proc/${pid}/cmdline`, 'utf8'); } catch { return ''; } };
  const linkIn = (pid: string, folder: string): boolean => { try { return execFileSync('readlink', [`/proc/${pid}/fd/4`], { encoding: 'utf8' }).startsWith(folder); } catch { return false; } };

  it('what came before an alert and after it is kept of its address alone, IPv4 and IPv6, both ways; tcpdump reads it', async () => {
    await begin();
    const early = await net.connection(net.outside, hostIp, 4444, { from: outsideIp });
    expect(await early.says('before the alert')).toBe(true);
    const other = await net.connection(net.outside, hostIp, 4444, { from: otherIp });
    expect(await other.says('somebody else')).toBe(true);
    expect(existsSync(join(data, 'capture', 'b.pcapng')) && statSync(join(data, 'capture', 'a.pcapng')).size).toBe(0);
    capture.onAlerts([alert(outsideIp)]);
    expect(await early.says('after the alert')).toBe(true);
    await keep([]);
    const found = await told(data, [outsideIp]);
    expect(found.marks).toEqual([]);
    expect(found.lines.some((line) => line.includes(`${outsideIp}.`) && line.includes(' In ') && line.includes('[S]'))).toBe(true);
    expect(found.lines.some((line) => line.includes(' Out '))).toBe(true);
    expect(found.lines.join('\n')).not.toContain(otherIp);
    const bytes = readFileSync(found.path);
    for (const text of ['before the alert', 'after the alert']) expect(bytes.includes(text)).toBe(true);
    expect(bytes.includes('somebody else')).toBe(false);
    // Once each: what was kept is not kept again when it is asked for again.
    const { kept } = await keep([outsideIp]);
    expect((await told(data, [outsideIp])).lines).toHaveLength(found.lines.length);
    expect(kept).toBe(found.lines.length);
    expect((await told(data, [outsideIp], { until: Date.now() - 3_600_000 })).lines).toEqual([]);
    const six = await net.connection(net.outside, hostIp6, 4444);
    expect(await six.says('over six')).toBe(true);
    await keep([outsideIp6]);
    const second = await told(data, [outsideIp6]);
    expect(readFileSync(second.path).includes('over six')).toBe(true);
    expect(second.lines.every((line) => line.includes('IP6'))).toBe(true);
    await end();
  });

  it('runs as nobody with no rights, and nobody else can read what it keeps', async () => {
    await begin();
    const status = readFileSync(`/proc/${child()}/status`, 'utf8');
    expect(status).toMatch(/^Uid:\s+65534\s+65534\s+65534\s+65534$/m);
    expect(status).toMatch(/^Groups:\s*$/m);
    for (const set of ['CapPrm', 'CapEff', 'CapInh', 'CapAmb']) expect(status).toMatch(new RegExp(`^${set}:\\s+0000000000000000$`, 'm'));
    // The bounding set is nothing it could use: without a program that gives rights there is no way back to them.
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
    for (const task of readdirSync(`/proc/${child()}/task`)) expect(readFileSync(`/proc/${child()}/task/${task}/status`, 'utf8')).toMatch(/^CapEff:\s+0000000000000000$/m);
    expect(statSync(join(data, 'capture', 'a.pcapng')).mode & 0o777).toBe(0o600);
    expect(statSync(join(data, 'capture')).mode & 0o777).toBe(0o700);
    await end();
  });

  it('leaves out the operator and the management channel, but not who speaks to such a port elsewhere', async () => {
    await begin(settings(`, without: [${otherIp}]`, `{ allow: ['${outsideIp6}/128'], management: { ports: [22] } }`));
    const speak = async (from: string, to: string, port: number, text: string): Promise<void> => { expect(await (await net.connection(net.outside, to, port, { from })).says(text)).toBe(true); };
    await speak(otherIp, hostIp, 4444, 'operator left out');
    await speak(outsideIp6, hostIp6, 4444, 'allowed left out');
    await speak(outsideIp, hostIp, 22, 'channel left out');
    await speak(outsideIp, hostIp, 4444, 'stranger is seen');
    // To the same port, on the machine outside: somebody within speaks to an intruder's sshd.
    await net.listen(net.outside, 22);
    expect(await (await net.connection(net.host, outsideIp, 22, { from: hostIp })).says('outward is seen')).toBe(true);
    await keep([otherIp, outsideIp6, outsideIp]);
    const bytes = readFileSync((await told(data, [otherIp, outsideIp6, outsideIp])).path);
    expect(['stranger is seen', 'outward is seen', 'operator left out', 'allowed left out', 'channel left out'].map((text) => bytes.includes(text))).toEqual([true, true, false, false, false]);
    await end();
  });

  it('killed, it begins again, and what was kept before is there; off, it is gone', async () => {
    await begin();
    const line = await net.connection(net.outside, hostIp, 4444, { from: outsideIp });
    expect(await line.says('first life')).toBe(true);
    await keep([outsideIp]);
    const pid = child();
    process.kill(Number(pid), 'SIGKILL');
    await vi.waitFor(() => { expect(health.report().counters['packet capture: begun again']).toBe(1); }, 10_000);
    // As after a cut in the middle of a block.
    const path = join(data, 'capture', 'a.pcapng');
    writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from('060000006400000000', 'hex')]));
    await vi.waitFor(() => { expect(child()).not.toBe(''); expect(health.report().parts['packet capture']?.state).toBe('live'); }, 20_000);
    expect(await line.says('second life')).toBe(true);
    await keep([outsideIp]);
    const found = await told(data, [outsideIp]);
    const bytes = readFileSync(found.path);
    expect(['first life', 'second life'].map((text) => bytes.includes(text))).toEqual([true, true]);
    expect(found.marks).toEqual(['failed']);
    await capture.configure(parseConfig('', 'moat.yml'));
    expect(child()).toBe('');
    expect(await keep([outsideIp])).toEqual({ on: false, kept: 0, dropped: 0 });
    await end();
  });
});
