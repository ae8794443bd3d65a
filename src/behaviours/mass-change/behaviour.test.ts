import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Detection } from '../../core/alert.ts';
import { Machine, type MachineOptions } from '../../../test/machine.ts';
import { unfilled } from '../testing.ts';
import { massChange } from './behaviour.ts';

const knowledge = { self: { pid: 4444, paths: [] } };
const machine = (settings: MachineOptions['settings'] = {}): Machine => new Machine(massChange, { settings, knowledge });
const endings = ['docx', 'xlsx', 'pdf', 'jpg', 'sql', 'txt', 'php', 'zip', 'mp4', 'csv', 'html', 'db'];
const paths = (n: number, folders = 5): string[] => Array.from({ length: n }, (_, i) => `/srv/data/f${i % folders}/report${i}.${endings[i % endings.length]}`);
const grave = ({ level }: Detection): boolean => level === 'high' || level === 'critical';

type Deed = (m: Machine, pid: number, path: string, i: number) => void;
const entropy = (value: number): { extra: Record<string, unknown> } => ({ extra: { entropy: value } });
const hex = (i: number): string => ((i * 2_654_435_761) >>> 0).toString(16);

/** Ways of encryptors; each changes one document. */
const ways: Record<string, Deed> = {
  'renames with an ending': (m, pid, path) => { m.file(pid, 'rename', `${path}.locked`, { file_from: path }); },
  'writes, then renames': (m, pid, path) => { m.file(pid, 'write', path); m.file(pid, 'rename', `${path}.akira`, { file_from: path }); },
  'renames, then writes': (m, pid, path) => { m.file(pid, 'rename', `${path}.crypt8`, { file_from: path }); m.file(pid, 'write', `${path}.crypt8`); },
  'replaces the ending': (m, pid, path) => { m.file(pid, 'write', path); m.file(pid, 'rename', path.replace(/\w+$/, 'lockbit'), { file_from: path }); },
  'a new ending each time': (m, pid, path, i) => { m.file(pid, 'rename', `${path}.${hex(i)}x`, { file_from: path }); },
  'a new name each time': (m, pid, path, i) => { m.file(pid, 'rename', path.replace(/[^/]+$/, `${hex(i)}.royal`), { file_from: path }); },
  'new file, then delete': (m, pid, path) => { m.file(pid, 'create', `${path}.enc`); m.file(pid, 'delete', path); },
  'delete, then new file': (m, pid, path) => { m.file(pid, 'delete', path); m.file(pid, 'create', `${path}.[id-7].wcry`); },
  'in place, the sensor tells entropy': (m, pid, path) => { m.file(pid, 'write', path.replace(/\w+$/, 'csv'), entropy(7.9)); },
  'usual ending, rewritten before': (m, pid, path) => { m.file(pid, 'write', path); m.file(pid, 'rename', `${path}.bak`, { file_from: path }); },
};

/** Who does it: answers the process for the next file. */
const actors: Record<string, (m: Machine) => () => number> = {
  'own program in /tmp': (m) => { const pid = m.spawn(m.login(), '/tmp/e', './e'); return () => pid; },
  'own program of a unit': (m) => { const pid = m.service('/opt/upd/upd', '/opt/upd/upd', { unit: 'upd' }); return () => pid; },
  'worker processes of one program': (m) => { const main = m.spawn(m.login(), '/root/e', './e'); const pids = [m.fork(main), m.fork(main), m.fork(main)]; let i = 0; return () => pids[i++ % 3]!; },
  'child of the web server': (m) => { const pid = m.spawn(m.worker(), '/var/www/up/e', './e'); return () => pid; },
};

