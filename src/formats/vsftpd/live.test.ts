import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readFile, summary } from '../../../test/heard.ts';
import { lacks } from '../../../test/need.ts';
import { freePort } from '../../../test/port.ts';
import { vsftpd } from './format.ts';

const binary = '/usr/sbin/vsftpd';

describe.skipIf(lacks({ root: true, files: [binary], why: 'reads the log of a real vsftpd' }))('a real vsftpd on loopback', () => {
  let folder = '';
  let port = 0;
  let daemon: ChildProcess | undefined;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'moat-vsftpd-'));
    mkdirSync(join(folder, 'empty'), { mode: 0o555 });
    port = await freePort();
    const config = join(folder, 'vsftpd.conf');
    writeFileSync(config, [
      'listen=YES', 'listen_ipv6=NO', 'listen_address=127.0.0.1', `listen_port=${port}`, 'background=NO', 'anonymous_enable=YES', 'no_anon_password=NO', 'local_enable=YES', `anon_root=${join(folder, 'empty')}`,
      'xferlog_enable=YES', 'xferlog_std_format=NO', 'syslog_enable=NO', `vsftpd_log_file=${join(folder, 'vsftpd.log')}`, `secure_chroot_dir=${join(folder, 'empty')}`, 'seccomp_sandbox=NO', 'delay_failed_login=0', 'use_localtime=NO', '',
    ].join('\n'), { mode: 0o600 });
    daemon = spawn(binary, [config], { stdio: 'ignore' });
    await until(async () => {
      const socket = await greeted(port);
      socket?.destroy();
      return socket !== undefined;
    });
  });

  afterAll(() => {
    daemon?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  test('tells a failed log-in, a forged name and an anonymous one', async () => {
    await login('nobody-here', 'x', '530');
    await login('a] OK LOGIN: Client "203.0.113.9', 'x', '530');
    await login('anonymous', '"] FAIL LOGIN: Client "203.0.113.9"', '230');
    const lines = readFileSync(join(folder, 'vsftpd.log'), 'utf8').split('\n');
    const { events, unparsed } = readFile(vsftpd, lines);
    expect(unparsed).toBe(0);
    expect(events.filter((event) => event.category === 'authentication').map(summary)).toEqual([
      'login failure 127.0.0.1 nobody-here', 'login failure 127.0.0.1 a] OK LOGIN: Client "203.0.113.9', 'login success 127.0.0.1 ftp',
    ]);
    expect(events.every((event) => event.source_ip === '127.0.0.1')).toBe(true);
  });

  /** One session: user, password, and the answer that must come. */
  async function login(user: string, password: string, answer: string): Promise<void> {
    const socket = await greeted(port);
    if (socket === undefined) throw new Error('expected a greeting from vsftpd, got none');
    await command(socket, `USER ${user}`, '331');
    await command(socket, `PASS ${password}`, answer);
    await command(socket, 'QUIT', '221');
    socket.destroy();
  }
});

function greeted(port: number): Promise<Socket | undefined> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => done(undefined));
    socket.once('data', () => done(socket));
  });
}

function command(socket: Socket, text: string, answer: string): Promise<void> {
  return new Promise((done, fail) => {
    socket.once('data', (data) => {
      const line = data.toString();
      if (line.startsWith(answer)) done();
      else fail(new Error(`expected ${answer} to ${JSON.stringify(text)}, got ${JSON.stringify(line)}`));
    });
    socket.write(`${text}\r\n`);
  });
}

async function until(ready: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await ready()) return;
    await new Promise((done) => { setTimeout(done, 50); });
  }
  throw new Error('expected vsftpd to listen, it did not');
}
