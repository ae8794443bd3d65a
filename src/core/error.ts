import type { Text } from './text.ts';

export interface MoatErrorOptions {
  /** What to do next; in both languages where it ends up in a report. */
  hint?: string | Text | undefined;
  cause?: unknown;
  /** The message in Chinese, where a person will read it; the message itself is the English one. */
  zh?: string | undefined;
  /** Both languages, where the English for people is another than the message. */
  text?: Text | undefined;
}

/**
 * An error a user can act on. Each room has a closed union of codes; messages read
 * "expected X, got Y in PLACE" and `hint` says what to do next. `text` says the
 * message in both languages, where a person will read it.
 */
export class MoatError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly hint: string | undefined;
  readonly text: Text | undefined;
  readonly hintText: Text | undefined;

  constructor(code: Code, message: string, { hint, cause, zh, text }: MoatErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'MoatError';
    this.code = code;
    this.hint = typeof hint === 'object' ? hint.en : hint;
    this.hintText = typeof hint === 'object' ? hint : undefined;
    this.text = text ?? (zh === undefined ? undefined : { zh, en: message });
  }
}

/** Options with Chinese for an error that has none of its own: what kind of thing went wrong, and where, as far as the message names a path or position. Its details stand in the English. */
export const headed = (headline: string, message: string, options: MoatErrorOptions): MoatErrorOptions => (options.zh === undefined && !options.text ? { ...options, zh: placed(headline, message) } : options);

/** A headline with the path and the position that an English message names. */
export function placed(headline: string, message: string): string {
  const path = /(?:^|[\s"'(])(\/[^\s"'():,]{1,300})/.exec(message)?.[1];
  const position = /\bat (?:byte )?(\d{1,15})\b/.exec(message)?.[1];
  const line = /\bline (\d{1,9})\b/.exec(message)?.[1];
  const where = [path, position !== undefined && `第 ${position} 字节处`, line !== undefined && `第 ${line} 行`].filter(Boolean).join('，');
  return where === '' ? headline : `${headline}（${where}）`;
}

/** What went wrong, in both languages: Chinese as far as the error has it. */
export function saidBy(error: unknown): Text {
  if (error instanceof MoatError && error.text) return error.text;
  const en = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return { zh: typeof code === 'string' && Object.hasOwn(systemTexts, code) ? systemTexts[code]! : en, en };
}

/** The same with what to do next. */
export function reasonOf(error: unknown): Text {
  const { zh, en } = saidBy(error);
  if (!(error instanceof MoatError) || error.hint === undefined) return { zh, en };
  return { zh: `${zh}（${error.hintText?.zh ?? error.hint}）`, en: `${en} (${error.hint})` };
}

/** What the system's own codes mean. Node's messages name the path as well: whoever shows this says where. */
const systemTexts: Readonly<Record<string, string>> = {
  EACCES: '没有权限', EPERM: '不允许这样做', ENOENT: '没有这个文件', ENOTDIR: '路径中有一段不是目录', EISDIR: '是目录，不是文件', ELOOP: '符号链接绕圈',
  ENAMETOOLONG: '路径太长', ENOSPC: '磁盘已满', EDQUOT: '超出磁盘配额', EROFS: '文件系统只读', EIO: '磁盘读写出错', EMFILE: '打开的文件太多', ENFILE: '系统打开的文件太多',
  ENOMEM: '内存不足', EBUSY: '正被占用', ETXTBSY: '程序正在运行', ESTALE: '网络文件系统上的文件已失效', ENXIO: '没有这个设备', ENODEV: '没有这个设备', EINVAL: '系统不接受这样的参数',
  ETIMEDOUT: '超时', ECONNREFUSED: '连接被拒绝', ENOTCONN: '没有连上', EUCLEAN: '文件系统损坏', EBADMSG: '数据损坏', ENODATA: '没有数据', EOVERFLOW: '数值超出范围', ENOSYS: '内核不支持', EOPNOTSUPP: '不支持',
};
