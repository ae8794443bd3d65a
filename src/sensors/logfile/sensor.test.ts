import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync, chmodSync, closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, readlinkSync, renameSync, rmSync, statSync,
  symlinkSync, truncateSync, unlinkSync, utimesSync, writeFileSync, writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Batch } from '../../core/ports.ts';
import { lacks } from '../../../test/need.ts';
import { Recorder, difference, rawOpen, whereAre } from './testing.ts';
import type { RecorderOptions } from './testing.ts';

let dir = '';
let log = '';
let running: Recorder[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'moat-logfile-'));
  log = join(dir, 'app.log');
  running = [];
});
afterEach(async () => {
  for (const r of running) await r.stop();
  rmSync(dir, { recursive: true, force: true });
});

function start(from?: Pick<Recorder, 'positions'>, more: Partial<RecorderOptions> = {}, store?: (batch: Batch) => void): Recorder {
  const r = new Recorder({ globs: [join(dir, '*.log')], rescanMs: 200, rotatedWaitMs: 600, rotatedKeepMs: 600, flushMs: 50, ...more }, from?.positions, store);
  running.push(r);
  return r;
}
const numbered = (from: number, to: number): string => Array.from({ length: to - from }, (_, i) => `line ${from + i} of this log\n`).join('');
const expected = (from: number, to: number): string[] => numbered(from, to).trimEnd().split('\n');

describe('lines', () => {
  it('delivers what is there, then what is appended; ids are unique', async () => {
    writeFileSync(log, numbered(0, 1000));
    const r = start();
    await r.until(() => r.lines.length >= 1000);
    for (let i = 1000; i < 1050; i++) { appendFileSync(log, numbered(i, i + 1)); await r.until(() => r.lines.length > i); }
    expect(r.lines).toEqual(expected(0, 1050));
    expect(new Set(r.ids).size).toBe(1050);
  });

  it('waits for the rest of a half line, strips CR, replaces bad UTF-8, keeps NUL', async () => {
    writeFileSync(log, 'first\r\nsec');
    const r = start();
    await r.until(() => r.lines.length === 1);
    await r.quiet();
    expect(r.lines).toEqual(['first']);
    appendFileSync(log, Buffer.concat([Buffer.from('ond\n登录 '), Buffer.from([0xff, 0xfe]), Buffer.from(' x\0y\n\n')]));
    await r.until(() => r.lines.length === 4);
    expect(r.lines).toEqual(['first', 'second', '登录 \ufffd\ufffd x\0y', '']);
  });

  it('reads many very short lines', async () => {
    writeFileSync(log, 'x\n'.repeat(200_000));
    const r = start();
    await r.until(() => r.lines.length === 200_000);
    expect(new Set(r.ids).size).toBe(200_000);
  });

  it('delivers a half line that nothing follows after the time limit, and what follows as its own line', async () => {
    writeFileSync(log, 'whole\nhalf a');
    const r = start(undefined, { halfLineMs: 300 });
    await r.until(() => r.lines.length === 2);
    appendFileSync(log, ' line\n');
    await r.until(() => r.lines.length === 3);
    expect(r.lines).toEqual(['whole', 'half a', ' line']);
    expect(r.counts.get('half-lines')).toBe(1);
  });

  it('cuts overlong lines and goes on behind them, also after a restart in the middle', async () => {
    writeFileSync(log, 'a'.repeat(10 * 2 ** 20));
    const r = start(undefined, { firstReadBytes: 2 ** 30 });
    await r.until(() => r.lines.length === 1);
    await r.stop();
    appendFileSync(log, `${'a'.repeat(1000)}\nnext\n${'b'.repeat(100_000)}\nlast\n`);
    const again = start(r);
    await again.until(() => again.lines.length === 3);
    expect(r.lines[0]).toBe('a'.repeat(65536));
    expect(again.lines).toEqual(['next', 'b'.repeat(65536), 'last']);
    expect(r.counts.get('lines-cut')! + again.counts.get('lines-cut')!).toBe(2);
  });

  it('reads only the tail of a log at first sight, from a line start', async () => {
    writeFileSync(log, numbered(0, 10_000));
    const r = start(undefined, { firstReadBytes: 1000 });
    await r.until(() => r.lines.length > 0);
    await r.quiet();
    expect(r.lines.at(-1)).toBe('line 9999 of this log');
    expect(r.lines.length).toBeGreaterThan(30);
    expect(r.lines.length).toBeLessThan(50);
    expect(r.lines[0]).toMatch(/^line \d+ of this log$/);
  });

  it('reads nothing of a log that has been silent for longer than the first look back', async () => {
    writeFileSync(log, numbered(0, 10));
    utimesSync(log, new Date(Date.now() - 48 * 3_600_000), new Date(Date.now() - 48 * 3_600_000));
    const r = start();
    await r.until(() => r.health.get('files')?.state === 'live');
    appendFileSync(log, 'new\n');
    await r.until(() => r.lines.length > 0);
    expect(r.lines).toEqual(['new']);
  });
});

