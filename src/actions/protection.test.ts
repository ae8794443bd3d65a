import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseNetwork } from '../core/networks.ts';
import { Protection } from './protection.ts';

const day = 86_400_000, now = Date.parse('2026-11-22T12:00:00Z');
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'moat-protection-'));
  for (const folder of ['etc', 'var/log', 'run']) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/bash\nwang:x:1001:1001::/home/wang:/bin/bash\nweb:x:1002:1002::/srv:/bin/bash\n');
  writeFileSync(join(root, 'etc/group'), 'sudo:x:27:wang\nweb:x:1002:\n');
});
afterEach(() => { rmSync(root, { recursive: true }); });

/** A log-on and its end, as wtmp has them. */
function session(user: string, address: string, since: number, terminal: string): Buffer {
  const wide = process.arch === 'arm64';
  const record = (type: number, time: number): Buffer => {
    const bytes = Buffer.alloc(wide ? 400 : 384);
    bytes.writeInt16LE(type, 0);
    bytes.write(terminal, 8);
    if (type === 7) { bytes.write(user, 44); bytes.write(address, 76); }
    if (wide) bytes.writeBigInt64LE(BigInt(Math.floor(time / 1000)), 344);
    else bytes.writeUInt32LE(Math.floor(time / 1000), 340);
    return bytes;
  };
  return Buffer.concat([record(7, since), record(8, since + 3_600_000)]);
}
const net = (text: string) => parseNetwork(text)!;
const open = (more: Partial<ConstructorParameters<typeof Protection>[0]> = {}): Protection => new Protection({ root, allow: [], own: () => [], now: () => now, ...more });

describe('what is never blocked by itself', () => {
  it('is from where administrators logged on within thirty days, also inside a network, with the day as the reason', () => {
    writeFileSync(join(root, 'var/log/wtmp'), Buffer.concat([
      session('wang', '203.0.113.7', now - 3 * day, 'pts/0'), session('root', '203.0.113.8', now - 29 * day, 'pts/1'), session('web', '203.0.113.9', now - 3 * day, 'pts/2'), session('wang', '203.0.113.10', now - 31 * day, 'pts/3'), session('root', '198.51.100.5', now - 3 * 3_600_000, 'pts/4'),
    ]));
    const protection = open();
    expect(protection.address(net('203.0.113.7'))).toMatchObject({ never: false, why: { en: expect.stringContaining('the administrator wang logged on from 203.0.113.7 on 2026-11-19') } });
    expect(protection.address(net('203.0.113.8'))?.why.en).toContain('root');
    expect(protection.address(net('203.0.113.0/25'))?.never).toBe(false);
    // No administrator; too long ago; and who has come in today may have guessed the password.
    for (const text of ['203.0.113.9', '203.0.113.10', '198.51.100.5']) expect(protection.address(net(text))).toBeUndefined();
    expect(() => protection.mayCutOff(net('203.0.113.7'), true)).not.toThrow();
    expect(() => protection.mayCutOff(net('203.0.113.7'), false)).toThrow('the administrator wang');
  });

  it('is of a country that is allowed, unless a person insists', () => {
    const protection = open({ countries: ['CN'], country: (address) => (address.startsWith('203.0.113.') ? 'CN' : address.startsWith('198.') ? 'DE' : undefined) });
    expect(protection.address(net('203.0.113.9'))).toMatchObject({ never: false, why: { en: expect.stringContaining('CN') } });
    expect(protection.address(net('203.0.113.0/24'))?.never).toBe(false);
    for (const text of ['198.51.100.9', '2001:db8::9']) expect(protection.address(net(text))).toBeUndefined();
    protection.configure([]);
    expect(protection.address(net('203.0.113.9'))).toBeUndefined();
  });

  it('is from where somebody works now without a terminal, until that session ends', () => {
    mkdirSync(join(root, 'run/systemd/sessions'), { recursive: true });
    const logind = (state: string): void => { writeFileSync(join(root, 'run/systemd/sessions/7'), `UID=1001\nUSER=wang\nACTIVE=1\nSTATE=${state}\nREMOTE=1\nREMOTE_HOST=203.0.113.20\nLEADER=700\n`); };
    logind('active');
    expect(open().address(net('203.0.113.20'))).toMatchObject({ never: false, why: { en: expect.stringContaining('wang is logged on from 203.0.113.20') } });
    expect(open().address(net('203.0.113.0/24'))?.never).toBe(false);
    expect([open().loggedOn().map(({ text }) => text), open().letThrough().map(({ text }) => text)]).toEqual([['203.0.113.20'], ['203.0.113.20']]);
    logind('closing');
    expect(open().address(net('203.0.113.20'))).toBeUndefined();
  });

  it('is the whole internet in any spelling, and this machine by its mapped address', () => {
    for (const text of ['0.0.0.0/0', '::/0', '::ffff:0:0/96', '::ffff:0.0.0.0/97', '128.0.0.0/1', '2000::/3']) expect(open().address(net(text))?.never, text).toBe(true);
    const own = { own: () => [net('198.51.100.7')] };
    for (const text of ['::ffff:198.51.100.7', '::FFFF:C633:6407', '198.51.100.7/32', '198.51.100.7/20']) expect(open(own).address(net(text))?.never, text).toBe(true);
  });

  it('is what every machine in a cloud asks of the cloud', () => { expect(open().address(net('169.254.169.254'))?.never).toBe(true); });
});

it('holds somebody of ours: an IPv6 network with this machine, the allow list, whoever was logged on; not one without', () => {
  writeFileSync(join(root, 'var/log/wtmp'), session('wang', '2001:db8:5::77', now - 3 * day, 'pts/0'));
  const protection = open({ own: () => [net('2001:db8:1::1')], allow: [net('2001:db8:2::9'), net('2001:db8:3::/48')] });
  expect(['2001:db8:1::/64', '2001:db8:2::/64', '2001:db8:3:4::/64', '2001:db8:5::/64', '2001:db8:6::/64', '2001:db8:1:1::/64'].map((text) => protection.holdsOurs(net(text)))).toEqual([true, true, true, true, false, false]);
  // Single addresses beside them may be blocked all the same.
  expect(['2001:db8:1::2', '2001:db8:2::1', '2001:db8:5::78'].map((text) => protection.address(net(text)))).toEqual([undefined, undefined, undefined]);
});
