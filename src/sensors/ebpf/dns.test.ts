import { assert, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { questionName } from './dns.ts';

const header = (flags = 0x0100, questions = 1): string => String.fromCharCode(0x12, 0x34, flags >> 8, flags & 255, 0, questions, 0, 0, 0, 0, 0, 0);
const labels = (...names: string[]): string => `${names.map((name) => String.fromCharCode(name.length) + name).join('')}\0`;

describe('questionName', () => {
  it('tells the name asked for', () => {
    expect(questionName(`${header()}${labels('Pool', 'example', 'org')}\0\x01\0\x01`)).toBe('pool.example.org');
    expect(questionName(`${header()}${labels('a b', 'exämple')}\0\x01\0\x01`)).toBe('a\\032b.ex\\228mple');
  });

  it('tells what is there of a name that was cut', () => {
    expect(questionName(`${header()}${labels('www', 'example').slice(0, 7)}`)).toBe('www.ex');
  });

  it('passes over what is no question', () => {
    expect(questionName('')).toBeUndefined();
    expect(questionName(header())).toBeUndefined();
    expect(questionName(`${header(0x8180)}${labels('www', 'example')}`)).toBeUndefined();
    expect(questionName(`${header(0x2800)}${labels('www', 'example')}`)).toBeUndefined();
    expect(questionName(`${header(0x0100, 0)}${labels('www', 'example')}`)).toBeUndefined();
    expect(questionName(`${header()}\xc0\x0c`)).toBeUndefined();
    expect(questionName(`${header()}\0\0\x02`)).toBeUndefined();
  });

  it('takes any bytes', () => {
    assert(property(uint8Array({ maxLength: 255 }), (bytes) => {
      const name = questionName(Buffer.from(bytes).toString('latin1'));
      if (name !== undefined) expect(name).toMatch(/^[\x21-\x7e]+$/);
    }));
  });
});