describe('rotation while running', () => {
  it('finds all that was rotated twice in any moment in which the reader was held up, and when it was killed after any commit', async () => {
    writeFileSync(log, numbered(0, 10));
    let written = 10, rotations = 0, began = false;
    // The clock is asked between any two steps: each time the writer is faster, and the reader sleeps on.
    const now = (): number => {
      if (began && rotations < 60) {
        for (let i = 0; i < 2; i++) { appendFileSync(log, numbered(written, ++written)); renameSync(log, `${log}.${++rotations}`); }
        appendFileSync(log, numbered(written, ++written));
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 70);
      }
      return Date.now();
    };
    // What a run finds that begins after a kill: the lines and positions up to some commit.
    const commits: { lines: string[]; positions: Map<string, string> }[] = [];
    let last: { lines: string[]; positions: Map<string, string> } = { lines: [], positions: new Map() };
    const store = (batch: Batch): void => {
      last = {
        lines: [...last.lines, ...batch.events.map((e) => e.message!)],
        positions: new Map([...last.positions, ...batch.positions.map((p) => [p.source, p.value] as const)]),
      };
      if (began) commits.push(last);
    };
    const r = start(undefined, { now, maxEvents: 20 }, store);
    await r.until(() => r.lines.length >= 10);
    began = true;
    appendFileSync(log, numbered(written, ++written));
    await r.until(() => rotations >= 60 && r.lines.length >= written).catch(() => undefined);
    expect(difference(r.lines, expected(0, written))).toEqual({ missing: [], extra: [] });
    await r.stop();
    for (const [i, commit] of commits.entries()) {
      const again = start({ positions: commit.positions });
      await again.until(() => commit.lines.length + again.lines.length >= written).catch(() => undefined);
      await again.stop();
      expect({ i, ...difference([...commit.lines, ...again.lines], expected(0, written)) }).toEqual({ i, missing: [], extra: [] });
    }
  });

  it('reads the renamed file to its end, then the new one', async () => {
    writeFileSync(log, numbered(0, 10));
    const r = start();
    await r.until(() => r.lines.length === 10);
    const writer = openSync(log, 'a');
    renameSync(log, `${log}.1`);
    writeSync(writer, numbered(10, 20));
    writeFileSync(log, numbered(30, 40));
    await r.until(() => r.lines.length === 30);
    writeSync(writer, `${numbered(20, 30)}no newline`);
    closeSync(writer);
    await r.until(() => r.lines.length === 41);
    expect(difference(r.lines, [...expected(0, 40), 'no newline'])).toEqual({ missing: [], extra: [] });
  });

  it('reads what was written before the file was removed, and the one that takes its place', async () => {
    for (let round = 0; round < 20; round++) {
      writeFileSync(log, numbered(round * 10, round * 10 + 10));
      const r = running[0] ?? start();
      await r.until(() => r.lines.length === round * 10 + 10);
      unlinkSync(log);
    }
    expect(running[0]!.lines).toEqual(expected(0, 200));
    expect(new Set(running[0]!.ids).size).toBe(200);
  });

  it('notices truncation, also when the log has regrown past the old offset', async () => {
    writeFileSync(log, numbered(0, 100));
    const r = start();
    await r.until(() => r.lines.length === 100);
    truncateSync(log);
    appendFileSync(log, numbered(100, 110));
    await r.until(() => r.lines.length === 110);
    r.hold();
    truncateSync(log);
    appendFileSync(log, numbered(110, 400));
    r.release();
    await r.until(() => r.lines.length === 400);
    expect(r.lines).toEqual(expected(0, 400));
    expect(new Set(r.ids).size).toBe(400);
  });

  it('skips the hole that a writer without O_APPEND leaves after truncation', async () => {
    const writer = openSync(log, 'w');
    writeSync(writer, numbered(0, 20_000));
    const r = start();
    await r.until(() => r.lines.length === 20_000);
    truncateSync(log);
    writeSync(writer, numbered(20_000, 20_010));
    await r.until(() => r.lines.length === 20_010);
    closeSync(writer);
    expect(r.lines).toEqual(expected(0, 20_010));
  });

  it('reads the rest from the copy when truncated before it was read', async () => {
    writeFileSync(log, numbered(0, 100));
    const r = start();
    await r.until(() => r.lines.length === 100);
    r.hold();
    appendFileSync(log, numbered(100, 150));
    writeFileSync(`${log}.1`, readFileSync(log));
    truncateSync(log);
    appendFileSync(log, numbered(150, 160));
    r.release();
    await r.until(() => r.lines.length === 160);
    expect(r.lines).toEqual(expected(0, 160));
  });

  it('does not take a copy beside the log for new lines, even when a pattern matches it', async () => {
    writeFileSync(log, numbered(0, 100));
    const r = start();
    await r.until(() => r.lines.length === 100);
    const copy = join(dir, 'app-20261122.log');
    writeFileSync(copy, readFileSync(log));
    await r.until(() => r.counts.has('skipped-copy'));
    truncateSync(log);
    appendFileSync(log, numbered(100, 120));
    await r.until(() => r.lines.length === 120);
    await r.quiet(1500);
    expect(r.lines).toEqual(expected(0, 120));
    const again = await restart(r);
    await again.quiet(500);
    expect(again.lines).toEqual([]);
  });

  it('goes on under the new name when a pattern matches that too', async () => {
    writeFileSync(log, numbered(0, 10));
    const r = start();
    await r.until(() => r.lines.length === 10);
    renameSync(log, join(dir, 'app-20261122.log'));
    writeFileSync(log, numbered(10, 20));
    await r.until(() => r.lines.length === 20);
    appendFileSync(join(dir, 'app-20261122.log'), numbered(20, 30));
    await r.until(() => r.lines.length === 30);
    await r.quiet(1500);
    expect(r.lines).toEqual(expected(0, 30));
    const again = await restart(r);
    await again.quiet(500);
    expect(again.lines).toEqual([]);
  });
});

