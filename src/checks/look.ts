/** Looking at places one by one: what cannot be read is told and the rest goes on; text comes by lines with their numbers. */
import { MoatError, reasonOf } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import { homesOf, readAccounts, type Account } from '../linux/accounts.ts';
import { filesIn, textMax, type FileStat } from '../linux/tree.ts';
import type { Looking } from './port.ts';

/** What `look` gives; undefined and told as blind when the place cannot be read. */
export function attempt<T>(context: Looking, path: string, look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    tellBlind(context, path, error);
    return undefined;
  }
}

/** The same for what takes its time. */
export async function attemptLong<T>(context: Looking, path: string, look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    tellBlind(context, path, error);
    return undefined;
  }
}

/** Throws what is no MoatError: a fault of ours. */
function tellBlind(context: Looking, path: string, error: unknown): void {
  if (!(error instanceof MoatError)) throw error;
  context.blind(path, reasonOf(error));
}

/**
 * What is looked at ends somewhere, and whoever fills a place up hides what stands behind that. So what goes beyond a limit is told as
 * blind, unless it can hide nothing (then it is counted, and a comment says why). The limits are far beyond what people write.
 */
export function tellCut(context: Looking, path: string, max: number): void {
  context.blind(path, { zh: `文件超过 ${max} 字节，后面的没看`, en: `it is longer than ${max} bytes, and what follows was not looked at` });
}

/** The same for lines that say something. */
export function tellCutLines(context: Looking, path: string, max = linesMax): void {
  context.blind(path, { zh: `设置超过 ${max} 行，后面的没看`, en: `there are more than ${max} lines of settings, and what follows was not looked at` });
}

/** The same for what a folder, a list or a line holds. */
export function tellRest(context: Looking, path: string, max: number): void {
  context.blind(path, { zh: `里面超过 ${max} 项，其余的没看`, en: `there are more than ${max} in it, and the rest was not looked at` });
}

/** The same for includes: deeper, or more, than are followed. */
export function tellIncludes(context: Looking, path: string, max: number): void {
  context.blind(path, { zh: `引用太深或太多（上限 ${max} 个文件），这个和它引用的没看`, en: `included too deep or too often (at most ${max} files are followed): neither it nor what it includes was looked at` });
}

/** The first `max` of what stands in `path`; that there is more is told as blind. */
export function firstOf<T>(context: Looking, path: string, all: readonly T[], max: number): readonly T[] {
  if (all.length <= max) return all;
  tellRest(context, path, max);
  return all.slice(0, max);
}

/** Text of a file, links followed; undefined when there is none or it cannot be read (told). What goes beyond `max` bytes is told as blind. */
export function readText(context: Looking, path: string, max = textMax): string | undefined {
  const read = attempt(context, path, () => context.tree.read(path, max));
  if (read?.cut) tellCut(context, path, max);
  return read?.bytes.toString('utf8');
}

/** The same of files that are of any length, and whose beginning tells what they are. */
export const readBeginning = (context: Looking, path: string, max: number): string | undefined => attempt(context, path, () => context.tree.read(path, max))?.bytes.toString('utf8');

/** Of the path itself; undefined when it is not there or cannot be looked at (told). */
export const statOf = (context: Looking, path: string): FileStat | undefined => attempt(context, path, () => context.tree.stat(path));

/** Of what the path leads to. */
export function targetStat(context: Looking, path: string): FileStat | undefined {
  return attempt(context, path, () => {
    const real = context.tree.real(path);
    return real === undefined ? undefined : context.tree.stat(real);
  });
}

/** Files and links of a folder; empty when there is none or it cannot be listed (told). */
export const filesOf = (context: Looking, folder: string): string[] => attempt(context, folder, () => filesIn(context.tree, folder)) ?? [];

/** The first `max` of what was found, when those have already said what there is to say: how many are left out is counted. Of what is still to be looked at: `firstOf`. */
export function upTo<T>(context: Pick<Looking, 'count'>, all: readonly T[], max: number, what = 'findings beyond the limit'): readonly T[] {
  if (all.length <= max) return all;
  context.count(what, all.length - max);
  return all.slice(0, max);
}

