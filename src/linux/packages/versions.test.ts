/** Against dpkg and rpm themselves. */
import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { compareDpkgVersions, compareRpmVersions } from './versions.ts';

const versions = [
  '1', '1.0', '1.0.0', '01', '1.1', '1.10', '1.9', '1a', '1.a', '1a1', '1.0a', '1~', '1~rc1', '1~~', '1^', '1^git1', '1^git1~pre', '1.0~rc1', '1.0^a', '2', '10', '1+b1', '1.0+dfsg',
  '0:1', '1:0.1', '2:0', '1-1', '1-1.1', '1-10', '1-2', '1-1~bpo12+1', '1.0-0', '1-', '1.2.3-4ubuntu5', '1.2.3-4ubuntu5.1', '20261122', '1.20261122', 'abc', 'abd', 'a.b', 'Z', '5.14.0-427.el9', '5.14.0-70.el9', '99999999999999999999', '100000000000000000000',
];
const sign = (n: number): number => Math.sign(n) + 0;
const pairs = versions.flatMap((a) => versions.map((b) => [a, b] as const));

describe.skipIf(lacks({ files: ['/usr/bin/dpkg'] }))('dpkg', () => {
  it('orders as dpkg --compare-versions does', () => {
    const asked = pairs.filter(([a, b]) => [a, b].every((version) => /^(?:\d+:)?\d[\w.+~]*(?:-[\w.+~]+)?$/.test(version))).filter((_, i) => i % 3 === 0);
    expect(asked.length).toBeGreaterThan(200);
    const wrong = asked.filter(([a, b]) => {
      const told = spawnSync('dpkg', ['--compare-versions', a, 'lt', b]).status === 0 ? -1 : spawnSync('dpkg', ['--compare-versions', a, 'eq', b]).status === 0 ? 0 : 1;
      return told !== sign(compareDpkgVersions(a, b));
    });
    expect(wrong).toEqual([]);
  });
});

describe.skipIf(lacks({ files: ['/usr/bin/rpm'] }))('rpm', () => {
  it('orders as rpm does', () => {
    // rpm's own comparison knows epochs and releases from 4.17 on; the words of a version are compared alone here.
    const asked = pairs.filter(([a, b]) => !/[:-]/.test(a + b));
    const script = asked.map(([a, b]) => `print(rpm.vercmp('${a}', '${b}')..' ')`).join(' ');
    const told = execFileSync('rpm', ['--eval', `%{lua:${script}}`], { encoding: 'utf8' }).trim().split(/\s+/).map(Number);
    expect(told.length).toBe(asked.length);
    expect(asked.flatMap(([a, b], i) => (sign(compareRpmVersions(a, b)) === told[i] ? [] : [`${a} ${b} ${told[i]}`]))).toEqual([]);
  });

  it('puts the epoch first and the release last', () => {
    expect([['1:1-1', '2-1'], ['1-2', '1-10'], ['1-1', '1'], ['0:1-1', '1-1'], ['5.14.0-427.el9', '5.14.0-70.el9']].map(([a, b]) => sign(compareRpmVersions(a ?? '', b ?? '')))).toEqual([1, -1, 0, 0, 1]);
  });
});