const restart = async (r: Recorder): Promise<Recorder> => { await r.stop(); return start(r); };

describe('a rotated file that goes on', () => {
  it('is read for as long as it has a name, after a restart too, and let go when it has none', async () => {
    writeFileSync(log, numbered(0, 10));
    const r = start(undefined, { rotatedKeepMs: 60_000, rotatedWaitMs: 100, rescanMs: 50 });
    await r.until(() => r.lines.length === 10);
    const writer = openSync(log, 'a');
    renameSync(log, `${log}.1`);
    writeFileSync(log, numbered(10, 20));
    await r.until(() => r.lines.length === 20);
    // It has been quiet for longer than rotated files are waited for.
    await r.quiet(500);
    writeSync(writer, numbered(20, 30));
    await r.until(() => r.lines.length === 30);
    await r.stop();
    writeSync(writer, numbered(30, 40));
    const again = start(r, { rotatedKeepMs: 60_000, rotatedWaitMs: 100, rescanMs: 50 });
    await again.until(() => again.lines.length === 10);
    const open = (): number => readdirSync('/proc/self/fd').filter((fd) => { try { return readlinkSync(`/proc/self/fd/${fd}`) === `${log}.1 (deleted)`; } catch { return false; } }).length;
    closeSync(writer);
    unlinkSync(`${log}.1`);
    await again.until(() => open() === 0);
    expect([...r.lines, ...again.lines]).toEqual(expected(0, 40));
  });
});

