import { MoatError } from '../../core/error.ts';

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

export class ImageError extends MoatError<ImageErrorCode> {}
