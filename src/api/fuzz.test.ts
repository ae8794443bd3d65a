import { expect, it } from 'vitest';
import { fuzzApi } from '../../bench/fuzz-api.ts';
import { seeded } from '../../bench/fuzz-random.ts';

it('nothing that is sent to any route, well formed or not, makes a fault of ours', async () => {
  const { tried, refused, crashes } = await fuzzApi(seeded(7), 100_000, 600);
  expect({ crashes, tried, refused: refused > 100 }).toEqual({ crashes: [], tried: 600, refused: true });
}, 120_000);
