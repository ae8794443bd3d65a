import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { scanRoot, shown } from '../../../test/throwaway-root.ts';
import { clamavCheck } from './check.ts';

const bad = 'green tea that is not tea';

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'moat-clam-'));
  onTestFinished(() => { rmSync(made, { recursive: true, force: true }); });
  return made;
}

/** Speaks the protocol as its manual tells; `answer` decides what is said of a file. */
async function fakeClamd(answer: (bytes: Buffer, connection: Socket) => string | undefined): Promise<{ socket: string; files: Buffer[] }> {
  const socket = join(folder(), 'clamd.sock');
  const files: Buffer[] = [];
  const server = createServer((connection) => {
    let got = Buffer.alloc(0);
    connection.on('error', () => undefined);
    connection.on('data', (bytes) => {
      got = Buffer.concat([got, bytes]);
      if (!got.subarray(0, 10).equals(Buffer.from('zINSTREAM\0'))) return;
      const parts: Buffer[] = [];
      let at = 10;
      for (;;) {
        if (got.length < at + 4) return;
        const length = got.readUInt32BE(at);
        if (length === 0) break;
        if (got.length < at + 4 + length) return;
        parts.push(got.subarray(at + 4, at + 4 + length));
        at += 4 + length;
      }
      const file = Buffer.concat(parts);
      files.push(file);
      const said = answer(file, connection);
      if (said !== undefined) connection.end(`${said}\0`);
    });
  });
  await new Promise<void>((resolve) => { server.listen(socket, resolve); });
  onTestFinished(() => { server.close(); });
  return { socket, files };
}

it('asks clamd about programs and files of odd places that no package has', async () => {
  const { socket, files } = await fakeClamd((bytes) => (bytes.includes(bad) ? 'stream: Unix.Trojan.Tea-1 FOUND' : bytes.includes('doubt') ? 'stream: PUA.Tea FOUND' : 'stream: OK'));
  const big = Buffer.alloc(700_000, 'x');
  const report = await scanRoot([clamavCheck({ sockets: ['/nowhere', socket] })], { '/tmp/x': bad, '/tmp/y': 'doubt', '/tmp/big': big, '/usr/bin/owned': { text: bad, mode: 0o755, package: 'tea' }, '/opt/text': bad });
  expect(shown(report)).toEqual(['high /tmp/x', 'low /tmp/y']);
  expect(files.map(({ length }) => length).sort((a, b) => a - b)).toEqual([5, bad.length, big.length]);
  expect(report.findings[0]!.title.en).toContain('Unix.Trojan.Tea-1');
});

it('is no blind spot where clamd does not run, and says so in the counts', async () => {
  const report = await scanRoot([clamavCheck({ sockets: ['/nowhere'] })], { '/tmp/x': bad });
  expect(report.blind).toEqual([]);
  expect(report.findings).toEqual([]);
  expect(report.counts).toMatchObject({ 'ClamAV not asked: clamd does not run here': 1 });
});

it('tells files it got no answer for, and stops asking after some', async () => {
  const silent = await fakeClamd(() => undefined);
  const names = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`/tmp/f${i}`, 'x']));
  const report = await scanRoot([clamavCheck({ sockets: [silent.socket], timeoutMs: 200 })], names);
  expect(report.blind.length).toBeGreaterThanOrEqual(3);
  expect(report.blind.length + (report.counts['files ClamAV was not asked about: it had failed'] ?? 0)).toBe(8);
  const strange = await fakeClamd((_, connection) => { connection.write('x'.repeat(100_000)); return undefined; });
  expect((await scanRoot([clamavCheck({ sockets: [strange.socket] })], { '/tmp/x': 'x' })).blind).toHaveLength(1);
  const limit = await fakeClamd(() => 'INSTREAM size limit exceeded. ERROR');
  expect((await scanRoot([clamavCheck({ sockets: [limit.socket] })], { '/tmp/x': 'x' })).counts).toMatchObject({ 'files too large for ClamAV': 1 });
});

it.skipIf(lacks({ root: true, files: ['/usr/sbin/clamd'] }))('works with the real clamd', { timeout: 60_000 }, async () => {
  const home = folder();
  const socket = join(home, 'clamd.sock');
  writeFileSync(join(home, 'own.hdb'), `${createHash('md5').update(bad).digest('hex')}:${bad.length}:Moat.Test.Tea\n`);
  writeFileSync(join(home, 'clamd.conf'), `LocalSocket ${socket}\nDatabaseDirectory ${home}\nForeground yes\nUser root\nTemporaryDirectory ${home}\nOfficialDatabaseOnly no\n`);
  const clamd = spawn('/usr/sbin/clamd', ['-c', join(home, 'clamd.conf')], { stdio: 'ignore' });
  onTestFinished(() => { clamd.kill('SIGKILL'); });
  await expect.poll(() => existsSync(socket), { timeout: 40_000 }).toBe(true);
  const report = await scanRoot([clamavCheck({ sockets: [socket] })], { '/tmp/x': bad, '/tmp/y': 'black tea' });
  expect(shown(report)).toEqual(['high /tmp/x']);
  expect(report.findings[0]!.title.en).toContain('Moat.Test.Tea');
  expect(report.blind).toEqual([]);
});
