import { headed, MoatError, type MoatErrorOptions } from '../../core/error.ts';
import type { Text } from '../../core/text.ts';

/**
 * no-image      nothing there, or no archive of a kind that is known
 * odd-layout    the parts that the archive names are not there, or contradict each other
 * which-image   several images: one is to be named
 * broken        the archive ends early or holds what no archive holds
 * too-large     beyond a limit that keeps an archive from filling disk or memory
 * no-space      the disk for temporary files is full
 * unsupported   compressed in a way that is not read here
 */
export type ImageErrorCode = 'no-image' | 'odd-layout' | 'which-image' | 'broken' | 'too-large' | 'no-space' | 'unsupported';

/** For those who gave something that is no image. */
export const makeOne: Text = { zh: '这样做一个：docker save -o app.tar 名字', en: 'make one with: docker save -o app.tar NAME' };

const inChinese: Readonly<Record<ImageErrorCode, string>> = {
  'no-image': '不是镜像', 'odd-layout': '镜像的结构不对', 'which-image': '要指明是哪个镜像', broken: '数据损坏、被截断或不是这种格式', 'too-large': '超出上限', 'no-space': '临时目录的磁盘空间不够', unsupported: '这种压缩方式读不了',
};

export class ImageError extends MoatError<ImageErrorCode> {
  constructor(code: ImageErrorCode, message: string, options: MoatErrorOptions = {}) {
    super(code, message, headed(inChinese[code], message, options));
  }
}
