import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { actionContract, crashContract } from '../../../test/actions.ts';
import { lacks } from '../../../test/need.ts';
import { scene } from '../../../test/scenes/close-port.ts';

const namespace = `mtp${process.pid}`;

// Its traffic is tried in ../rate-limit/action.test.ts, in the same namespaces.
describe.skipIf(lacks({ root: true, files: ['/usr/sbin/nft', '/usr/sbin/ip', '/usr/bin/ss'] }))('close-port', () => {
  beforeAll(() => { execFileSync('ip', ['netns', 'add', namespace]); });
  afterAll(() => { execFileSync('ip', ['netns', 'del', namespace]); });
  actionContract(() => scene(namespace));
  crashContract({ module: join(import.meta.dirname, '../../../test/scenes/close-port.ts'), argument: namespace, open: scene, cuts: 6 });
});
