import { expect, it } from 'vitest';
import { toCsv } from './csv.ts';

it('exports what no spreadsheet runs', () => {
  expect(toCsv({ columns: ['a', 'b'], rows: [['=1+1', -2], [' @SUM(1)', '\u200b＝1'], ['a=b', '\r=1'], ['x"y,z', null], ['two\nlines', 3]] })).toBe('a,b\r\n\'=1+1,-2\r\n\' @SUM(1),\'\u200b＝1\r\na=b,"\'\r=1"\r\n"x""y,z",\r\n"two\nlines",3');
});
