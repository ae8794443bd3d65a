import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { AuditInput } from '../engine/response/audit.ts';
import { newVaultId, Vault, type VaultItem } from '../actions/vault.ts';
import { configSchema } from './config-schema.ts';
import { QuarantineKeep } from './quarantine-keep.ts';

const day = 86_400_000;

it('lets go of files after their time, oldest first, told before; never what a change needs to be taken back', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'moat-vault-')), now = Date.now();
  try {
    const vault = new Vault(dir);
    const put = async (days: number, action: string): Promise<string> => {
      const id = newVaultId(now - days * day), path = join(dir, id);
      writeFileSync(path, 'odd');
      const fd = openSync(path, 'r');
      try { await vault.put(fileItem(id, path, now - days * day, action), fd); } finally { closeSync(fd); }
      return id;
    };
    const [old, line, fresh] = [await put(31, 'quarantine-file'), await put(31, 'remove-line'), await put(29, 'quarantine-file')];
    let days = 0;
    const audit: { entry: AuditInput; wasThere: boolean }[] = [], counted: string[] = [], states: string[] = [];
    const keep = new QuarantineKeep({
      vault, now: () => now, config: () => configSchema.parse({ response: { quarantine_days: days } }), log: { debug: () => undefined, info: () => undefined, warn: () => undefined },
      health: { state: (_, state) => { states.push(state); }, count: (_, what) => { counted.push(what); } },
      journal: { write: async ({ audit: entries = [] }) => { for (const entry of entries) audit.push({ entry, wasThere: vault.has(old) }); } },
    });
    await keep.expire();
    expect([vault.has(old), audit.length], 'nothing goes unless it is asked for').toEqual([true, 0]);
    days = 30;
    await keep.expire();
    await keep.expire();
    expect([old, line, fresh].map((id) => vault.has(id))).toEqual([false, true, true]);
    expect(existsSync(join(dir, 'quarantine', `${old}.bin`))).toBe(false);
    expect(audit).toMatchObject([{ wasThere: true, entry: { operation: 'quarantine-expire', target: join(dir, old), by: 'engine', result: expect.stringContaining(old) as string } }]);
    expect([counted, states.at(-1)]).toEqual([['let go by policy'], 'live']);
  } finally { rmSync(dir, { recursive: true }); }
});

it('less than a week is refused, 0 keeps all', () => {
  expect(configSchema.parse({}).response.quarantine_days).toBe(0);
  expect(configSchema.safeParse({ response: { quarantine_days: 3 } }).success).toBe(false);
  expect(configSchema.safeParse({ incidents: { keep_days: 30 } }).success).toBe(false);
  expect(configSchema.parse({}).incidents.keep_days).toBe(400);
});

function fileItem(id: string, path: string, added: number, action: string): VaultItem {
  return { id, path, action, why: '', by: 'li', added, file: { kind: 'file', size: 3, sha256: createHash('sha256').update('odd').digest('hex'), mode: 0o644, uid: 0, gid: 0 } as unknown as VaultItem['file'] };
}