describe('an encryptor', () => {
  it('is told by its twentieth file at the latest, whatever its way, its processes and the noise around it', () => {
    const noise: Deed[] = [(m, pid, path) => { m.file(pid, 'create', `/var/log/${path.length}.log`); }, (m, pid) => { m.file(pid, 'write', '/srv/data/state.lock'); }, () => undefined];
    fc.assert(fc.property(fc.constantFrom(...Object.keys(ways)), fc.constantFrom(...Object.keys(actors)), fc.integer({ min: 1, max: 9 }), fc.array(fc.constantFrom(...noise), { minLength: 20, maxLength: 20 }), fc.array(fc.integer({ min: 0, max: 6000 }), { minLength: 20, maxLength: 20 }), (way, actor, folders, noises, pauses) => {
      const m = machine();
      const next = actors[actor]!(m);
      for (const [i, path] of paths(20, folders).entries()) {
        const pid = next();
        noises[i]!(m, pid, path, i);
        ways[way]!(m, pid, path, i);
        m.clock += pauses[i]!;
      }
      expect(m.found.some(grave), `${way}, ${actor}`).toBe(true);
      expect(m.found.flatMap(unfilled)).toEqual([]);
      expect(new Set(m.found.map(({ key }) => key)).size).toBe(1);
    }), { numRuns: 150 });
  });

  it.each([
    ['web shell: a script of the system\'s tools, one process a step', (m: Machine) => m.spawn(m.worker(), '/usr/bin/dash', 'sh -c enc.sh')],
    ['cron', (m: Machine) => m.cron('bash /tmp/enc.sh')],
    ['log-on', (m: Machine) => m.login('root')],
  ])('made of shell and openssl: %s', (_name, start) => {
    const m = machine();
    const shell = start(m);
    for (const path of paths(20)) {
      const openssl = m.spawn(shell, '/usr/bin/openssl', `openssl enc -in ${path} -out ${path}.enc`);
      m.file(openssl, 'create', `${path}.enc`);
      m.end(openssl);
      const rm = m.spawn(shell, '/usr/bin/rm', `rm ${path}`);
      m.file(rm, 'delete', path);
      m.end(rm);
    }
    expect(m.found.some(grave)).toBe(true);
    expect(m.found[0]?.group?.['ending']).toBe('.enc');
  });

  it('in python, in place across kinds, from a folder for temporary files', () => {
    const m = machine();
    const pid = m.spawn(m.login(), '/dev/shm/crypt', './crypt');
    for (const path of paths(20)) m.file(pid, 'write', path);
    expect(m.found.map(({ level }) => level)).toContain('critical');
  });

  it('is told by its notes, sooner together with changed files', () => {
    const m = machine();
    const pid = m.spawn(m.login(), '/opt/x', './x');
    for (const folder of ['a', 'b', 'c']) m.file(pid, 'create', `/srv/${folder}/HOW_TO_RECOVER_FILES.txt`);
    expect(m.found.map(({ level, group }) => [level, group?.['note'], group?.['folders']])).toEqual([['high', 'HOW_TO_RECOVER_FILES.txt', '3']]);
    const other = machine();
    const two = other.spawn(other.login(), '/opt/x', './x');
    other.file(two, 'create', '/srv/data/f0/文件已加密.txt');
    for (const path of paths(5)) other.file(two, 'rename', `${path}.locked`, { file_from: path });
    expect(other.found.at(-1)).toMatchObject({ level: 'critical', group: { same: '5', ending: '.locked', note: '文件已加密.txt' } });
  });

  it('names who, how many and where, and tells again as it grows', () => {
    const m = machine();
    const pid = m.spawn(m.login('root', '203.0.113.9'), '/tmp/e', './e --all');
    for (const path of paths(200)) { m.file(pid, 'rename', `${path}.locked`, { file_from: path }); m.clock += 500; }
    expect(m.found[0]).toMatchObject({ level: 'critical', count: 10, attack: ['T1486'], matrix: ['加密勒索'], group: { actor: './e --all', actor_pid: String(pid), same: '10', ending: '.locked', spread: '5' } });
    expect(m.found[0]?.events.at(-1)).toMatchObject({ origin: 'login', origin_ip: '203.0.113.9' });
    expect(m.found.length).toBeGreaterThan(1);
    expect(m.found.length).toBeLessThan(6);
  });
});

