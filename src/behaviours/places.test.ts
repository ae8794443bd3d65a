import { expect, it } from 'vitest';
import { oddPlace, plantedPlace } from './places.ts';

it('an odd place is told by its path', () => {
  const odd = ['/tmp/x', '/var/tmp/a/b', '/dev/shm/x', '/memfd:x', '/proc/7/fd/3', '/etc/.x/y', '/usr/lib/.z', '/home/a/.x', '/srv/x (deleted)', '/var/www/.git2/x', '/opt/.../x'];
  expect(odd.filter((path) => oddPlace(path) === undefined)).toEqual([]);
  const plain = ['/usr/bin/x', '/usr/bin/x (deleted)', '/opt/app/bin/x', '/srv/app/x', '/home/a/.nvm/versions/node/v20/bin/node', '/home/a/p/node_modules/.bin/x', '/root/.local/share/x', '/home/a/.cache/ms-playwright/x/chrome', '/proc/self/exe', '/tmp', ''];
  expect(plain.filter((path) => oddPlace(path) !== undefined)).toEqual([]);
  expect(oddPlace('/home/a/.x/.cargo/bin/y')).toBe('hidden');
});

it('what belongs to a project\'s folder is not planted on the machine', () => {
  expect(['/etc/cron.d/x', '/root/.ssh/authorized_keys', '/home/a/.bashrc', '/etc/hosts', '/tmp/.bashrc'].map(plantedPlace)).toEqual(['cron', 'ssh', 'profile', undefined, undefined]);
  expect(['/srv/app/.git/hooks/pre-push', '/var/www/html/.user.ini', '/home/a/.gitconfig'].map(plantedPlace)).toEqual([undefined, undefined, undefined]);
});
