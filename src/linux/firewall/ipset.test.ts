import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { firewallContract } from '../../../test/firewall-contract.ts';
import { parseNetwork } from '../../core/networks.ts';
import { runner, type Run } from '../run.ts';
import { IpsetFirewall } from './ipset.ts';

const files = ['/usr/sbin/ipset', '/usr/sbin/iptables', '/usr/sbin/ip6tables', '/usr/sbin/ip', '/usr/bin/socat', '/bin/nc.openbsd'];
/** The same programs of the other kind of iptables. */
const legacy = (run: Run): Run => (program, args, options) => run(program.replace(/^(ip6?tables)/, '$1-legacy'), args, options);
const net = (text: string) => parseNetwork(text)!;

describe.skipIf(lacks({ root: true, files }))('ipset', () => {
  describe('with iptables as it is installed', () => { firewallContract(({ run }) => new IpsetFirewall(run)); });

  describe.each([['iptables', (run: Run) => run], ['iptables-legacy', legacy]] as const)('beside the rules of others, by %s', (name, by) => {
    const namespace = `mtx${process.pid}${name.length}`;
    const run = by(runner(['ip', 'netns', 'exec', namespace]));
    const rules = async (): Promise<string[]> => (await run('iptables-save', ['-t', 'raw'])).stdout.split('\n').filter((line) => line.startsWith('-A'));
    beforeAll(() => { execFileSync('ip', ['netns', 'add', namespace]); });
    afterAll(() => { execFileSync('ip', ['netns', 'del', namespace]); });

    it('comes first, once however often it is made, and goes without a trace', async () => {
      const mine = '-A PREROUTING -s 198.51.100.7/32 -j ACCEPT';
      expect((await run('iptables', ['-t', 'raw', ...mine.split(' ')])).code).toBe(0);
      const wall = new IpsetFirewall(run);
      await wall.ensure();
      await wall.block([{ network: net('203.0.113.9') }, { network: net('203.0.113.0/24'), until: Date.now() + 40 * 86_400_000 }]);
      await wall.ensure();
      expect((await rules()).filter((line) => line.startsWith('-A PREROUTING'))).toEqual(['-A PREROUTING -j MOAT-IN', mine]);
      // Longer than ipset counts: no end in the kernel.
      expect((await wall.list()).map(({ network, until }) => [network.text, until])).toEqual([['203.0.113.9', undefined], ['203.0.113.0/24', undefined]]);
      // An address inside of a blocked network is not blocked itself.
      expect(await wall.blocked([net('203.0.113.10')])).toEqual([]);
      expect((await wall.blocked([net('203.0.113.0/24'), net('203.0.113.0/25')])).map(({ text }) => text)).toEqual(['203.0.113.0/24']);
      await wall.allow([net('0.0.0.0/0'), net('::/0')]);
      await wall.remove();
      expect(await rules()).toEqual([mine]);
      expect((await run('ipset', ['list', '-n'])).stdout).toBe('');
    });

    it('refuses what it cannot do, and says what is needed', async () => {
      const wall = new IpsetFirewall(run);
      await expect(wall.put()).rejects.toMatchObject({ code: 'no-firewall', hint: expect.stringContaining('nftables') });
      expect([await wall.standing(), await wall.check()]).toEqual([[], 'none']);
    });
  });
});
