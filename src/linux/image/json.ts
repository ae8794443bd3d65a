/** JSON of images: of anybody's making, so that nothing about its shape is taken for granted. */
import { whole, type Bytes } from './bytes.ts';
import { ImageError } from './error.ts';

const jsonMax = 8 << 20;
const listMax = 2000;
const textMax = 64 * 1024;

export type Json = Readonly<Record<string, unknown>>;

/** Throws ImageError 'odd-layout' for what is no JSON, 'too-large' beyond 8 MB. */
export function parsed(bytes: Bytes, what: string): unknown {
  const text = whole(bytes, jsonMax, what).toString('utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ImageError('odd-layout', `expected JSON, got ${(error as Error).message.slice(0, 200)} in ${what}`, { cause: error });
  }
}

export const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
export const json = (value: unknown): Json => (isJson(value) ? value : {});
/** Cut where it is longer than anybody reads. */
export const text = (value: unknown): string | undefined => (typeof value === 'string' ? value.slice(0, textMax) : undefined);
export const list = (value: unknown): unknown[] => (Array.isArray(value) ? value.slice(0, listMax) : []);
export const texts = (value: unknown): string[] => list(value).flatMap((one) => text(one) ?? []);
/** A command line is written as a list or, by old tools, as one text. */
export const words = (value: unknown): string[] => (typeof value === 'string' ? [value.slice(0, textMax)] : texts(value));
