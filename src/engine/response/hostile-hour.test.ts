import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostileHour } from '../../../test/hostile-hour.ts';
import { lacks } from '../../../test/need.ts';

const namespace = `mth${process.pid}`;
/** `npm run bench -- respond` drives 12,000. */
const addresses = 1200;

describe.skipIf(lacks({ root: true, files: ['/usr/sbin/nft', '/usr/sbin/ip'] }))('an hour of ever new attackers', () => {
  beforeAll(() => { execFileSync('ip', ['netns', 'add', namespace]); });
  afterAll(() => { execFileSync('ip', ['netns', 'del', namespace]); });

  it('misses none, blocks each once, and holds no more than stand at a time', async () => {
    const { missed, standing, wanted, most, remembered, counted, lines, alerts } = await hostileHour(namespace, addresses);
    expect([missed, counted]).toEqual([[], {}]);
    expect([lines, alerts]).toEqual([addresses * 12, addresses]);
    // Ten minutes of sixty, those left out that end at this very moment.
    expect(wanted).toBe(addresses / 6 - 100);
    expect(standing).toBe(wanted);
    expect(most).toBeLessThanOrEqual(addresses / 6);
    expect(remembered).toBeLessThanOrEqual(addresses);
  });
});
