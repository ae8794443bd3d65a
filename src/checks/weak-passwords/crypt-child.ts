/**
 * A process of its own that tries words against password hashes through crypt(3): a hash may be made to take for ever, and only a
 * process can be ended then. Takes one JSON object on its input; prints one JSON line for each word that fits and one at the end.
 */
import { setPriority } from 'node:os';
import { readFileSync } from 'node:fs';
import { loadKoffi, openLibrary } from '../../linux/native.ts';

export interface CryptRequest { jobs: { hash: string; words: string[] }[]; /** Unix ms. */ until: number }
export type CryptReply = { job: number; word: number } | { tried: number; left: number } | { error: string };

const say = (reply: CryptReply): void => { process.stdout.write(`${JSON.stringify(reply)}\n`); };

try {
  setPriority(19);
  const request = JSON.parse(readFileSync(0, 'utf8')) as CryptRequest;
  const lib = openLibrary(await loadKoffi(), ['libcrypt.so.1', 'libcrypt.so.2', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1'], 'the library libcrypt', 'install the package libcrypt1 or libxcrypt');
  const crypt = lib.func('const char *crypt(const char *phrase, const char *setting)') as (phrase: string, setting: string) => string | null;
  const open = request.jobs.map((job, index) => ({ ...job, index }));
  let tried = 0;
  let left = 0;
  // The commonest word on every account first: what is cut off by time is what is least likely.
  for (let word = 0; open.length > 0; word++) {
    for (let i = open.length - 1; i >= 0; i--) {
      const job = open[i]!;
      const guess = job.words[word];
      if (guess === undefined) { open.splice(i, 1); continue; }
      if (Date.now() > request.until) { left += job.words.length - word; open.splice(i, 1); continue; }
      tried++;
      if (crypt(guess, job.hash) === job.hash) { say({ job: job.index, word }); open.splice(i, 1); }
    }
  }
  say({ tried, left });
} catch (error) {
  say({ error: error instanceof Error ? error.message : String(error) });
}
