/** Account names by number from /etc/passwd, read again when the file changes. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const maxBytes = 4 * 1024 * 1024;
const checkEveryMs = 10_000;

export class Users {
  readonly #path: string;
  #names = new Map<number, string>();
  #stamp = '';
  #checked = Number.NEGATIVE_INFINITY;

  constructor(root = '/') { this.#path = join(root, 'etc/passwd'); }

  /** Name of the account; undefined when /etc/passwd has none (directory services are not asked). */
  name(uid: number, now: number): string | undefined {
    // A clock set back must not stop the check for ever.
    if (now - this.#checked >= checkEveryMs || now < this.#checked) { this.#checked = now; this.#refresh(); }
    return this.#names.get(uid);
  }

  #refresh(): void {
    const stat = statSync(this.#path, { throwIfNoEntry: false });
    const stamp = stat === undefined ? 'none' : `${stat.ino}:${stat.size}:${stat.mtimeMs}`;
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    this.#names = stat === undefined || stat.size > maxBytes ? new Map() : parsePasswd(readFileSync(this.#path, 'utf8'));
  }
}

/** The first name of each number; lines that are not of its form are passed over. */
export function parsePasswd(text: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [name, , uid] = line.split(':', 3);
    if (!name || uid === undefined || !/^\d{1,10}$/.test(uid)) continue;
    if (!names.has(Number(uid))) names.set(Number(uid), name);
  }
  return names;
}
