import { describe, expect, it } from 'vitest';
import type { Packages } from '../core/lineage.ts';
import { isOdd, isTrusted, provenanceOf, type Provenance } from './provenance.ts';

const shipped = new Map([['/usr/bin/curl', true], ['/usr/sbin/sshd', false], ['/usr/bin/new', undefined]]);
const packages = (ready: boolean): { packages: Packages } => ({
  packages: { ready, owner: (path) => (ready && shipped.has(path) ? { manager: 'dpkg', name: 'some-package', version: '1', intact: shipped.get(path) } : undefined) },
});
const indexed = packages(true), blind = packages(false);

describe('whose file it is', () => {
  it.each<[string | undefined, Provenance, Provenance, Provenance]>([
    // path, with the index, without it, in a container
    ['/usr/bin/curl', 'owned', 'system', 'system'],
    ['/usr/bin/new', 'owned', 'system', 'system'],
    ['/usr/sbin/sshd', 'changed', 'system', 'system'],
    ['/usr/sbin/sshd (deleted)', 'owned', 'system', 'system'],
    ['/usr/bin/mine', 'unowned', 'system', 'system'],
    ['/usr/local/bin/x', 'unowned', 'unknown', 'unknown'],
    ['/opt/app/x', 'unowned', 'unknown', 'unknown'],
    ['/home/a/.nvm/versions/node/v20/bin/node', 'unowned', 'unknown', 'unknown'],
    ['/tmp/x', 'unowned', 'unowned', 'unowned'],
    ['/opt/x (deleted)', 'unowned', 'unknown', 'unknown'],
    ['/usr/lib/.x/y', 'unowned', 'unowned', 'unowned'],
    ['/memfd:x (deleted)', 'unowned', 'unowned', 'unowned'],
    ['/var/lib/dpkg/info/openssl.postinst', 'owned', 'unknown', 'unknown'],
    ['/var/lib/dpkg/tmp.ci/preinst', 'owned', 'unknown', 'unknown'],
    ['relative', 'unknown', 'unknown', 'unknown'],
    ['', 'unknown', 'unknown', 'unknown'],
    [undefined, 'unknown', 'unknown', 'unknown'],
  ])('%s', (path, known, unindexed, contained) => {
    expect([provenanceOf(indexed, path, undefined), provenanceOf(blind, path, undefined), provenanceOf(indexed, path, 'c0ffee')]).toEqual([known, unindexed, contained]);
  });

  it('is trusted when a package ships it or only packages write there', () => {
    expect((['owned', 'changed', 'unowned', 'system', 'unknown'] as const).filter(isTrusted)).toEqual(['owned', 'system']);
  });

  it('is odd in a strange place, unless a package put it there', () => {
    expect([isOdd('/dev/shm/x', 'unowned'), isOdd('/dev/shm/x', 'owned'), isOdd('/opt/app/x', 'unowned')]).toEqual([true, false, false]);
  });
});
