import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, linkSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { Procfs } from '../../linux/procfs.ts';
import type { Collected, Item, Opened } from '../item.ts';
import { fileItem } from '../sources.ts';
import { collect, withoutHash } from './collect.ts';
import { fileItems, mountsOf } from './files.ts';
import { kcoreItem, memoryItems, ramOf, rangesOf } from './memory.ts';
import { processItems } from './processes.ts';
import { timelineItem } from './timeline.ts';

const folder = mkdtempSync(join(tmpdir(), 'moat-collect-'));
const procfs = new Procfs();
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

interface Read { bytes: Buffer; opened: Opened }
async function read(item: Item): Promise<Read> {
  const opened = await item.open(AbortSignal.timeout(60_000));
  const parts: Buffer[] = [];
  for await (const piece of opened.read) parts.push(Buffer.from(piece));
  const marks = opened.marks?.() ?? [];
  await opened.close?.();
  return { bytes: Buffer.concat(parts), opened: { ...opened, marks: () => marks } };
}
async function all(items: AsyncIterable<Collected>): Promise<Collected[]> { const found: Collected[] = []; for await (const one of items) found.push(one); return found; }
const named = (items: readonly Collected[], name: string): Item => {
  const found = items.find((one): one is Item => !('missed' in one) && one.name === name);
  if (found === undefined) throw new Error(`expected an item ${name}, got ${items.map((one) => one.name).slice(0, 20).join(', ')}`);
  return found;
};

