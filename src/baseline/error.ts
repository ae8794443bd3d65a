import { headed, MoatError, type MoatErrorOptions } from '../core/error.ts';

/**
 * no-baseline  there is none at this place
 * no-key       the key is not there, or too short
 * wrong-key    it was made with another key
 * tampered     its content is not what was written with this key
 * unfinished   it ends before its end
 * bad-path     a path that is none
 * busy         another run writes it
 */
export type BaselineErrorCode = 'no-baseline' | 'no-key' | 'wrong-key' | 'tampered' | 'unfinished' | 'bad-path' | 'busy';
const inChinese: Readonly<Record<BaselineErrorCode, string>> = {
  'no-baseline': '还没有完整性基线', 'no-key': '没有可用的密钥', 'wrong-key': '密钥不是做这份基线时用的那把', tampered: '基线的内容不是当初写下的', unfinished: '基线没有结尾，被截断了', 'bad-path': '路径不对', busy: '另一个进程正在写这份基线',
};

export class BaselineError extends MoatError<BaselineErrorCode> {
  constructor(code: BaselineErrorCode, message: string, options: MoatErrorOptions = {}) {
    super(code, message, headed(inChinese[code], message, options));
  }
}
