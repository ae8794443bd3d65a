import { describe, expect, it } from 'vitest';
import { jsonLine, safe } from './terminal.ts';

describe('text from outside on a terminal', () => {
  it.each([
    ['\u001b[2J\u009b31m', String.raw`\x1b[2J\x9b31m`],
    ['a\rb\nc\td', String.raw`a\x0db\x0ac d`],
    ['user\u202egpj.exe', String.raw`user\x202egpj.exe`],
    ['ad\u200bmin\u2060\ufeff', String.raw`ad\x200bmin\x2060\xfeff`],
    ['a\u034fb\u3164c\u{e0041}d\ufe0f', String.raw`a\x34fb\x3164c\xe0041d\xfe0f`],
    ['half \ud800 pair', String.raw`half \xd800 pair`],
    ['中文 Ünïcode 😀', '中文 Ünïcode 😀'],
  ])('%j', (text, shown) => expect(safe(text)).toBe(shown));

  it('leaves nothing of all of Unicode that is a control or is drawn as nothing', () => {
    for (let code = 0; code <= 0x10ffff; code++) {
      const shown = safe(String.fromCodePoint(code));
      if (/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u.test(shown) && !/^[\p{Cn}\p{Co}]$/u.test(shown)) throw new Error(`U+${code.toString(16)} is left`);
    }
  });
});

describe('a line of JSON', () => {
  it.each([
    ['c1 \u009b31m \u007f', String.raw`"c1 \u009b31m \u007f"`],
    ['user\u202egpj.exe\u2066', String.raw`"user\u202egpj.exe\u2066"`],
    ['ad\u200bmin\u2028\ufeff', String.raw`"ad\u200bmin\u2028\ufeff"`],
    ['tag\u{e0041}', String.raw`"tag\udb40\udc41"`],
    ['half \ud800 pair\u001b\n', String.raw`"half \ud800 pair\u001b\n"`],
    ['C:\\\u0085', String.raw`"C:\\\u0085"`],
    ['中文 Ünïcode 😀', '"中文 Ünïcode 😀"'],
  ])('shows %j and reads back as it was', (text, shown) => {
    expect(jsonLine(text)).toBe(shown);
    const record = { [text]: [text, 7, { deep: text }], missing: undefined };
    expect(JSON.parse(jsonLine(record))).toEqual({ [text]: [text, 7, { deep: text }] });
    expect(jsonLine(record)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
  });
});
