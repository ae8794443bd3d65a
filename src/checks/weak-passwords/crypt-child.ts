/**
 * A process of its own that tries words against password hashes through crypt(3): a hash may be made to take for ever, and only a
 * process can be ended then. Takes one JSON object on its input; prints one JSON line for each word that fits and one at the end.
 */
import { setPriority } from 'node:os';
import { readFileSync } from 'node:fs';
import { loadKoffi, openLibrary } from '../../linux/native.ts';

export interface CryptRequest { jobs: { hash: string; words: string[] }[]; /** Of processor time, from the first try on: what else the machine does is no reason to try fewer. */ cpuMs: number }
export type CryptReply = { job: number; word: number } | { tried: number; unknown: number; left: number } | { error: string };

/** crypt(3) sees the first eight characters alone where bigcrypt has more parts: the words that are tried are no longer. */
const isSame = (made: string, hash: string): boolean => made === hash || (!/^[$_]/.test(hash) && hash.length > 13 && hash.startsWith(made));

const say = (reply: CryptReply): void => { process.stdout.write(`${JSON.stringify(reply)}\n`); };

try {
  setPriority(19);
  const request = JSON.parse(readFileSync(0, 'utf8')) as CryptRequest;
  const lib = openLibrary(await loadKoffi(), ['libcrypt.so.1', 'libcrypt.so.2', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1'], 'the library libcrypt', 'install the package libcrypt1 or libxcrypt');
  const crypt = lib.func('const char *crypt(const char *phrase, const char *setting)') as (phrase: string, setting: string) => string | null;
  const began = process.cpuUsage();
  const isOver = (): boolean => { const { user, system } = process.cpuUsage(began); return user + system >= request.cpuMs * 1000; };
  const open = request.jobs.map((job, index) => ({ ...job, index }));
  let tried = 0;
  let left = 0;
  let unknown = 0;
  // The commonest word on every account first: what is cut off by time is what is least likely.
  for (let word = 0; open.length > 0; word++) {
    for (let i = open.length - 1; i >= 0; i--) {
      const job = open[i]!;
      const guess = job.words[word];
      if (guess === undefined) { open.splice(i, 1); continue; }
      if (isOver()) { left += job.words.length - word; open.splice(i, 1); continue; }
      tried++;
      const made = crypt(guess, job.hash);
      // `*0` and `*1` are failures: another libcrypt may know this kind, so it is not a password that nobody guesses.
      if (made === null || made.startsWith('*')) { unknown++; open.splice(i, 1); } else if (isSame(made, job.hash)) { say({ job: job.index, word }); open.splice(i, 1); }
    }
  }
  say({ tried, unknown, left });
} catch (error) {
  say({ error: error instanceof Error ? error.message : String(error) });
}
