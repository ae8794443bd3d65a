import { describe, expect, it } from 'vitest';
import { inertPieces, inertString } from './inert-text.ts';

describe('hostile text', () => {
  it('makes visible what hides, turns around or rings', () => {
    expect(inertString('a\u0000b\u001b[2Jc')).toBe('a⟨NUL⟩b⟨ESC⟩[2Jc');
    expect(inertString('gpj.\u202eexe')).toBe('gpj.⟨RLO⟩exe');
    expect(inertString('ad\u200bmin\ufeff\u00ad')).toBe('ad⟨ZWSP⟩min⟨BOM⟩⟨SHY⟩');
    expect(inertString('x\ud800y\u{e0041}')).toBe('x⟨U+D800⟩y⟨U+E0041⟩');
  });

  it('leaves ordinary text of all scripts as it is', () => {
    for (const text of ['护城河 naïve Ελλάδα עברית 日本語 😀', '<img src=x onerror=alert(1)>', '']) expect(inertPieces(text).pieces).toEqual(text === '' ? [] : [{ text, sign: false }]);
  });

  it('keeps line ends only where lines are shown, and says how much it left out', () => {
    expect(inertPieces('a\nb\tc', { lines: true }).pieces).toEqual([{ text: 'a\nb\tc', sign: false }]);
    expect(inertString('a\nb')).toBe('a⟨↵⟩b');
    expect(inertPieces('x'.repeat(50), { most: 20 })).toEqual({ pieces: [{ text: 'x'.repeat(20), sign: false }], left: 30 });
  });
});
