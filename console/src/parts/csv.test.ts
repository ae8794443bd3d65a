import { expect, it } from 'vitest';
import { toCsv } from './csv.ts';

it('exports what no spreadsheet runs', () => {
  expect(toCsv({ columns: ['a', 'b'], rows: [['=1+1', -2], ['x"y,z', null], ['two\nlines', 3]] })).toBe('a,b\r\n\'=1+1,-2\r\n"x""y,z",\r\n"two\nlines",3');
});
