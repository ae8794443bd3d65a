import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { sshdNeeds, startSshd } from '../../../test/live/sshd.ts';
import { lacks } from '../../../test/need.ts';
import { scanRoot } from '../../../test/throwaway-root.ts';
import { guessedLogon } from './check.ts';

describe.skipIf(lacks({ ...sshdNeeds, why: 'a real sshd writes what we read' }))('a real sshd, with PAM and rsyslog', () => {
  it('whose password is guessed is told by its log, and who mistyped once is not', async () => {
    const server = await startSshd();
    try {
      const scan = async () => (await scanRoot([guessedLogon], { '/var/log/auth.log': readFileSync(server.authLog) })).findings;
      const accepted = async (times: number): Promise<void> => { for (let i = 0; i < 50 && readFileSync(server.authLog, 'utf8').split('Accepted password').length <= times; i += 1) await sleep(100); };
      expect(await server.login(server.user, 'mistyped')).toBe(false);
      expect(await server.login(server.user, server.password)).toBe(true);
      await accepted(1);
      expect(await scan()).toEqual([]);
      const names = ['root', 'admin', 'nobody-here', 'git', 'oracle', 'test'];
      for (const password of ['123456', 'admin']) expect(await Promise.all(names.map((name) => server.login(name, password)))).not.toContain(true);
      expect(await server.login(server.user, server.password)).toBe(true);
      await accepted(2);
      // Whoever logs on here had done so before: the account is known, and the same attempts before a first log-on are a guess.
      expect((await scan()).map(({ kind, level, user, address }) => ({ kind, level, user, address }))).toEqual([{ kind: 'notice', level: 'low', user: server.user, address: '127.0.0.1' }]);
      const lines = readFileSync(server.authLog, 'utf8').split('\n');
      const later = lines.slice(lines.findIndex((line) => line.includes('Accepted password')) + 1).join('\n');
      const [guessed, ...more] = (await scanRoot([guessedLogon], { '/var/log/auth.log': later })).findings;
      expect(more).toEqual([]);
      expect(guessed).toMatchObject({ kind: 'intrusion', level: 'medium', user: server.user, address: '127.0.0.1' });
      expect(guessed!.evidence[2]!.value).toContain(`Accepted password for ${server.user} from 127.0.0.1`);
    } finally {
      await server.stop();
    }
  });
});
