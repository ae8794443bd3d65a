import { expect, it } from 'vitest';
import { make, tryOut, unfilled, type Trial } from '../testing.ts';
import { portWhitelist } from './behaviour.ts';

const hour = 3_600_000;
const began = Date.UTC(2026, 2, 1, 12);
const listener = (trial: Trial, at: number, port: number, fields = {}): void => {
  trial.run.observe(make('listener', at, { action: 'listener-start', destination_ip: '0.0.0.0', destination_port: port, protocol: 'tcp', process_path: '/usr/sbin/sshd', ...fields }));
};

it('with a list tells what is not on it', () => {
  const trial = tryOut(portWhitelist, { ports: ['22', '443/tcp', '53/udp', '8000-8010', 'nonsense', '99999'] });
  for (const port of [22, 443, 8000, 8005, 8010]) listener(trial, began, port);
  listener(trial, began, 53, { protocol: 'udp' });
  expect(trial.found).toEqual([]);
  listener(trial, began, 53);
  listener(trial, began, 8011, { destination_ip: '127.0.0.1' });
  listener(trial, began, 4444, { process_path: '/tmp/nc' });
  expect(trial.found.map((d) => [d.events[0]?.destination_port, d.level])).toEqual([[53, 'medium'], [8011, 'low'], [4444, 'high']]);
  expect(trial.counts.get('port white list entries that are no port')).toBe(2);
  expect(trial.found.flatMap(unfilled)).toEqual([]);
});

it('without one learns for a day and then tells what is new', () => {
  const trial = tryOut(portWhitelist);
  for (const port of [22, 80, 443]) listener(trial, began, port, { action: 'listener-seen' });
  listener(trial, began + 23 * hour, 3306, { destination_ip: '127.0.0.1', process_path: '/usr/sbin/mysqld' });
  listener(trial, began + 23 * hour, 45_123, { process_path: '/usr/sbin/vsftpd' });
  expect(trial.run.learning?.()).toEqual({ since: began, samples: 5, ready: false });
  listener(trial, began + 30 * hour, 22);
  listener(trial, began + 30 * hour, 51_999, { process_path: '/usr/sbin/vsftpd' });
  expect(trial.found).toEqual([]);

  const again = tryOut(portWhitelist, {}, trial.run.save?.());
  again.run.tick?.(began + 31 * hour);
  expect(again.run.learning?.()).toMatchObject({ since: began, ready: true });
  listener(again, began + 31 * hour, 22);
  listener(again, began + 31 * hour, 3306, { process_path: '/usr/sbin/mysqld' });
  listener(again, began + 31 * hour, 6010, { destination_ip: '127.0.0.1' });
  listener(again, began + 31 * hour, 4444, { process_path: '/dev/shm/x' });
  expect(again.found.map((d) => [d.events[0]?.destination_port, d.level, d.title.en])).toEqual([[3306, 'low', 'New listener'], [6010, 'info', 'New listener'], [4444, 'medium', 'New listener']]);
  listener(again, began + 32 * hour, 4444, { process_path: '/dev/shm/x' });
  expect(again.found).toHaveLength(3);
});