/** What parsers that know no scan call when they stop before the end. */
export const cutOf = (context: Looking, path: string) => (): void => { context.blind(path, { zh: '内容多得超出上限，后面的没看', en: 'it holds more than is read, and what follows was not looked at' }); };

/** Lines of a file as `linesOf` gives them. */
export const linesIn = (context: Looking, path: string, { joined = false, max }: { joined?: boolean; max?: number } = {}): Iterable<Line> => linesOf(context, path, readText(context, path, max) ?? '', { joined });

export interface Line { number: number; text: string }

/** So many accounts a hoster has on one machine, and no file of settings as many lines. */
const linesMax = 200_000;
/** What systemd takes as one line. */
const joinedMax = 1 << 20;

/** Lines that say something, of the text of `path`, from 1; one that ends in a backslash goes on in the next when `joined`. Comments and empty ones are left out. That there are too many is told as blind. */
export function* linesOf(context: Looking, path: string, text: string, { joined = false }: { joined?: boolean } = {}): Iterable<Line> {
  let carried = '';
  let from = 1;
  let left = linesMax;
  for (let at = 0, number = 1; at <= text.length; number++) {
    let end = text.indexOf('\n', at);
    if (end < 0) end = text.length;
    const raw = text.slice(at, end);
    at = end + 1;
    if (carried === '') from = number;
    if (joined && raw.endsWith('\\') && carried.length < joinedMax) { carried += raw.slice(0, -1); continue; }
    const line = carried + raw;
    carried = '';
    const bare = line.trim();
    if (bare === '' || bare.startsWith('#')) continue;
    // Comments do not count: however many there are, they hide nothing that stands behind.
    if (left-- <= 0) { tellCutLines(context, path); return; }
    yield { number: from, text: line };
  }
  if (carried.trim() !== '') yield { number: from, text: carried };
}

export interface Home { home: string; users: string[]; /** The first of the accounts that live there. */ account: Account | undefined }

/** Home folders that are there: those of accounts, and folders of /home and /root that no account has any more. */
export function homesIn(context: Looking): Home[] {
  const { tree } = context;
  const accounts = attempt(context, '/etc/passwd', () => readAccounts(tree)) ?? [];
  const homes: Home[] = homesOf(accounts).map(({ home, users }) => ({ home, users, account: accounts.find(({ name }) => name === users[0]) }));
  const known = new Set(homes.map(({ home }) => home));
  for (const home of ['/root', ...(attempt(context, '/home', () => tree.list('/home')) ?? []).map((name) => `/home/${name}`)]) {
    if (!known.has(home)) homes.push({ home, users: [], account: undefined });
  }
  return homes.filter(({ home }) => attempt(context, home, () => tree.stat(tree.real(home) ?? home)?.kind === 'folder'));
}

/** Folders where anybody may put a file. */
export const anyoneWrites = /^(?:\/tmp|\/var\/tmp|\/dev\/shm|\/run\/shm|\/dev\/mqueue|\/run\/lock|\/var\/lock|\/run\/user|\/var\/crash)(?:\/|$)/;

/** The numbers that Linux gives to daemons; people start at 1000. */
export const isSystemUid = (uid: number): boolean => (uid > 0 && uid < 1000) || uid === 65534;

/** How a line was written so that people overlook it; undefined when it was not. */
export function concealment(line: string): Text | undefined {
  // Back to the line's start, one back, cursor moves, erasing, invisible colour. Colours alone are what prompts are made of.
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/\r(?!$)|\u0008|\u001b\[(?:\d{0,3}(?:;\d{0,3}){0,3}[A-HJKSTf]|8m)/.test(line)) return { zh: '行里夹着控制字符，用 cat 看不到真正的内容', en: 'control characters hide what the line says from cat' };
  if (/[\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]/.test(line)) return { zh: '行里夹着看不见的或改变方向的字符', en: 'characters that cannot be seen or turn the text round' };
  if (/^[ \t]{100}/.test(line) || /[^ \t][ \t]{150,}[^ \t]/.test(line)) return { zh: '内容被一长串空白推到屏幕之外', en: 'a long run of blanks pushes it off the screen' };
  return undefined;
}
