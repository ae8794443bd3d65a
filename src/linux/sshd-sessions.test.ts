import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { startSshd, sshdNeeds } from '../../test/live/sshd.ts';
import { lacks } from '../../test/need.ts';
import { Procfs } from './procfs.ts';
import { sshdSessions } from './sshd-sessions.ts';

const mine = (user: string): unknown[] => sshdSessions(new Procfs()).filter((one) => one.user === user).map(({ source_ip, terminal }) => [source_ip, terminal]);

describe.skipIf(lacks(sshdNeeds))('who works over SSH', () => {
  it('is told while a command runs without a terminal, and no longer; not who merely guesses', async () => {
    const sshd = await startSshd({ hostPids: true });
    const folder = mkdtempSync(join(tmpdir(), 'moat-ssh-')), end = join(folder, 'end');
    chmodSync(folder, 0o755);
    try {
      const before = mine(sshd.user).length;
      const command = sshd.run(`echo begun; while [ ! -e ${end} ]; do sleep 0.1; done`);
      while (!command.said().includes('begun')) await sleep(50);
      const now = mine(sshd.user);
      expect([now.length, now.at(-1)]).toEqual([before + 1, ['127.0.0.1', undefined]]);
      // Who only knocks is nobody yet.
      expect(await sshd.login('root', 'wrong')).toBe(false);
      expect(mine('root').filter((one) => (one as string[])[0] === '127.0.0.1')).toEqual([]);
      writeFileSync(end, '');
      await command.ended;
      while (mine(sshd.user).length > before) await sleep(50);
    } finally {
      writeFileSync(end, '');
      await sshd.stop();
      rmSync(folder, { recursive: true });
    }
  });
});

it('does not believe a process that calls itself so', async () => {
  const child = spawn('/usr/bin/perl', ['-e', '$0 = "sshd: forger\\@notty"; $| = 1; print "ready\n"; sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    expect(mine('forger')).toEqual([]);
  } finally { child.kill('SIGKILL'); }
});
