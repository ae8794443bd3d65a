/** Writes a report where a person asks for it: whole or not at all, for its owner only, never through a link. */
import { closeSync, constants, fsyncSync, lstatSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { basename, dirname, join, resolve } from 'node:path';
import { MoatError, saidBy } from '../core/error.ts';

export type ReportFileErrorCode = 'not-a-file' | 'not-written';

/** Throws MoatError 'not-a-file' when a link, a folder or a device stands there, 'not-written' when the system refuses. */
export function writeReport(path: string, text: string | Uint8Array): void {
  const at = resolve(path);
  checkReportPlace(at);
  const draft = join(dirname(at), `.${basename(at).slice(0, 100)}.${randomBytes(8).toString('hex')}`);
  let made = false;
  try {
    const file = openSync(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
    made = true;
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally { closeSync(file); }
    renameSync(draft, at);
  } catch (error) {
    if (made) rmSync(draft, { force: true });
    throw notWritten(at, error);
  }
}

/** Asked before a long scan, so that a mistake shows at once. */
export function checkReportPlace(path: string): void {
  const at = resolve(path);
  let found;
  try {
    found = lstatSync(at, { throwIfNoEntry: false });
    if (!found && !lstatSync(dirname(at), { throwIfNoEntry: false })) throw new MoatError<ReportFileErrorCode>('not-written', `there is no folder ${dirname(at)}`, { zh: `没有目录 ${dirname(at)}` });
  } catch (error) { throw notWritten(at, error); }
  if (found && !found.isFile()) throw new MoatError<ReportFileErrorCode>('not-a-file', `expected a file or nothing at ${at}, got ${found.isSymbolicLink() ? 'a symbolic link' : found.isDirectory() ? 'a folder' : 'something else'}`, { zh: `${at} 不是普通文件，不能写`, hint: { zh: '换一个文件名；- 表示标准输出', en: 'name another file; - is standard output' } });
}

const notWritten = (at: string, error: unknown): MoatError<ReportFileErrorCode> => new MoatError('not-written', `cannot write ${at}: ${(error as Error).message}`, { zh: `写不了 ${at}：${saidBy(error).zh}`, cause: error });
