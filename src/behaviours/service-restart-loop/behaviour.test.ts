import { expect, it } from 'vitest';
import { make, tryOut, unfilled } from '../testing.ts';
import { serviceRestartLoop } from './behaviour.ts';

const began = Date.UTC(2026, 2, 1, 12);
const second = 1000;

it('tells a unit that systemd restarts five times in five minutes, once a window', () => {
  const { run, found } = tryOut(serviceRestartLoop);
  for (let i = 0; i < 20; i++) run.observe(make('syslog', began + i * 60 * second, { action: 'service-restart', service: 'shop.service' }));
  expect(found.map((d) => (d.time - began) / 1000)).toEqual([240, 540, 840, 1140]);
  expect(found[0]).toMatchObject({ level: 'medium', key: 'unit:shop.service', count: 5, group: { name: 'shop.service', restarts: '5', seconds: '240' } });
  expect(found.flatMap(unfilled)).toEqual([]);
});

it('keeps still when restarts are rare or of different units', () => {
  const { run, found } = tryOut(serviceRestartLoop);
  for (let i = 0; i < 20; i++) run.observe(make('syslog', began + i * 100 * second, { action: 'service-restart', service: 'slow.service' }));
  for (let i = 0; i < 20; i++) run.observe(make('syslog', began + i * second, { action: 'service-restart', service: `unit${i}.service` }));
  expect(found).toEqual([]);
});

it('sees a supervisor that starts one program again and again, but not what else starts often', () => {
  const starts = (fields: Record<string, unknown>, every: number): number => {
    const { run, found } = tryOut(serviceRestartLoop);
    for (let i = 0; i < 30; i++) run.observe(make('process_creation', began + i * every, { action: 'process-start', process_path: '/srv/app/worker', process_cmdline: 'worker -x', parent_pid: 50, ...fields }));
    return found.length;
  };
  expect(starts({ parent_path: '/usr/bin/supervisord' }, 10 * second)).toBe(1);
  expect(starts({ parent_path: '/usr/bin/dumb-init', parent_pid: 1 }, 10 * second)).toBe(1);
  expect(starts({ parent_path: '/usr/bin/supervisord' }, 60 * second)).toBe(0);
  expect(starts({ parent_path: '/usr/bin/bash' }, second)).toBe(0);
  expect(starts({ parent_path: '/usr/lib/systemd/systemd', parent_pid: 1 }, second)).toBe(0);
});
