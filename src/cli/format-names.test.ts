import { expect, it } from 'vitest';
import { formatNames as known } from '../engine/decode.ts';
import { formatNames } from './format-names.ts';

it('names the formats that there are', () => { expect(formatNames).toEqual(known()); });
