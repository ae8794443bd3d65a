import { expect, it } from 'vitest';
import { feed } from '../testing.ts';
import { systemd } from './program.ts';

it.each([
  ['shop.service: Scheduled restart job, restart counter is at 5.', 'service-restart', 'unknown', { value: 5, extra: { unit: 'shop.service' } }],
  ['shop.service: Main process exited, code=exited, status=1/FAILURE', 'process-exit', 'failure', { exit_code: 1 }],
  ["shop.service: Failed with result 'exit-code'.", 'service-failed', 'failure', { extra: { unit: 'shop.service' } }],
  ['shop.service: Start request repeated too quickly.', 'service-start-limit', 'failure', {}],
  ['shop.service: Deactivated successfully.', 'service-end', 'success', {}],
  ['Started shop.service - The shop.', 'service-start', 'success', { extra: { unit: 'shop.service' } }],
  ['Started The shop.', 'service-start', 'success', { extra: { unit: 'The shop' } }],
  ['Stopped shop.service.', 'service-stop', 'success', { extra: { unit: 'shop.service' } }],
  ['Failed to start shop.service - The shop.', 'service-start', 'failure', { extra: { unit: 'shop.service' } }],
  ['Stopping shop.service - The shop...', 'service-stopping', 'unknown', { extra: { unit: 'shop.service' } }],
])('%s', (message, action, outcome, expected) => {
  expect(feed(systemd)(message)).toMatchObject({ said: true, kind: 'syslog', service: 'systemd', category: 'service', action, outcome, ...expected });
});

it('leaves what it does not know', () => {
  expect(['Reached target Multi-User System.', 'shop.service: Consumed 3.1s CPU time.', ''].map((text) => feed(systemd)(text).said)).toEqual([false, false, false]);
});
