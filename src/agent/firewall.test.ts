import { describe, expect, it } from 'vitest';
import { MoatError } from '../core/error.ts';
import type { Run } from '../linux/run.ts';
import { diagnoseFirewall, mustHaveFirewall, openFirewall } from './firewall.ts';

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

  it('is looked for before anything begins: none is none, and ipset only blocks', () => {
    const there = (...programs: string[]) => (program: string): boolean => programs.includes(program);
    const refused = (text: string): object => expect.objectContaining({ code: 'no-firewall', message: expect.stringContaining(text) as string, hint: expect.any(String) as string }) as object;
    expect(() => { mustHaveFirewall('off', 'blocks', there('nft')); }).toThrow(refused('response.firewall: off'));
    for (const wanted of ['blocks', 'measures'] as const) expect(() => { mustHaveFirewall('auto', wanted, there('iptables')); }).toThrow(refused('got none'));
    expect(() => { mustHaveFirewall('nftables', 'blocks', there('ipset', 'iptables')); }).toThrow(refused('expected nftables on this machine'));
    expect(() => { mustHaveFirewall('auto', 'measures', there('ipset', 'iptables')); }).toThrow(refused('only blocks'));
    expect(() => { mustHaveFirewall('ipset', 'measures', there('nft', 'ipset', 'iptables')); }).toThrow(refused('only blocks'));
    mustHaveFirewall('auto', 'blocks', there('ipset', 'iptables'));
    mustHaveFirewall('auto', 'measures', there('nft'));
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
