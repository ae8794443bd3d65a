import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Receipt } from '../../core/action.ts';
import { actionContract, crashContract, openResponse, type Response } from '../../../test/actions.ts';
import { lacks } from '../../../test/need.ts';
import { grantActions, grantRoot, scene } from '../../../test/scenes/grant-privilege.ts';

const folders: string[] = [];
const folder = (): string => { const made = mkdtempSync(join(tmpdir(), 'moat-grant-')); folders.push(made); return made; };
afterAll(() => { for (const one of folders) rmSync(one, { recursive: true }); });

describe.skipIf(lacks({ root: true, files: ['/usr/sbin/visudo'] }))('grant-privilege', () => {
  describe('contract', () => actionContract(() => scene(folder())));
  describe('kill -9', () => crashContract({ module: join(import.meta.dirname, '../../../test/scenes/grant-privilege.ts'), argument: folder(), open: scene, cuts: 6 }));

  let root: string, response: Response, now: number;
  beforeEach(() => {
    root = join(folder(), 'root');
    grantRoot(root);
    now = Date.now();
    response = openResponse(join(root, 'store'), () => grantActions(root), () => now);
  });
  afterEach(() => response.close());
  const grant = (input: object): Promise<Receipt> => response.runner.run({ action: 'grant-privilege', input: { until: now + 3_600_000, ...input }, by: 'operator:test', why: 'a test', via: 'test', until: now + 3_600_000 });
  const file = (uid: number): string => join(root, `etc/sudoers.d/moat-grant-${uid}`);

  it('ends by itself, in the rule and by the clock', async () => {
    const { id } = await grant({ user: 'deploy' });
    expect(readFileSync(file(1001), 'utf8')).toContain(`NOTAFTER=${new Date(now + 3_600_000).toISOString().replaceAll(/[-:T]|\.\d+/g, '')} ALL`);
    await response.runner.tick();
    expect(existsSync(file(1001))).toBe(true);
    now += 3_600_000;
    await response.runner.tick();
    expect([existsSync(file(1001)), response.store.response.receipt(id)?.status]).toEqual([false, 'undone']);
  });

  it('names single programs, and names with a dot; sudo reads what is written', async () => {
    await grant({ user: 'wang.li', commands: ['/usr/bin/systemctl', '/opt/shop/bin/deploy.sh'] });
    expect(readFileSync(file(1002), 'utf8')).toMatch(/^wang\.li ALL=\(ALL:ALL\) NOTAFTER=\d{14}Z \/usr\/bin\/systemctl, \/opt\/shop\/bin\/deploy\.sh$/m);
    execFileSync('visudo', ['-c', '-f', file(1002)]);
  });

  it('is taken whole from one who widened it, and what it became is kept where sudo does not read', async () => {
    const { id } = await grant({ user: 'deploy', commands: ['/usr/bin/id'] });
    writeFileSync(file(1001), 'deploy ALL=(ALL) NOPASSWD: ALL\n');
    await response.runner.undo(id, { by: 'rule:x', via: 'engine', why: 'odd' });
    expect([existsSync(file(1001)), readFileSync(`${file(1001)}.changed`, 'utf8')]).toEqual([false, 'deploy ALL=(ALL) NOPASSWD: ALL\n']);
  });

  it.each([
    [{ user: 'ALL' }, 'bad-input'], [{ user: 'deploy ALL' }, 'bad-input'], [{ user: '#1001' }, 'bad-input'], [{ user: 'deploy\nroot' }, 'bad-input'], [{ user: 'deploy', commands: ['id'] }, 'bad-input'], [{ user: 'deploy', commands: ['/usr/bin/id, ALL'] }, 'bad-input'],
    [{ user: 'deploy', commands: ['/usr/bin/../../tmp/x'] }, 'bad-input'], [{ user: 'deploy', until: undefined }, 'bad-input'], [{ user: 'deploy', until: Date.now() + 8 * 86_400_000 }, 'bad-input'], [{ user: 'deploy', until: 1 }, 'bad-input'], [{ user: 'nobody-here' }, 'not-there'], [{ user: 'root' }, 'refused'],
  ])('refuses %j', async (input, code) => { await expect(grant(input)).rejects.toMatchObject({ code }); });

  it('refuses a second one, and a machine whose sudoers do not read the folder', async () => {
    await grant({ user: 'deploy' });
    await expect(grant({ user: 'deploy' })).rejects.toMatchObject({ code: 'refused' });
    writeFileSync(join(root, 'etc/sudoers'), 'root ALL=(ALL:ALL) ALL\n');
    await expect(grant({ user: 'wang.li' })).rejects.toMatchObject({ code: 'refused' });
  });
});
