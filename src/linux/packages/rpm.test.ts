/**
 * Packages built with rpmbuild, installed by rpm into trees of their own. rpm itself writes the SQLite form and
 * Berkeley DB's own loader the hash; Debian's rpm has no ndb, so that form is written here by its layout.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { buildRpms } from '../../../test/rpm.ts';
import { openDatabase } from '../../stores/sqlite/driver.ts';
import { openPackages } from './index.ts';
import { PackagesError } from './error.ts';
import { parseHeader } from './rpm-header.ts';

const work = mkdtempSync(join(tmpdir(), 'moat-rpm-'));
const installed = join(work, 'sqlite');
const home = 'var/lib/rpm';
afterAll(() => rmSync(work, { recursive: true, force: true }));

const parts = `%package more
Summary: more of it
%description more
more of it
%install
mkdir -p %{buildroot}/usr/bin %{buildroot}/etc %{buildroot}/usr/share/tool/deep %{buildroot}/opt/näme
echo good > %{buildroot}/usr/bin/tool
echo conf > %{buildroot}/etc/tool.conf
echo x > '%{buildroot}/opt/näme/a file'
ln -s tool %{buildroot}/usr/bin/link
for i in $(seq 1 900); do echo $i > %{buildroot}/usr/share/tool/deep/file-with-a-name-$i; done
echo more > %{buildroot}/usr/bin/more-tool
%files
%attr(4755,root,root) /usr/bin/tool
/usr/bin/link
%config(noreplace) /etc/tool.conf
/usr/share/tool
"/opt/näme/a file"
%ghost /var/log/tool.log
%files more
/usr/bin/more-tool
`;

const rpm = (...args: string[]): string => execFileSync('rpm', ['--root', installed, '--dbpath', `/${home}`, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 26 });

describe.skipIf(lacks({ root: true, files: ['/usr/bin/rpmbuild', '/usr/bin/rpm', '/usr/bin/rpmdb', '/usr/bin/db5.3_load'] }))('rpm', () => {
  /** Every header of the database, as rpm itself gives them out. */
  let headers: Buffer[] = [];

  beforeAll(() => {
    const built = buildRpms(join(work, 'build'), parts);
    mkdirSync(installed);
    rpm('-i', '--nodeps', '--nosignature', ...built);
    headers = exported(execFileSync('rpmdb', ['--root', installed, '--dbpath', `/${home}`, '--exportdb'], { maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'ignore'] }));
  });

  it('knows what rpm knows of packages and files', async () => {
    const index = await openPackages(installed);
    expect(index.packages.map((p) => `${p.name} ${p.version} ${p.arch}`).sort()).toEqual(rpm('-qa', '--qf', '%{NAME} %{EVR} %{ARCH}\\n').trim().split('\n').sort());
    const lines = rpm('-qa', '--qf', '[%{=NAME}\\t%{FILENAMES}\\t%{FILEMODES}\\t%{FILEDIGESTS}\\t%{FILEFLAGS}\\n]').trim().split('\n').map((line) => line.split('\t'))
      .filter(([, , mode]) => (Number(mode) & 0o170000) !== 0o040000);
    const told = lines.map(([name, path, mode, digest, flags]) => ({ name, path, mode: Number(mode) & 0xffff, digest: digest || undefined, config: (Number(flags) & 1) !== 0, ghost: (Number(flags) & 64) !== 0 }));
    const ours = [...index.files()].map((file) => ({ name: file.package.name, path: file.path, mode: file.mode, digest: file.digest?.hex, config: file.config, ghost: file.ghost }));
    const byPath = (a: { path?: string | undefined }, b: { path?: string | undefined }): number => ((a.path ?? '') < (b.path ?? '') ? -1 : 1);
    expect(ours.toSorted(byPath)).toEqual(told.toSorted(byPath));
    expect(ours.length).toBeGreaterThan(900);
    for (const path of ['/usr/bin/tool', '/usr/bin/more-tool', '/opt/näme/a file', '/etc/tool.conf']) expect(index.owner(path)?.package.name).toBe(rpm('-qf', '--qf', '%{NAME}', path));
    expect([...index.counts]).toEqual([]);
  });

  it('judges files as rpm --verify does', async () => {
    const root = join(work, 'changed');
    cpSync(installed, root, { recursive: true, verbatimSymlinks: true });
    writeFileSync(join(root, 'usr/share/tool/deep/file-with-a-name-7'), 'evil');
    chmodSync(join(root, 'usr/share/tool/deep/file-with-a-name-8'), 0o4755);
    rmSync(join(root, 'usr/share/tool/deep/file-with-a-name-9'));
    rmSync(join(root, 'usr/bin/more-tool'));
    symlinkSync('tool', join(root, 'usr/bin/more-tool'));
    writeFileSync(join(root, 'etc/tool.conf'), 'mine');
    const index = await openPackages(root);
    const found: Record<string, string> = {};
    for (const { path } of index.files()) {
      const verdict = await index.verify(path);
      if (verdict === 'modified' || verdict === 'missing') found[path] = verdict;
    }
    const { stdout } = spawnSync('rpm', ['--root', root, '--dbpath', `/${home}`, '-Va', '--nodeps'], { encoding: 'utf8' });
    const told = stdout.split('\n').flatMap((line) => ((line.startsWith('missing') || /[5ML]/.test(line.slice(0, 9))) && !line.includes('/var/log/tool.log') ? [line.slice(line.indexOf('/')).trim()] : []));
    expect(Object.keys(found).sort()).toEqual(told.sort());
    expect(found).toEqual({
      '/usr/share/tool/deep/file-with-a-name-7': 'modified', '/usr/share/tool/deep/file-with-a-name-8': 'modified', '/usr/share/tool/deep/file-with-a-name-9': 'missing', '/usr/bin/more-tool': 'modified', '/etc/tool.conf': 'modified',
    });
    expect(await index.verify('/usr/bin/link')).toBe('unchecked');
  });

  it('reads the same from each form of database', async () => {
    const names = async (root: string): Promise<string[]> => [...(await openPackages(root)).files()].map((file) => `${file.package.name} ${file.package.version} ${file.path} ${file.digest?.hex}`).sort();
    const expected = await names(installed);
    for (const [form, write] of Object.entries(forms)) {
      const root = join(work, form);
      mkdirSync(join(root, home), { recursive: true });
      write(join(root, home), headers);
      expect(await names(root), form).toEqual(expected);
    }
  });

  it('reads what waits in the write-ahead log, and no more than was committed', async () => {
    const folder = join(work, 'waiting');
    mkdirSync(join(folder, home), { recursive: true });
    copyFileSync(join(installed, home, 'rpmdb.sqlite'), join(folder, home, 'rpmdb.sqlite'));
    const database = openDatabase(join(folder, home, 'rpmdb.sqlite'));
    const snapshot = (name: string): string => {
      const root = join(work, name);
      mkdirSync(join(root, home), { recursive: true });
      for (const file of ['rpmdb.sqlite', 'rpmdb.sqlite-wal']) copyFileSync(join(folder, home, file), join(root, home, file));
      return root;
    };
    try {
      database.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = 4');
      // As large as the rest, so that it needs pages of its own.
      const other = Buffer.from(headers.toSorted((a, b) => b.length - a.length)[0]!.toString('latin1').replaceAll('tool\0', 'loot\0'), 'latin1');
      database.prepare('INSERT INTO Packages (blob) VALUES (?)').run(other);
      expect((await openPackages(snapshot('committed'))).packages.map((p) => p.name).sort()).toEqual(['loot', 'tool', 'tool-more']);
      database.exec('BEGIN');
      for (let i = 0; i < 3; i++) database.prepare('INSERT INTO Packages (blob) VALUES (?)').run(other);
      expect(readFileSync(join(folder, home, 'rpmdb.sqlite-wal')).length).toBeGreaterThan(other.length * 3);
      expect((await openPackages(snapshot('open'))).packages.length).toBe(3);
      const torn = snapshot('torn');
      const wal = readFileSync(join(torn, home, 'rpmdb.sqlite-wal'));
      writeFileSync(join(torn, home, 'rpmdb.sqlite-wal'), wal.fill(0xff, 100, 200));
      expect((await openPackages(torn)).packages.map((p) => p.name).sort()).toEqual(['tool', 'tool-more']);
    } finally { database.close(); }
  });

  it('meets broken and hostile databases with clear errors or counts', async () => {
    const root = join(work, 'hostile');
    mkdirSync(join(root, home), { recursive: true });
    let state = 12_345;
    const random = (below: number): number => { state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0; return state % below; };
    const outcomes = new Map<string, number>();
    for (const [form, name] of [['sqlite', 'rpmdb.sqlite'], ['ndb', 'Packages.db'], ['bdb', 'Packages']] as const) {
      const whole = readFileSync(join(work, form, home, name));
      for (let i = 0; i < 120; i++) {
        const bytes = Buffer.from(i % 3 === 0 ? whole.subarray(0, random(whole.length)) : whole);
        // Numbers near the beginnings of pages lead the reader; hit those more than the rest.
        for (let n = 0; n < 20 && bytes.length > 0; n++) bytes[Math.min(bytes.length - 1, n % 2 ? random(bytes.length) : random(Math.ceil(bytes.length / 4096)) * 4096 + random(40))] = random(256);
        writeFileSync(join(root, home, name), bytes);
        let outcome: string;
        try {
          const index = await openPackages(root);
          for (const file of index.files()) expect(file.path.startsWith('/')).toBe(true);
          outcome = index.counts.size > 0 ? 'counted' : 'read';
        } catch (error) {
          expect(error).toBeInstanceOf(PackagesError);
          outcome = (error as PackagesError).code;
        }
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        rmSync(join(root, home, name));
      }
    }
    expect(outcomes.get('broken')).toBeGreaterThan(50);
    expect(outcomes.get('counted')).toBeGreaterThan(10);
  });

  it('keeps to one database when the other beside it is broken', async () => {
    const root = join(work, 'both');
    mkdirSync(join(root, home), { recursive: true });
    writeFileSync(join(root, home, 'rpmdb.sqlite'), 'no database');
    await expect(openPackages(root)).rejects.toMatchObject({ code: 'broken' });
    mkdirSync(join(root, 'var/lib/dpkg/info'), { recursive: true });
    writeFileSync(join(root, 'var/lib/dpkg/status'), 'Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n');
    writeFileSync(join(root, 'var/lib/dpkg/info/a.list'), '/a\n');
    const index = await openPackages(root);
    expect([index.owner('/a')?.package.manager, [...index.counts]]).toEqual(['dpkg', [['databases that cannot be read', 1]]]);
  });

  it('refuses headers that are none', () => {
    const [header] = headers;
    expect(parseHeader(header!)).toMatchObject({ version: '2:1.5-3', arch: 'noarch' });
    expect([...parseHeader(header!).files()][0]).toMatchObject({ user: 'root', group: 'root' });
    for (const bad of [Buffer.alloc(0), Buffer.alloc(8), Buffer.alloc(64, 0xff), header!.subarray(0, 100)]) expect(() => parseHeader(bad)).toThrow(PackagesError);
  });
});

