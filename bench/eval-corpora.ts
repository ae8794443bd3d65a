/** Finds the evaluation cases in a folder, unpacking archives into a scratch folder first. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** More than this unpacked is no corpus of log lines. */
const mostBytes = 512 * 1024 * 1024;
const largestFile = 16 * 1024 * 1024;
const deepest = 8;

export interface Corpora {
  /** Files with `failJSON` comments (fail2ban), by path. */
  fail2ban: string[];
  /** Folders with config.yaml and assertions (crowdsec), by path. */
  crowdsec: string[];
  /** What was passed over, and why. */
  skipped: string[];
  /** Removes what was unpacked. */
  dispose(): void;
}

/** Throws when the folder cannot be read or an archive holds what no corpus holds (links, paths that lead out, gigabytes). */
export async function findCorpora(folder: string): Promise<Corpora> {
  const found: Corpora = { fail2ban: [], crowdsec: [], skipped: [], dispose: () => { for (const dir of scratch) rmSync(dir, { recursive: true, force: true }); } };
  const scratch: string[] = [];
  try {
    for (const archive of archives(folder, 0)) {
      const dir = mkdtempSync(join(tmpdir(), 'moat-eval-'));
      scratch.push(dir);
      await unpack(archive, dir);
      walk(dir, 0, found);
    }
    walk(folder, 0, found);
  } catch (error) {
    found.dispose();
    throw error;
  }
  return found;
}

function archives(folder: string, depth: number): string[] {
  if (depth > 2) return [];
  return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1)).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return archives(path, depth + 1);
    return entry.isFile() && entry.name.endsWith('.tar.gz') ? [path] : [];
  });
}

/** Lists before it unpacks: only plain files and folders below the archive's root, and not too many bytes. */
async function unpack(archive: string, into: string): Promise<void> {
  const { stdout } = await run('tar', ['-tvzf', archive, '--numeric-owner'], { maxBuffer: 64 * 1024 * 1024, env: { ...process.env, LC_ALL: 'C' } });
  let bytes = 0;
  for (const line of stdout.split('\n')) {
    if (line === '') continue;
    const fields = /^(.)\S+ +\S+ +(\d+) +\S+ +\S+ (.*)$/.exec(line);
    if (fields === null) throw new Error(`expected a tar listing, got ${JSON.stringify(line.slice(0, 120))} in ${archive}`);
    const [, type = '', size = '0', name = ''] = fields;
    if (type !== '-' && type !== 'd') throw new Error(`expected plain files only, got a member of type ${JSON.stringify(type)} (${JSON.stringify(name)}) in ${archive}`);
    if (name.startsWith('/') || name.split('/').includes('..')) throw new Error(`expected paths below the archive's root, got ${JSON.stringify(name)} in ${archive}`);
    bytes += Number(size);
  }
  if (bytes > mostBytes) throw new Error(`expected at most ${mostBytes} bytes, got ${bytes} in ${archive}`);
  await run('tar', ['-xzf', archive, '-C', into, '--no-same-owner', '--no-same-permissions']);
}

function walk(folder: string, depth: number, found: Corpora): void {
  if (depth > deepest) {
    found.skipped.push(`${folder}: more than ${deepest} folders deep`);
    return;
  }
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  const names = new Set(entries.map((entry) => entry.name));
  if (names.has('config.yaml') && (names.has('parser.assert') || names.has('scenario.assert'))) {
    found.crowdsec.push(folder);
    return;
  }
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) walk(path, depth + 1, found);
    else if (entry.isFile() && !entry.name.endsWith('.tar.gz')) {
      const { size } = statSync(path);
      if (size > largestFile) found.skipped.push(`${path}: ${size} bytes`);
      else if (readFileSync(path, 'latin1').includes('failJSON:')) found.fail2ban.push(path);
    }
  }
}

export const caseName = (path: string): string => basename(path);
