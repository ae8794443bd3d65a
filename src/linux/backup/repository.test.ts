import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { linesOf, readSecret, readVariables } from './repository.ts';

let dir: string;
beforeAll(() => { dir = mkdtempSync(join(tmpdir(), 'moat-repository-')); });
afterAll(() => rmSync(dir, { recursive: true }));
const signal = (): AbortSignal => AbortSignal.timeout(10_000);
const all = async (program: string, args: readonly string[], more: object = {}): Promise<string[]> => { const lines: string[] = []; for await (const line of linesOf(program, args, { env: {}, signal: signal(), ...more })) lines.push(line); return lines; };

it('says that a tool is not installed, failed, or took too long, and never its password', async () => {
  await expect(all('moat-no-such-tool', [], { secret: 'x' })).rejects.toMatchObject({ code: 'no-program' });
  expect(await all('sh', ['-c', 'cat <&3'], { secret: 'a word\n' })).toEqual(['a word']);
  await expect(all('sh', ['-c', 'echo "sftp://li:hidden@host and a-secret" >&2; exit 3'], { secret: 'a-secret\n' })).rejects.toThrow(/exit code 3: sftp:\/\/\*\*\*@host and \*\*\*$/);
  await expect(all('sleep', ['60'], { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({ code: 'timed-out' });
  // Whoever stops reading ends the tool.
  for await (const line of linesOf('yes', [], { env: {}, signal: signal() })) { expect(line).toBe('y'); break; }
});

it('takes secrets only from files that are closed to others, and leaves the way to programs alone', () => {
  const file = join(dir, 'env');
  writeFileSync(file, 'export AWS_ACCESS_KEY_ID=abc\nAWS_SECRET_ACCESS_KEY="d e"\nPATH=/tmp\nLD_PRELOAD=/tmp/x\n# a remark\n', { mode: 0o600 });
  expect(readVariables(file)).toEqual({ AWS_ACCESS_KEY_ID: 'abc', AWS_SECRET_ACCESS_KEY: 'd e' });
  writeFileSync(join(dir, 'open'), 'x', { mode: 0o644 });
  expect(() => readSecret(join(dir, 'open'))).toThrow('closed to others');
  for (const bad of [dir, '/dev/zero', join(dir, 'none')]) expect(() => readSecret(bad)).toThrow();
});
