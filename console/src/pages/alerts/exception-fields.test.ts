import { describe, expect, it } from 'vitest';
import { choicesOf } from './exception-fields.ts';

describe('what an exception may be about', () => {
  it('offers what all events share, the usual first, nothing that passes', () => {
    expect(choicesOf([{ id: '1', time: 5, http_status: 200, source_ip: '192.0.2.7', url: '/a' }, { id: '2', time: 6, http_status: 200, source_ip: '192.0.2.7', url: '/b' }])).toEqual([
      { field: 'source_ip', value: '192.0.2.7', isNumber: false, isUsual: true }, { field: 'http_status', value: '200', isNumber: true, isUsual: false },
    ]);
  });
  it('offers nothing without evidence, nor what is too long to be kept', () => {
    expect(choicesOf([])).toEqual([]);
    expect(choicesOf([{ url: 'x'.repeat(1001), user: '' }])).toEqual([]);
  });
});