describe('a log that is gone', () => {
  it('is not forgotten at once: what came and was rotated away before it was seen again is read', async () => {
    writeFileSync(log, numbered(0, 10));
    const r = start(undefined, { rotatedWaitMs: 50, rotatedKeepMs: 50, rescanMs: 50 });
    await r.until(() => r.lines.length === 10);
    renameSync(log, `${log}.1`);
    // What is known of a log is stored with the lines of any.
    await r.until(() => {
      appendFileSync(join(dir, 'other.log'), 'other\n');
      return (JSON.parse(r.positions.get(`logfile:${log}`)!) as { files: unknown[] }).files.length === 0;
    });
    await r.stop();
    writeFileSync(log, numbered(10, 20));
    renameSync(log, `${log}.2`);
    writeFileSync(`${log}.3.gz`, gzipSync(numbered(20, 30)));
    writeFileSync(log, numbered(30, 40));
    const again = start(r);
    const lines = (): string[] => again.lines.filter((line) => line !== 'other');
    await again.until(() => lines().length >= 30);
    await again.quiet();
    expect(difference(lines(), expected(10, 40))).toEqual({ missing: [], extra: [] });
  });

  it('that was never seen is read with what was rotated away of it since somebody looked', async () => {
    writeFileSync(join(dir, 'other.log'), 'x\n');
    const r = start();
    await r.until(() => r.lines.length === 1);
    await r.stop();
    writeFileSync(log, numbered(0, 10));
    renameSync(log, `${log}.1`);
    writeFileSync(log, numbered(10, 20));
    const again = start(r);
    await again.until(() => again.lines.length >= 20);
    await again.quiet();
    expect(difference(again.lines, expected(0, 20))).toEqual({ missing: [], extra: [] });
  });
});

describe('while Moat was down', () => {
  const prepared = async (): Promise<Recorder> => {
    writeFileSync(log, numbered(0, 100));
    const r = start();
    await r.until(() => r.lines.length === 100);
    await r.stop();
    appendFileSync(log, numbered(100, 110));
    return r;
  };

  it('appended: goes on where it was', async () => {
    const r = start(await prepared());
    await r.until(() => r.lines.length === 10);
    expect(r.lines).toEqual(expected(100, 110));
  });

  it('rotated by rename, twice', async () => {
    const before = await prepared();
    renameSync(log, `${log}.2`);
    writeFileSync(`${log}.1`, numbered(110, 120));
    writeFileSync(log, numbered(120, 130));
    const r = start(before);
    await r.until(() => r.lines.length >= 30);
    await r.quiet();
    expect(r.lines).toEqual(expected(100, 130));
  });

  it('rotated and compressed, twice', async () => {
    const before = await prepared();
    writeFileSync(`${log}.2.gz`, gzipSync(readFileSync(log)));
    unlinkSync(log);
    writeFileSync(`${log}.1.gz`, gzipSync(numbered(110, 120)));
    writeFileSync(log, numbered(120, 130));
    const r = start(before);
    await r.until(() => r.lines.length >= 30);
    await r.quiet();
    expect(r.lines).toEqual(expected(100, 130));
    const again = await restart(r);
    await again.quiet();
    expect(again.lines).toEqual([]);
  });

  it('copied and truncated, once and twice', async () => {
    const before = await prepared();
    writeFileSync(`${log}.1`, readFileSync(log));
    truncateSync(log);
    appendFileSync(log, numbered(110, 120));
    const r = start(before);
    await r.until(() => r.lines.length >= 20);
    await r.quiet();
    expect(r.lines).toEqual(expected(100, 120));
    await r.stop();
    renameSync(`${log}.1`, `${log}.3`);
    writeFileSync(`${log}.2`, readFileSync(log));
    writeFileSync(`${log}.1`, numbered(120, 130));
    writeFileSync(log, numbered(130, 500));
    const again = start(r);
    await again.until(() => again.lines.length >= 380);
    await again.quiet();
    expect(again.lines).toEqual(expected(120, 500));
  });

  it('removed and re-created, the inode used again', async () => {
    const before = await prepared();
    const { ino } = statSync(log);
    unlinkSync(log);
    writeFileSync(log, numbered(200, 400));
    if (statSync(log).ino !== ino) console.warn('this file system did not use the inode again');
    const r = start(before);
    await r.until(() => r.lines.length >= 200);
    await r.quiet();
    expect(r.lines).toEqual(expected(200, 400));
    expect(r.ids.filter((id) => before.ids.includes(id))).toEqual([]);
  });

  it('a log born meanwhile is read from its beginning, however long', async () => {
    const before = await prepared();
    writeFileSync(join(dir, 'born.log'), numbered(1000, 1500));
    const r = start(before, { firstReadBytes: 100 });
    await r.until(() => r.lines.length >= 510);
    expect(difference(r.lines, [...expected(100, 110), ...expected(1000, 1500)])).toEqual({ missing: [], extra: [] });
  });

  it('a position that is no position counts as none', async () => {
    writeFileSync(log, numbered(0, 5));
    const r = new Recorder({ globs: [log], rescanMs: 200 }, new Map([[`logfile:${log}`, '{"v":1,"files":[[1]]}']]));
    running.push(r);
    await r.until(() => r.lines.length === 5);
  });
});

