import { headed, MoatError, type MoatErrorOptions } from '../../core/error.ts';
import type { Text } from '../../core/text.ts';

/** 'not-built': the databases may be sound, but the process that reads them did not come to its end. */
export type PackagesErrorCode = 'no-database' | 'broken' | 'too-large' | 'not-built';

/** What a broken database says of itself in detail is for people who repair it; the Chinese says what is the matter and gives the detail behind it. */
const inChinese: Readonly<Record<PackagesErrorCode, string>> = {
  'no-database': '没有软件包数据库', broken: '软件包数据库损坏或读不懂', 'too-large': '软件包数据库大得反常', 'not-built': '读软件包数据库的进程没有完成',
};

export class PackagesError extends MoatError<PackagesErrorCode> {
  constructor(code: PackagesErrorCode, message: string, options: MoatErrorOptions = {}) {
    super(code, message, headed(inChinese[code], message, options));
  }
}

/** For a file of a package whose content could not be looked at. */
export const notRead = (place: string, why: Text): PackagesError => new PackagesError('broken', `expected to read ${place}: ${why.en}`, { zh: `读不了 ${place}：${why.zh}` });
