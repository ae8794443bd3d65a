import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../core/format.ts';
import { syslog } from '../../formats/syslog/format.ts';
import { sshdNeeds, startSshd } from '../../../test/live/sshd.ts';
import { lacks } from '../../../test/need.ts';

function decode(text: string): Event[] {
  const events: Event[] = [];
  const decoder = syslog.open({ idPrefix: 'live:', source: 'auth.log', host: 'local', now: () => Date.now(), zoneOffset: () => -new Date().getTimezoneOffset() }, (event) => { events.push(event); });
  for (const [index, line] of text.split('\n').entries()) decoder.decode(line, { line: index + 1, position: index });
  expect(decoder.unparsed).toBe(0);
  return events;
}

describe.skipIf(lacks({ ...sshdNeeds, why: 'a real sshd writes what we read' }))('a real sshd, with PAM and rsyslog', () => {
  it('each password is one attempt, and no name moves the address', async () => {
    const names = ['nobody-here', 'root', 'x from 203.0.113.9 port 22 ssh2', 'x 203.0.113.9 port 22', 'Accepted password for root from 203.0.113.9 port 22 ssh2', 'a  b'];
    const server = await startSshd();
    try {
      expect(await Promise.all([...names, server.user].map((name) => server.login(name, 'wrong')))).not.toContain(true);
      expect(await server.login(server.user, server.password)).toBe(true);
      // The last lines come with the close, a moment after the client has gone.
      for (let i = 0; i < 50 && !readFileSync(server.authLog, 'utf8').includes('session closed'); i += 1) await sleep(100);
      const events = decode(readFileSync(server.authLog, 'utf8')).filter(({ kind }) => kind === 'sshd');
      const failures = events.filter(({ action, outcome }) => action === 'login' && outcome === 'failure');
      expect(failures.length).toBe(names.length + 1);
      expect(new Set(failures.map(({ user }) => user))).toEqual(new Set([...names, server.user]));
      expect(failures.map(({ source_ip: address }) => address)).toEqual(failures.map(() => '127.0.0.1'));
      expect(events.filter(({ action, outcome }) => action === 'login' && outcome === 'success').map(({ user, source_ip: address, method }) => [user, address, method])).toEqual([[server.user, '127.0.0.1', 'password']]);
      expect(events.filter(({ source_ip: address }) => address === '203.0.113.9')).toEqual([]);
      // pam_env complains about its own settings; everything else is understood.
      expect(events.filter(({ action, message }) => action === undefined && !message?.startsWith('pam_env(')).map(({ message }) => message)).toEqual([]);
    } finally {
      await server.stop();
    }
  });
});