describe('what is no log', () => {
  it('says that it skips FIFOs, folders and symlink loops; follows a symlinked log once', async () => {
    expect(spawnSync('mkfifo', [join(dir, 'pipe.log')]).status).toBe(0);
    mkdirSync(join(dir, 'folder.log'));
    symlinkSync(join(dir, 'loop2.log'), join(dir, 'loop1.log'));
    symlinkSync(join(dir, 'loop1.log'), join(dir, 'loop2.log'));
    mkdirSync(join(dir, 'deep'));
    symlinkSync(dir, join(dir, 'deep', 'up'));
    writeFileSync(join(dir, 'deep', 'real.txt'), 'a\n');
    symlinkSync(join(dir, 'deep', 'real.txt'), log);
    symlinkSync(join(dir, 'deep', 'real.txt'), join(dir, 'second.log'));
    const r = start(undefined, { globs: [join(dir, '*.log'), join(dir, '**', '*.log')], rescanMs: 60_000 });
    await r.until(() => r.lines.length > 0 && r.counts.has('skipped-second-name'));
    await r.quiet(300);
    appendFileSync(join(dir, 'deep', 'real.txt'), 'b\n');
    await r.until(() => r.lines.length > 1);
    expect(r.lines).toEqual(['a', 'b']);
    expect(r.health.get(join(dir, 'pipe.log'))?.state).toBe('blind');
    expect(r.health.get(join(dir, 'folder.log'))?.state).toBe('blind');
    expect(r.counts.get('skipped-symlink-loop')).toBe(2);
  });

  it.skipIf(lacks({ root: true }))('says what it may not read, and reads it when it may', async () => {
    writeFileSync(log, 'secret\n', { mode: 0o600 });
    mkdirSync(join(dir, 'closed'), { mode: 0o700 });
    chmodSync(dir, 0o755);
    process.seteuid!(65534);
    try {
      const r = start(undefined, { globs: [log, join(dir, 'closed', '*.log')] });
      await r.until(() => r.health.get(log)?.state === 'blind' && r.health.get(join(dir, 'closed'))?.state === 'blind');
      expect(r.health.get(log)?.detail?.en).toContain('group adm');
      process.seteuid!(0);
      await r.until(() => r.lines.length === 1 && r.health.get(log)?.state === 'live' && r.health.get(join(dir, 'closed'))?.state === 'live');
    } finally { process.seteuid!(0); }
  });

  it('asks again about a log that no format knew, and loses nothing of it', async () => {
    writeFileSync(log, 'unknown\n');
    const r = start(undefined, { open: (path, sample, context, emit) => (sample.length > 2 ? rawOpen(path, sample, context, emit) : undefined) });
    await r.until(() => r.health.get(log)?.state === 'blind');
    appendFileSync(log, numbered(0, 4000));
    await r.until(() => r.lines.length === 4001);
    expect(r.lines[0]).toBe('unknown');
    expect(r.health.get(log)?.state).toBe('live');
  });

  it('finds logs in folders made later, and follows at most so many', async () => {
    const r = start(undefined, { globs: [join(dir, '*', 'logs', '*.log')], maxFiles: 3 });
    await r.until(() => r.health.get('files')?.state === 'waiting');
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      mkdirSync(join(dir, name, 'logs'), { recursive: true });
      writeFileSync(join(dir, name, 'logs', 'x.log'), `${name}\n`);
    }
    await r.until(() => r.lines.length === 3 && r.health.get('limit')?.state === 'blind');
    expect(r.counts.get('logs-over-limit')).toBeGreaterThan(0);
  });

  it('follows more logs than it keeps open', async () => {
    for (let i = 0; i < 200; i++) writeFileSync(join(dir, `${i}.log`), `${i} a\n`);
    const r = start(undefined, { maxOpenFiles: 8 });
    await r.until(() => r.lines.length === 200);
    const open = readdirSync('/proc/self/fd').length;
    for (let i = 0; i < 200; i++) appendFileSync(join(dir, `${i}.log`), `${i} b\n`);
    await r.until(() => r.lines.length === 400);
    for (let i = 0; i < 200; i += 10) { renameSync(join(dir, `${i}.log`), join(dir, `${i}.log.1`)); writeFileSync(join(dir, `${i}.log`), `${i} c\n`); }
    await r.until(() => r.lines.length === 420);
    expect(new Set(r.lines).size).toBe(420);
    expect(readdirSync('/proc/self/fd').length).toBeLessThan(open + 40);
  });
});