describe.skipIf(lacks({ root: true, files: ['/usr/bin/python3'] }))('processes', () => {
  const secret = `marker-${process.pid}-in-memory`;
  let deleted: number, python: number, items: Collected[];
  beforeAll(async () => {
    const program = join(folder, 'miner');
    copyFileSync('/bin/sleep', program);
    const sleeper = spawn(program, ['300'], { stdio: 'ignore' });
    children.push(sleeper);
    await new Promise((resolve) => { sleeper.on('spawn', resolve); });
    unlinkSync(program);
    const code = `import os,sys,time\nfd=os.memfd_create('kworker')\nos.write(fd,b'memfd '*1000)\nlog=open('${folder}/gone.log','w+')\nlog.write('deleted log')\nlog.flush()\nos.unlink('${folder}/gone.log')\nos.mkfifo('${folder}/pipe')\npipe=os.open('${folder}/pipe',os.O_RDWR)\nkept='-'.join(['marker','${process.pid}','in','memory'])\nprint('ready',flush=True)\ntime.sleep(300)`;
    const snake = spawn('/usr/bin/python3', ['-c', code], { stdio: ['ignore', 'pipe', 'inherit'], env: { SECRET_OF_TEST: 'in the environment' } });
    children.push(snake);
    await new Promise((resolve) => { snake.stdout.once('data', resolve); });
    deleted = sleeper.pid!;
    python = snake.pid!;
    items = await all(processItems({ suspects: [{ pid: python, startTicks: procfs.stat(python)!.startTicks }], procfs }));
  });

  it('with more open files than are looked at says so', async () => {
    const code = 'import os,time,resource\nresource.setrlimit(resource.RLIMIT_NOFILE,(resource.getrlimit(resource.RLIMIT_NOFILE)[1],)*2)\nf=os.open("/dev/null",0)\nfor i in range(4200): os.dup(f)\nprint("ready",flush=True)\ntime.sleep(300)';
    const many = spawn('/usr/bin/python3', ['-c', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(many);
    await new Promise((resolve) => { many.stdout.once('data', resolve); });
    const suspect = { pid: many.pid!, startTicks: procfs.stat(many.pid!)!.startTicks };
    const missing = (await all(processItems({ suspects: [suspect], procfs }))).filter((one) => 'missed' in one && one.name === `processes/${many.pid}`);
    expect(missing).toMatchObject([{ why: { en: expect.stringContaining('more than 4096 files open') as string } }]);
    many.kill('SIGKILL');
  });

  it('a deleted program, a memfd and a deleted open file are recovered', async () => {
    expect((await read(named(items, `processes/${deleted}/exe`))).bytes.equals(readFileSync('/bin/sleep'))).toBe(true);
    const copies = items.filter((one): one is Item => !('missed' in one) && one.name.startsWith(`processes/${python}/fd/`));
    const contents = await Promise.all(copies.map(async (one) => (await read(one)).bytes.toString()));
    expect(contents.map((text) => text.slice(0, 11)).sort()).toEqual(['deleted log', 'memfd memfd']);
    // Of a suspect also the program that lies on the disk; of others not.
    expect(named(items, `processes/${python}/exe`).source).toBe(`/proc/${python}/exe`);
    expect(items.some(({ name }) => name === `processes/${process.pid}/exe`)).toBe(false);
  });

  it('each says what it is: arguments, environment, maps, open files', async () => {
    expect(items[0]).toMatchObject({ name: `processes/${python}.txt` });
    const text = (await read(named(items, `processes/${python}.txt`))).bytes.toString();
    for (const part of ['==== environ ====\nSECRET_OF_TEST=in the environment', '==== maps ====', '/memfd:kworker (deleted)', `${folder}/pipe`, '==== cgroup ====', 'exe -> /usr/bin/python3']) expect(text).toContain(part);
    expect((await read(named(items, `processes/${deleted}.txt`))).bytes.toString()).toContain('exe -> ');
  });

  it('one that has ended, or whose pid is another’s, is said to be missing', async () => {
    const found = await all(processItems({ suspects: [{ pid: python, startTicks: 1 }], procfs }));
    expect(found[0]).toMatchObject({ missed: true, name: `processes/${python}`, why: { en: 'it has ended' } });
    expect(found.some(({ name }) => name === `processes/${python}.txt`)).toBe(false);
  });

  it('memory of a suspect is a core file that debuggers read, and holds what it holds', async () => {
    const [item] = await all(memoryItems({ procfs, suspects: [{ pid: python }], most: 256 << 20, ms: 30_000 }));
    const { bytes, opened } = await read(item as Item);
    expect(bytes.length).toBe(opened.size);
    expect(bytes.includes(secret)).toBe(true);
    writeFileSync(join(folder, 'memory.core'), bytes);
    expect(bytes.readUInt32BE(0)).toBe(0x7f45_4c46);
    expect([bytes.readUInt16LE(16), bytes.readUInt16LE(56)]).toEqual([4, opened.facts?.['ranges']]);
    const small = await all(memoryItems({ procfs, suspects: [{ pid: python }], most: 200_000, ms: 30_000 }));
    const cut = await read(small[0] as Item);
    expect(cut.bytes.length).toBe(cut.opened.size);
    expect(cut.opened.marks?.().map(({ what }) => what)).toContain('size-limit');
  });
});

describe('memory', () => {
  it('leaves to the disk what lies there unchanged', () => {
    const maps = [
      '00400000-00401000 r--p 00000000 08:01 11 /usr/bin/x', '00401000-00402000 r-xp 00001000 08:01 11 /usr/bin/x', '00402000-00403000 rw-p 00002000 08:01 11 /usr/bin/x', '01000000-01002000 rw-p 00000000 00:00 0 [heap]',
      '7f0000000000-7f0000001000 ---p 00000000 00:00 0', '7f0000001000-7f0000002000 r--p 00000000 00:01 9 /memfd:x (deleted)', '7f0000002000-7f0000003000 rw-s 00000000 00:05 7 /dev/dri/card0', '7ffd00000000-7ffd00001000 r--p 00000000 00:00 0 [vvar]', 'no line',
    ].join('\n');
    expect(rangesOf(maps).map(({ from, length, flags }) => [from.toString(16), Number(length), flags])).toEqual([['401000', 4096, 5], ['402000', 4096, 6], ['1000000', 8192, 6], ['7f0000001000', 4096, 4]]);
  });

  const machine = (kcore: Buffer | undefined, iomem: string): Procfs => {
    const root = mkdtempSync(join(folder, 'machine-'));
    mkdirSync(join(root, 'proc'));
    if (kcore) writeFileSync(join(root, 'proc/kcore'), kcore);
    writeFileSync(join(root, 'proc/iomem'), iomem);
    return new Procfs(root);
  };

  it('the machine’s is written in the LiME format from /proc/kcore, the parts that it lacks counted', async () => {
    // Two stretches of memory, and one of modules that has no physical address.
    const loads = [{ offset: 0x1000n, physical: 0x1000n, bytes: 0x1000n }, { offset: 0x3000n, physical: 0x10_0000n, bytes: 0x2000n }, { offset: 0x2000n, physical: 0xffff_ffff_ffff_ffffn, bytes: 0x1000n }];
    const kcore = Buffer.alloc(0x5000);
    kcore.write('\u007fELF\u0002\u0001', 0, 'latin1');
    kcore.writeBigUInt64LE(64n, 32);
    kcore.writeUInt16LE(56, 54);
    kcore.writeUInt16LE(loads.length, 56);
    for (const [i, { offset, physical, bytes }] of loads.entries()) {
      kcore.writeUInt32LE(1, 64 + 56 * i);
      for (const [at, value] of [[8, offset], [24, physical], [32, bytes], [40, bytes]] as const) kcore.writeBigUInt64LE(value, 64 + 56 * i + at);
    }
    kcore.fill('a', 0x1000, 0x2000).fill('m', 0x2000, 0x3000).fill('b', 0x3000, 0x5000);
    const { bytes, opened } = await read(kcoreItem(machine(kcore, '00001000-00001fff : System RAM\n000a0000-000bffff : PCI Bus\n00100000-00103fff : System RAM\n'), 10_000));
    expect(bytes.length).toBe(opened.size);
    expect([bytes.readUInt32LE(0), bytes.readUInt32LE(4), bytes.readBigUInt64LE(8), bytes.readBigUInt64LE(16)]).toEqual([0x4c69_4d45, 1, 0x1000n, 0x1fffn]);
    expect(bytes.subarray(32, 32 + 0x1000).equals(Buffer.alloc(0x1000, 'a'))).toBe(true);
    const second = 32 + 0x1000;
    expect([bytes.readBigUInt64LE(second + 8), bytes.readBigUInt64LE(second + 16)]).toEqual([0x10_0000n, 0x10_1fffn]);
    expect(bytes.subarray(second + 32).equals(Buffer.alloc(0x2000, 'b'))).toBe(true);
    expect(opened.marks?.()).toEqual([{ what: 'unreadable', bytes: 0x2000 }]);
  });

  it('says why it cannot be had: no kcore, addresses hidden, no ELF', async () => {
    await expect(read(kcoreItem(machine(undefined, ''), 1000))).rejects.toMatchObject({ text: { zh: '无法从 /proc/kcore 读取整机内存：没有这个文件' } });
    await expect(read(kcoreItem(machine(Buffer.alloc(100), ''), 1000))).rejects.toThrow('no ELF');
    expect(ramOf('00000000-00000000 : System RAM\n')).toEqual([]);
  });
});

describe('files', () => {
  it.skipIf(lacks({ root: true }))('are read without a trace: no time changes', async () => {
    const path = join(folder, 'read-me');
    writeFileSync(path, 'content');
    utimesSync(path, new Date(2020, 1, 1), new Date(2024, 1, 1));
    const before = statSync(path, { bigint: true });
    const { bytes, opened } = await read(fileItem(path));
    expect(bytes.toString()).toBe('content');
    expect(opened.facts).toMatchObject({ mode: '0644', uid: 0, accessed: expect.stringMatching(/^2020-02-01/) });
    const after = statSync(path, { bigint: true });
    expect([after.atimeNs, after.mtimeNs, after.ctimeNs]).toEqual([before.atimeNs, before.mtimeNs, before.ctimeNs]);
  });

  it('links give what they lead to; pipes, sockets and folders are not opened', async () => {
    const at = mkdtempSync(join(folder, 'kinds-'));
    symlinkSync('/etc/shadow', join(at, 'link'));
    execFileSync('mkfifo', [join(at, 'fifo')]);
    const server = createServer().listen(join(at, 'socket'));
    await new Promise((resolve) => { server.on('listening', resolve); });
    const link = await read(fileItem(join(at, 'link')));
    expect([link.bytes.toString(), link.opened.facts?.['link']]).toEqual(['/etc/shadow', '/etc/shadow']);
    for (const name of ['fifo', 'socket', '']) await expect(read(fileItem(join(at, name)))).rejects.toThrow('something else');
    const found = await all(fileItems({ paths: [at], most: 1000, total: 1000 }, mountsOf(procfs), new Set()));
    expect(found.map(({ source }) => source)).toEqual([join(at, 'link')]);
    server.close();
  });

  it('by pattern, within their limits, the end of a long log, without secrets, each once', async () => {
    const at = mkdtempSync(join(folder, 'logs-'));
    mkdirSync(join(at, 'sub/.hidden'), { recursive: true });
    writeFileSync(join(at, 'long.log'), `${'x'.repeat(5000)}the end`);
    writeFileSync(join(at, 'sub/.hidden/b\nlog'), 'b');
    writeFileSync(join(at, 'id_rsa'), 'private');
    writeFileSync(join(at, 'old.log'), 'old');
    utimesSync(join(at, 'old.log'), 1, 1);
    const seen = new Set<string>();
    const set = { paths: [`${at}/*`, `${at}/sub`, '/nowhere/at/all'], most: 1000, total: 1 << 20, tail: true, without: ['id_rsa'] };
    const found = await all(fileItems(set, mountsOf(procfs), seen));
    expect(found.map(({ source }) => source)).toEqual([join(at, 'long.log'), join(at, 'old.log'), join(at, 'sub/.hidden/b\nlog')]);
    const end = await read(found[0] as Item);
    expect(end.bytes.toString().slice(-7)).toBe('the end');
    expect([end.bytes.length, end.opened.marks?.()]).toEqual([1000, [{ what: 'size-limit', bytes: 5007 }]]);
    const few = await all(fileItems({ ...set, total: 3 }, mountsOf(procfs), new Set()));
    expect(few.filter((one) => 'missed' in one)).toHaveLength(1);
    truncateSync(join(at, 'long.log'), 0);
    linkSync(join(at, 'old.log'), join(at, 'twin'));
    expect(await all(fileItems(set, mountsOf(procfs), seen))).toMatchObject([{ source: join(at, 'twin') }]);
  });

  it('times of all files stand in the body format', async () => {
    const at = mkdtempSync(join(folder, 'body-'));
    writeFileSync(join(at, 'a|b\u001b'), 'abc', { mode: 0o755 });
    const { bytes } = await read(timelineItem(mountsOf(procfs), 10_000, at));
    const found = lstatSync(join(at, 'a|b\u001b'), { bigint: true });
    const fields = bytes.toString().trim().split('|');
    expect(fields.slice(0, 7)).toEqual(['0', `${at}/a\\x7cb\\x1b`, String(found.ino), 'r/rrwxr-xr-x', String(found.uid), String(found.gid), '3']);
    expect(Number(fields[8])).toBeCloseTo(Number(found.mtimeNs) / 1e9, 3);
  });
});

describe('all together', () => {
  it('takes the machine’s tables before files, and says what it left out', async () => {
    const plan = { suspects: [], files: [join(folder, 'story')], known: [], kept: [], memory: 'none', memoryMost: 0, since: Date.now(), commands: true, without: [], only: ['network', 'session', 'file'] } as const;
    writeFileSync(join(folder, 'story'), 'dropped');
    const items = await all(collect(plan));
    const at = (name: string): number => items.findIndex((one) => one.name === name);
    expect(at('proc/net/tcp')).toBeGreaterThanOrEqual(0);
    expect(at('commands/session/who_-a.txt')).toBeGreaterThan(at('proc/net/tcp'));
    expect(items.findIndex(({ source }) => source === join(folder, 'story'))).toBeGreaterThan(at('commands/session/who_-a.txt'));
    expect((await read(named(items, 'proc/net/tcp'))).bytes.toString()).toContain('local_address');
    const { bytes, opened } = await read(named(items, 'commands/session/getent_passwd.txt'));
    expect(bytes.toString()).toContain('root:');
    expect(opened.facts).toMatchObject({ program: '/usr/bin/getent', program_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(await all(collect({ ...plan, commands: false }))).toContainEqual(expect.objectContaining({ missed: true, name: 'commands' }));
  });

  it('leaves out what passwords are told by', () => {
    expect(['root:$y$j9T$abc$def:19000:0:99999:7:::', 'bin:*:19000::::::', 'off:!$6$salt$hash:1::::::', 'old:ab1cdEFgh:1::::::', ''].map(withoutHash)).toEqual(['root:$y$…:19000:0:99999:7:::', 'bin:*:19000::::::', 'off:!$6$…:1::::::', 'old:…:1::::::', '']);
  });
});
