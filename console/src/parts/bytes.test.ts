import { expect, it } from 'vitest';
import { bytesText } from './bytes.ts';

it('tells sizes', () => {
  expect([0, 0.5, 1, 1023, 1536, 5 * 2 ** 30, 2 ** 50].map((bytes) => bytesText(bytes, 'en'))).toEqual(['0 B', '0.5 B', '1 B', '1,023 B', '1.5 KiB', '5 GiB', '1,024 TiB']);
});
