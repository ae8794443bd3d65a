import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { makeRoot } from '../../test/throwaway-root.ts';

const bin = fileURLToPath(new URL('../../bin/moat', import.meta.url));

it('makes, compares, accepts and verifies, with exit codes for programs', () => {
  const root = makeRoot({ '/etc/hosts': 'one' });
  const data = join(makeRoot(), 'data');
  const moat = (args: readonly string[], input = ''): { status: number | null; out: string; err: string } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [bin, '--lang', 'en', '--data', data, 'baseline', ...args], { input, encoding: 'utf8', env: { ...process.env, FORCE_COLOR: '' } });
    return { status, out: stdout, err: stderr };
  };
  const diff = (...more: string[]): ReturnType<typeof moat> => moat(['diff', '--root', root, ...more]);
  expect(diff()).toMatchObject({ status: 2, out: '' });
  expect(moat(['create', '--root', root, '--folder', 'etc']).status).toBe(2);
  const made = moat(['create', '--root', root, '--folder', '/etc']);
  expect(made.status).toBe(0);
  expect(made.err).toContain('Keep the key elsewhere');
  expect(statSync(join(data, 'integrity.key')).mode & 0o777).toBe(0o600);
  expect(diff().status).toBe(0);
  writeFileSync(join(root, 'etc/hosts'), 'two');
  const changed = diff('--json');
  expect(changed.status).toBe(1);
  expect(changed.out.trim().split('\n').map((line) => JSON.parse(line) as { path: string; action: string })).toMatchObject([{ path: '/etc/hosts', action: 'changed' }]);
  expect(moat(['accept', '--root', root]).status).toBe(2);
  expect(moat(['accept', '--root', root, '/etc/hosts']).out).toContain('1 changes taken over');
  expect(diff().status).toBe(0);
  const { seal } = JSON.parse(moat(['status', '--json']).out) as { seal: string };
  expect([moat(['verify', '--seal', seal]).status, moat(['verify', '--seal', '0'.repeat(32)]).status]).toEqual([0, 2]);
  // The key may come from elsewhere and never lie on the machine.
  const elsewhere = 'a key that is kept elsewhere\n';
  expect(moat(['create', '--root', root, '--folder', '/etc', '--key-file', '-'], elsewhere).err).not.toContain('Keep the key elsewhere');
  expect([diff().status, moat(['diff', '--root', root, '--key-file', '-'], elsewhere).status]).toEqual([2, 0]);
  const store = join(data, 'integrity.baseline');
  const bytes = readFileSync(store);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(store, bytes);
  const tampered = moat(['diff', '--root', root, '--key-file', '-'], elsewhere);
  expect([tampered.status, /treat the machine as suspect/.test(tampered.err)]).toEqual([2, true]);
});
