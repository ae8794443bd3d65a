import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { denyFile } from '../../src/actions/deny-file/action.ts';
import { DenyBook } from '../../src/agent/deny.ts';
import { parseConfig } from '../../src/agent/config.ts';
import type { Scene } from '../actions.ts';
import { fileWorld } from './files.ts';

export const denied = 'ab'.repeat(32);

/** What `moat deny` keeps, in a file as the store would keep it. */
export function denyBook(folder: string, enabled = true): DenyBook {
  const file = join(folder, 'denied.json');
  const ledger = {
    setting: (): string | undefined => { try { return readFileSync(file, 'utf8'); } catch { return undefined; /* nothing was kept yet */ } },
    setSetting: (_: string, value: string): void => { writeFileSync(`${file}.new`, value, { flush: true }); renameSync(`${file}.new`, file); },
  };
  const book = new DenyBook(ledger, { ready: true, settle: () => Promise.resolve(undefined) }, folder);
  book.open({ ...parseConfig('', 'none'), deny: { enabled, paths: [], hashes: ['cd'.repeat(32)] } });
  return book;
}

export async function scene(folder: string): Promise<Scene> {
  const kept = (): string[] => { try { return (JSON.parse(readFileSync(join(folder, 'denied.json'), 'utf8')) as { sha256?: string }[]).map(({ sha256 = '' }) => sha256); } catch { return []; } };
  return Promise.resolve({
    actions: () => [denyFile({ ...fileWorld(folder), denying: denyBook(folder).port() })] as ReturnType<Scene['actions']>, action: 'deny-file', input: { sha256: denied },
    look: () => Promise.resolve(kept()),
    done: (_, after) => { if (JSON.stringify(after) !== JSON.stringify([denied])) throw new Error(`expected the digest on the list, got ${JSON.stringify(after)}`); },
  });
}