/** Headers as `rpmdb --exportdb` writes them: each behind its magic. */
function exported(bytes: Buffer): Buffer[] {
  const out: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    expect(bytes.toString('hex', at, at + 8)).toBe('8eade80100000000');
    const length = 8 + bytes.readUInt32BE(at + 8) * 16 + bytes.readUInt32BE(at + 12);
    out.push(bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return out;
}

const number32 = (value: number): Buffer => { const bytes = Buffer.alloc(4); bytes.writeUInt32LE(value); return bytes; };

const forms: Record<string, (folder: string, headers: readonly Buffer[]) => void> = {
  bdb: (folder, headers) => load(folder, headers, 'db_pagesize=4096\n'),
  'bdb of the other byte order and page size': (folder, headers) => load(folder, headers, 'db_lorder=4321\ndb_pagesize=16384\n'),
  ndb: (folder, headers) => writeFileSync(join(folder, 'Packages.db'), ndb(headers)),
};

function load(folder: string, headers: readonly Buffer[], settings: string): void {
  const pair = (key: Buffer, value: Buffer): string => ` ${key.toString('hex')}\n ${value.toString('hex')}\n`;
  const dump = `VERSION=3\nformat=bytevalue\ntype=hash\n${settings}HEADER=END\n${pair(number32(0), number32(headers.length + 1))}${headers.map((header, i) => pair(number32(i + 1), header)).join('')}DATA=END\n`;
  execFileSync('db5.3_load', [join(folder, 'Packages')], { input: dump });
}

/** One page of slots behind the head, then blobs in blocks of 16 bytes with their marks before and behind. */
function ndb(headers: readonly Buffer[]): Buffer {
  const slots = Buffer.alloc(4096);
  for (let at = 32; at < 4096; at += 16) slots.write('Slot', at, 'latin1');
  slots.write('RpmP', 0, 'latin1');
  slots.writeUInt32LE(7, 8);
  slots.writeUInt32LE(1, 12);
  slots.writeUInt32LE(headers.length + 1, 16);
  const blobs: Buffer[] = [];
  let block = 4096 / 16;
  headers.forEach((header, i) => {
    const blocks = Math.ceil((16 + header.length + 12) / 16);
    const blob = Buffer.alloc(blocks * 16);
    blob.write('BlbS', 0, 'latin1');
    blob.writeUInt32LE(i + 1, 4);
    blob.writeUInt32LE(header.length, 12);
    header.copy(blob, 16);
    blob.writeUInt32LE(header.length, blob.length - 8);
    blob.write('BlbE', blob.length - 4, 'latin1');
    // A free slot between two used ones.
    const at = 32 + i * 32;
    slots.writeUInt32LE(i + 1, at + 4);
    slots.writeUInt32LE(block, at + 8);
    slots.writeUInt32LE(blocks, at + 12);
    block += blocks;
    blobs.push(blob);
  });
  return Buffer.concat([slots, ...blobs]);
}