describe('baits', () => {
  const settings = { baits: ['/srv/.aaa/passwords.xlsx', '/home/decoy/'] };
  it.each([['write', '/srv/.aaa/passwords.xlsx', {}], ['delete', '/srv/.aaa/passwords.xlsx', {}], ['rename', '/srv/.aaa/passwords.xlsx.x', { file_from: '/srv/.aaa/passwords.xlsx' }], ['create', '/home/decoy/note.txt', {}]])('%s of one is critical at once', (action, path, fields) => {
    const m = machine(settings);
    m.file(m.spawn(m.login(), '/usr/bin/python3.11', 'python3 a.py'), action, path, fields);
    expect(m.found.map(({ level }) => level)).toEqual(['critical']);
    expect(m.found.flatMap(unfilled)).toEqual([]);
  });
  it('Moat itself, backups and what lies beside are no touch', () => {
    const m = machine(settings);
    const bash = m.login();
    m.file(m.spawn(bash, '/usr/bin/rsync', 'rsync -a b: /srv'), 'write', '/srv/.aaa/passwords.xlsx');
    m.file(m.seen('/usr/bin/node', 'node moat.js up', { pid: 4444 }), 'write', '/srv/.aaa/passwords.xlsx');
    m.file(m.spawn(bash, '/usr/bin/vim', 'vim'), 'write', '/srv/.aaa/passwords.xlsx.old');
    m.file(m.spawn(bash, '/usr/bin/vim', 'vim'), 'write', '/home/decoyed/x.txt');
    expect(m.found).toEqual([]);
    m.file(m.spawn(bash, '/tmp/rsync', 'rsync'), 'write', '/srv/.aaa/passwords.xlsx');
    expect(m.found).toHaveLength(1);
  });
});

