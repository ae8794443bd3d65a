import { expect, it } from 'vitest';
import { feed } from '../testing.ts';
import { screensharing } from './program.ts';

it.each([
  ['Authentication: FAILED :: User Name: dave :: Viewer Address: 192.0.2.7 :: Type: DH', 'failure dave 192.0.2.7'],
  ['Authentication: FAILED :: User Name: x :: Viewer Address: 203.0.113.9 :: Type: DH :: Viewer Address: 192.0.2.7 :: Type: DH', 'failure x :: Viewer Address: 203.0.113.9 :: Type: DH 192.0.2.7'],
  ['Authentication: SUCCEEDED :: User Name: dave :: Viewer Address: 192.0.2.7 :: Type: N/A', 'success dave 192.0.2.7'],
])('%s', (message, expected) => {
  const event = feed(screensharing)(message);
  expect(`${event.outcome} ${event.user} ${event.source_ip}`).toBe(expected);
});
