import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeAll, decodeOne, surestFormat } from '../../../test/decode.ts';
import { lacks } from '../../../test/need.ts';
import { freePort } from '../../../test/port.ts';
import { redis } from './format.ts';

describe('Redis', () => {
  it.each([
    ['12:M 22 Nov 2026 02:27:01.123 # Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to Redis. Connection from 203.0.113.7:4711 aborted.', { action: 'attack', outcome: 'failure', source_ip: '203.0.113.7', source_port: 4711, severity: 'warning', pid: 12, time: Date.UTC(2026, 10, 22, 2, 27, 1, 123) }],
    ['[12] 22 Nov 02:27:01.123 # Possible SECURITY ATTACK detected. It looks like somebody is sending POST. Connection aborted.', { action: 'attack', pid: 12, time: Date.UTC(2026, 10, 22, 2, 27, 1, 123) }],
    ["12:S 22 Nov 2026 02:27:01.123 * REPLICAOF 203.0.113.7:8886 enabled (user request from 'id=3 addr=198.51.100.9:4711 laddr=10.0.0.1:6379 fd=8')", { action: 'replica-of', outcome: 'success', source_ip: '198.51.100.9', destination_ip: '203.0.113.7', destination_port: 8886 }],
    ['12:M 22 Nov 2026 02:27:01.123 * Module \'system\' loaded from /tmp/x.so', { action: 'module-load', outcome: 'success' }],
    ['12:M 22 Nov 2026 02:27:01.123 # Failed opening the RDB file root (in server root dir /var/spool/cron) for saving: Permission denied', { action: 'save', outcome: 'failure' }],
    ['12:M 22 Nov 2026 02:27:01.123 * Ready to accept connections', { action: 'log', outcome: 'unknown', severity: 'notice' }],
  ])('%s', (line, fields) => {
    expect(decodeOne(redis, line)).toMatchObject({ kind: 'database', service: 'redis', ...fields });
    expect(surestFormat(line)).toBe('redis');
  });
});

describe.skipIf(lacks({ files: ['/usr/bin/redis-server'] }))('a real Redis', () => {
  it('reports a request of another protocol', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'moat-redis-'));
    const log = join(folder, 'redis.log');
    const port = await freePort();
    const server = spawn('/usr/bin/redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--logfile', log, '--save', '', '--dir', folder], { stdio: 'ignore' });
    try {
      // The log is what is waited for: a connection may end before Redis has read what it was sent.
      await until(async () => { await say(port, 'POST / HTTP/1.1\r\nHost: x\r\n\r\n'); return written(log).includes('SECURITY ATTACK'); });
      await until(async () => { await say(port, 'REPLICAOF 127.0.0.1 1\r\n'); return written(log).includes('REPLICAOF'); });
      const { events, unparsed } = decodeAll(redis, written(log).split('\n').filter((line) => line !== '' && /^\d+:/.test(line)));
      expect(unparsed).toBe(0);
      expect(events.find(({ action }) => action === 'attack')).toMatchObject({ outcome: 'failure' });
      expect(events.find(({ action, outcome }) => action === 'replica-of' && outcome === 'success')).toMatchObject({ destination_ip: '127.0.0.1', destination_port: 1, source_ip: '127.0.0.1' });
    } finally {
      const ended = new Promise((resolve) => { server.once('exit', resolve); });
      server.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

const written = (log: string): string => existsSync(log) ? readFileSync(log, 'utf8') : '';

/** Sends text and waits for the end of the connection, however it ends. */
function say(port: number, text: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(text));
    socket.on('data', () => undefined);
    socket.on('close', () => resolve());
    socket.on('error', () => undefined);
  });
}

async function until(happened: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !await happened(); tries++) {
    if (tries > 200) throw new Error('redis-server wrote nothing of it');
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}