describe('lines that are held back', () => {
  it('are read again after a restart, and what was stored is not given twice', async () => {
    writeFileSync(log, 'a1\nb1\nb!\nc1\nc!\n');
    const r = start(undefined, { pairs: true, flushMs: 60_000 });
    await r.until(() => r.lines.length === 2);
    expect(r.lines).toEqual(['b1+b!', 'c1+c!']);
    await r.stop();
    appendFileSync(log, 'd1\na!\n');
    const again = start(r, { pairs: true });
    await again.until(() => again.lines.length === 2);
    expect(again.lines).toEqual(['a1+a!', 'd1']);
  });
});

describe.skipIf(lacks({ files: ['/usr/sbin/logrotate'] }))('logrotate', () => {
  for (const mode of ['create', 'copytruncate', 'create\ncompress', 'create\ndateext\ndateformat -%Y%m%d-%s\nextension .log', 'copytruncate\ncompress']) {
    it(`${mode.replaceAll('\n', ', ')}: every line once`, async () => {
      const conf = join(dir, 'rotate.conf');
      writeFileSync(conf, `"${log}" {\n${mode}\nrotate 20\nmissingok\n}\n`);
      appendFileSync(log, '');
      const writer = spawn(process.execPath, ['-e', `
        const fs = require('fs'); let n = 0;
        const { O_WRONLY, O_APPEND } = fs.constants;
        const t = setInterval(() => {
          let fd;
          // Never makes the file itself: one made between logrotate's rename and its create is moved aside by it.
          try { fd = fs.openSync(process.argv[1], O_WRONLY | O_APPEND); } catch (e) { if (e.code === 'ENOENT') return; throw e; }
          for (let i = 0; i < 5; i++) fs.writeSync(fd, 'line ' + n++ + ' of this log\\n');
          fs.closeSync(fd);
          if (n >= 3000) clearInterval(t);
        }, 1);`, log]);
      const done = once(writer, 'exit');
      let r = start();
      const dated = mode.includes('dateext');
      for (let i = 0; i < (dated ? 2 : 6); i++) {
        // Dated names have seconds: the next one must differ.
        await new Promise((resolve) => setTimeout(resolve, dated ? 1050 : 150));
        // The reader has come to the present file: one that is copied and truncated before anything of it was read leaves no trace in it.
        await r.until(() => { const [first = ''] = readFileSync(log, 'utf8').split('\n', 1); return (first !== '' && r.lines.includes(first)) || writer.exitCode !== null; });
        // Between the copy and the truncation of copytruncate lines are lost by logrotate itself: the writer pauses.
        if (mode.startsWith('copytruncate')) writer.kill('SIGSTOP');
        if (i % 2 === 1) await r.stop();
        const run = spawnSync('/usr/sbin/logrotate', ['-f', '-s', join(dir, 'state'), conf], { encoding: 'utf8' });
        expect(run.stderr, readdirSync(dir).join(' ')).toBe('');
        writer.kill('SIGCONT');
        if (i % 2 === 1) { const next = start(r); next.lines.push(...r.lines); r = next; }
      }
      await done;
      await r.until(() => r.lines.length >= 3000);
      await r.quiet();
      expect(difference(r.lines, expected(0, 3000))).toEqual({ missing: [], extra: [] });
    });
  }
});

