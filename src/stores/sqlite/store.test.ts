import { type StoreBounds, type StoreFixture, storeContract } from '../contract.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from './store.ts';

async function make(bounds: StoreBounds): Promise<StoreFixture> {
  const dir = mkdtempSync(join(tmpdir(), 'moat-store-'));
  const counts = new Map<string, number>();
  const count = (what: string, n = 1): void => { counts.set(what, (counts.get(what) ?? 0) + n); };
  const open = (): ReturnType<typeof openSqliteStore> => openSqliteStore({ dir, ...bounds, count });
  let store = open();
  return {
    store,
    counts,
    async reopen() {
      store.close();
      store = open();
      return store;
    },
    async end() {
      store.close();
      rmSync(dir, { recursive: true });
    },
  };
}

storeContract('sqlite', make);
