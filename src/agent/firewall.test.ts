import { describe, expect, it } from 'vitest';
import { MoatError } from '../core/error.ts';
import type { Run } from '../linux/run.ts';
import { diagnoseFirewall, openFirewall } from './firewall.ts';

/** A machine with these programs, all of which agree to everything. */
const machine = (...programs: string[]): { run: Run; ran: string[] } => {
  const ran: string[] = [];
  return { ran, run: (program) => {
    ran.push(program);
    return programs.includes(program) ? Promise.resolve({ code: 0, stdout: '', stderr: '' }) : Promise.reject(new MoatError('no-program', `expected the program ${program}`));
  } };
};
const options = { now: () => 0 };

describe('the packet filter', () => {
  it('is ipset where there is no nft, and none where there is neither', async () => {
    const { run, ran } = machine('ipset', 'iptables', 'ip6tables', 'iptables-restore', 'ip6tables-restore');
    expect((await openFirewall(run, 'auto', options)).id).toBe('ipset');
    expect(ran[0]).toBe('nft');
    await expect(openFirewall(run, 'nftables', options)).rejects.toMatchObject({ code: 'no-firewall' });
    await expect(openFirewall(machine().run, 'auto', options)).rejects.toMatchObject({ code: 'no-firewall', hint: expect.stringContaining('nftables') });
    await expect(openFirewall(run, 'off', options)).rejects.toMatchObject({ code: 'no-firewall' });
  });

  it('that is there and does not work is told, not passed over', async () => {
    const run: Run = (program) => Promise.resolve(program === 'nft' ? { code: 1, stdout: '', stderr: 'no rights' } : { code: 0, stdout: '', stderr: '' });
    await expect(openFirewall(run, 'auto', options)).rejects.toMatchObject({ code: 'firewall' });
  });

  it.each([['auto', ['nft', 'ipset', 'iptables'], 'live', 'nftables'], ['auto', ['ipset', 'iptables'], 'waiting', 'it blocks only'], ['ipset', ['nft', 'ipset', 'iptables'], 'live', 'it blocks only'], ['auto', ['iptables'], 'blind', 'no packet filter'], ['off', ['nft'], 'blind', 'switched off']] as const)('%s with %j: doctor says %s', (choice, programs, state, words) => {
    const { state: is, what } = diagnoseFirewall(choice, (program) => (programs as readonly string[]).includes(program));
    expect([is, what.en]).toEqual([state, expect.stringContaining(words)]);
  });
});
