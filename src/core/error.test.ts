import { describe, expect, it } from 'vitest';
import { headed, MoatError, reasonOf, saidBy } from './error.ts';

describe('MoatError', () => {
  it('says what went wrong and what to do in both languages', () => {
    const error = new MoatError('gone', 'expected a key, got nothing', { zh: '没有密钥', hint: { zh: '做一把', en: 'make one' } });
    expect(error).toMatchObject({ message: 'expected a key, got nothing', hint: 'make one', text: { zh: '没有密钥', en: 'expected a key, got nothing' } });
    expect(reasonOf(error)).toEqual({ zh: '没有密钥（做一把）', en: 'expected a key, got nothing (make one)' });
    expect(saidBy(error)).toEqual({ zh: '没有密钥', en: 'expected a key, got nothing' });
  });

  it('falls back to what it has', () => {
    expect(reasonOf(new MoatError('gone', 'expected a key', { hint: 'make one' }))).toEqual({ zh: 'expected a key（make one）', en: 'expected a key (make one)' });
    expect(saidBy('odd')).toEqual({ zh: 'odd', en: 'odd' });
    expect(saidBy(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' }))).toEqual({ zh: '磁盘读写出错', en: 'EIO: i/o error, read' });
    expect(saidBy(Object.assign(new Error('odd'), { code: 'constructor' }))).toEqual({ zh: 'odd', en: 'odd' });
  });

  it('puts a headline before a message that has no Chinese of its own', () => {
    expect(headed('损坏', 'expected a page', {})).toEqual({ zh: '损坏' });
    expect(headed('损坏', 'expected a page', { zh: '页坏了' })).toEqual({ zh: '页坏了' });
  });
});