describe('honest work', () => {
  const many = paths(200, 12);
  const tool = (path: string, cmdline: string, deed: Deed) => (m: Machine): void => { const pid = m.spawn(m.login('root'), path, cmdline); for (const [i, one] of many.entries()) { deed(m, pid, one, i); m.clock += 20; } };
  it.each<[string, (m: Machine) => void]>([
    ['rsync', tool('/usr/bin/rsync', 'rsync -a /srv/data b:', (m, pid, path, i) => { const temporary = path.replace(/([^/]+)$/, `.$1.${hex(i).slice(0, 6)}`); m.file(pid, 'create', temporary); m.file(pid, 'rename', path, { file_from: temporary }); })],
    ['rsync in place', tool('/usr/bin/rsync', 'rsync -a --inplace', (m, pid, path) => { m.file(pid, 'write', path); })],
    ['tar -x over what is there', tool('/usr/bin/tar', 'tar xf a.tar', (m, pid, path) => { m.file(pid, 'delete', path); m.file(pid, 'create', path); })],
    ['cp -r over what is there', tool('/usr/bin/cp', 'cp -r a b', (m, pid, path) => { m.file(pid, 'write', path); })],
    ['rm -r', tool('/usr/bin/rm', 'rm -rf data', (m, pid, path) => { m.file(pid, 'delete', path); })],
    ['logrotate', tool('/usr/sbin/logrotate', 'logrotate /etc/logrotate.conf', (m, pid, _path, i) => { const log = `/srv/app/log/app${i}.txt`; m.file(pid, 'rename', `${log}.1`, { file_from: log }); m.file(pid, 'create', log); })],
    ['gzip of dumps', tool('/usr/bin/gzip', 'gzip *.sql', (m, pid, path) => { m.file(pid, 'create', `${path}.gz`); m.file(pid, 'delete', path); })],
    ['a packer from source', tool('/usr/local/bin/zstd', 'zstd --rm', (m, pid, path) => { m.file(pid, 'create', `${path}.zst`); m.file(pid, 'delete', path); })],
    ['database checkpoint', tool('/usr/sbin/mysqld', 'mysqld', (m, pid, _path, i) => { m.file(pid, 'write', `/var/lib/mysql/shop/t${i}.ibd`, entropy(7.9)); })],
    ['database from source', tool('/www/server/mysql/bin/mysqld', 'mysqld', (m, pid, _path, i) => { m.file(pid, 'write', `/www/server/data/shop/t${i}.ibd`); })],
    ['git checkout', tool('/usr/bin/git', 'git checkout main', (m, pid, path) => { m.file(pid, 'delete', path); m.file(pid, 'create', path); })],
    ['npm ci', tool('/usr/bin/node', 'npm ci', (m, pid, _path, i) => { m.file(pid, 'delete', `/srv/app/node_modules/a${i}/index.js`); m.file(pid, 'create', `/srv/app/node_modules/a${i}/index.js`); m.file(pid, 'rename', `/srv/app/node_modules/.a${i}-x1y2`, { file_from: `/srv/app/node_modules/a${i}/README.md` }); })],
    ['formatter', tool('/usr/bin/node', 'node prettier --write .', (m, pid, _path, i) => { m.file(pid, 'write', `/home/w/src/d${i % 9}/f${i}.${['ts', 'css', 'md', 'json', 'html'][i % 5]}`); })],
    ['sed -i', tool('/usr/bin/sed', 'sed -i s/a/b/', (m, pid, path) => { m.file(pid, 'create', `/srv/data/sed${path.length}x`); m.file(pid, 'rename', path, { file_from: `/srv/data/sed${path.length}x` }); })],
    ['photo tool that keeps originals', tool('/usr/bin/perl', 'perl exiftool -all= .', (m, pid, _path, i) => { const photo = `/srv/photos/a/IMG_${i}.jpg`; m.file(pid, 'create', `${photo}_exiftool_tmp`); m.file(pid, 'rename', `${photo}_original`, { file_from: photo }); m.file(pid, 'rename', photo, { file_from: `${photo}_exiftool_tmp` }); })],
    ['photo tool in place', tool('/usr/local/bin/mogrify', 'mogrify -resize 50% *', (m, pid, _path, i) => { m.file(pid, 'write', `/srv/photos/d${i % 9}/IMG_${i}.${['jpg', 'png', 'webp'][i % 3]}`, entropy(7.9)); })],
    ['renaming photos', tool('/usr/bin/python3.11', 'python3 sort.py', (m, pid, _path, i) => { m.file(pid, 'rename', `/srv/photos/2026/${i}.jpg`, { file_from: `/srv/photos/IMG_${i}.jpeg` }); })],
    ['uploads of a web application', (m) => { const pid = m.worker(); for (const path of many) { m.file(pid, 'create', `${path}.part`); m.file(pid, 'rename', path, { file_from: `${path}.part` }); } }],
    ['queue that marks what is done', tool('/opt/app/importer', 'importer', (m, pid, _path, i) => { m.file(pid, 'rename', `/srv/in/${i}.csv.done`, { file_from: `/srv/in/${i}.csv` }); })],
    ['apt upgrade', tool('/usr/bin/dpkg', 'dpkg --unpack', (m, pid, _path, i) => { m.file(pid, 'create', `/etc/x/${i}.ini.dpkg-new`); m.file(pid, 'rename', `/etc/x/${i}.ini`, { file_from: `/etc/x/${i}.ini.dpkg-new` }); })],
    ['backup with restic to a folder', tool('/usr/bin/restic', 'restic backup', (m, pid, _path, i) => { m.file(pid, 'create', `/backup/data/${hex(i)}`, entropy(8)); })],
    ['download of a mirror', tool('/usr/bin/wget', 'wget -m', (m, pid, path) => { m.file(pid, 'create', path); })],
    ['own site generator, one kind and pictures', tool('/usr/local/bin/hugo', 'hugo', (m, pid, _path, i) => { m.file(pid, 'write', `/srv/www/d${i % 30}/p${i}.${['html', 'jpg', 'css', 'xml'][i % 4]}`); })],
  ])('%s raises nothing', (_name, play) => {
    const m = machine();
    play(m);
    expect(m.found.map(({ level, group }) => ({ level, ...group }))).toEqual([]);
  });

  it('an administrator\'s own mv is told as information', () => {
    const m = machine();
    const bash = m.login('root');
    for (const path of many) { const mv = m.spawn(bash, '/usr/bin/mv', `mv ${path} ${path}.projekt`); m.file(mv, 'rename', `${path}.projekt`, { file_from: path }); m.end(mv); }
    expect(new Set(m.found.map(({ level }) => level))).toEqual(new Set(['info']));
  });

  it('a backup script that seals dumps with gpg is told as unusual', () => {
    const m = machine();
    const script = m.spawn(m.cron('/root/seal.sh'), '/usr/bin/bash', 'bash /root/seal.sh');
    for (let i = 0; i < 30; i++) {
      const path = `/backup/dump${i}.sql`;
      const gpg = m.spawn(script, '/usr/bin/gpg', `gpg -e ${path}`);
      m.file(gpg, 'create', `${path}.gpg`);
      m.file(m.spawn(script, '/usr/bin/rm', `rm ${path}`), 'delete', path);
    }
    expect(new Set(m.found.map(({ level }) => level))).toEqual(new Set(['medium']));
  });

  it('slow changes do not add up', () => {
    const m = machine();
    const pid = m.spawn(m.login(), '/opt/x', './x');
    for (const path of many.slice(0, 40)) { m.file(pid, 'rename', `${path}.locked`, { file_from: path }); m.clock += 60_000; }
    expect(m.found).toEqual([]);
  });
});
