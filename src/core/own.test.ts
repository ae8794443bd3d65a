import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { own } from './own.ts';

it('gives back exactly what it got', () => {
  fc.assert(fc.property(fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit: 'binary', maxLength: 60 }), fc.constant('a\ud800 unpaired surrogate\udfff')), (text) => {
    expect(own(text)).toBe(text);
    expect(new Map([[own(text), 1]]).get(text)).toBe(1);
  }));
});