describe('kill -9', () => {
  it('loses and doubles nothing', async () => {
    const store = join(dir, 'store.jsonl');
    const logs = ['a', 'b', 'c'].map((n) => join(dir, `${n}.log`));
    const written = [0, 0, 0];
    const reader = join(import.meta.dirname, 'testing-child.ts');
    for (let round = 0; round < 12; round++) {
      const child = spawn(process.execPath, ['--import', 'tsx', reader, store, join(dir, '*.log')], { stdio: ['ignore', 'ignore', 'inherit'] });
      const exit = once(child, 'exit');
      // What was rotated away before the very first run is not read: none before all logs are known.
      const first = round === 0;
      // The kill falls somewhere after this run has stored something, however long a busy machine takes to start it.
      const began = existsSync(store) ? statSync(store).size : 0;
      const hasStored = (): boolean => (first ? Recorder.stored(store).positions.size === 4 : statSync(store).size > began + 1);
      let storedAt: number | undefined;
      const least = 20 + Math.random() * 80, beyond = Math.random() * 40;
      for (let n = 0; n < least || storedAt === undefined || n < storedAt + beyond; n++) {
        if (storedAt === undefined && hasStored()) storedAt = n;
        if (n < 200 || storedAt !== undefined) {
          const i = Math.floor(Math.random() * 3);
          appendFileSync(logs[i]!, Array.from({ length: 50 }, () => `log ${i} line ${written[i]!++}\n`).join(''));
          if (!first && Math.random() < 0.03 && existsSync(logs[i]!)) renameSync(logs[i]!, `${logs[i]!}.${round * 1000 + written[i]!}`);
        }
        expect(child.exitCode).toBeNull();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      child.kill('SIGKILL');
      await exit;
    }
    for (const path of logs) appendFileSync(path, ''); // each exists again
    const total = written.reduce((a, b) => a + b);
    const r = new Recorder({ globs: [join(dir, '*.log')], rescanMs: 200, rotatedWaitMs: 600, rotatedKeepMs: 600 }, Recorder.stored(store).positions);
    running.push(r);
    const { lines } = Recorder.stored(store);
    const before = new Map(r.positions);
    const late = await r.until(() => lines.length + r.lines.length >= total).then(() => undefined, (e: unknown) => String(e));
    await r.quiet();
    const wanted = written.flatMap((n, i) => Array.from({ length: n }, (_, k) => `log ${i} line ${k}`));
    const found = difference([...lines, ...r.lines], wanted);
    // What it takes to understand a failure: which lines, in which files they are, what was known before the last run.
    const where = found.missing.length + found.extra.length === 0 ? '' : `${late}\n${whereAre(dir, [...found.missing, ...found.extra])}\nbefore: ${JSON.stringify([...before], null, 1)}\nafter: ${JSON.stringify([...r.positions], null, 1)}`;
    expect(found, where).toEqual({ missing: [], extra: [] });
    expect(total).toBeGreaterThan(10_000);
  });
});
