import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, closeSync, openSync, readFileSync, readdirSync, readlinkSync, renameSync, truncateSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Batch } from '../../core/ports.ts';
import { lacks } from '../../../test/need.ts';
import { type Recorder, difference } from './testing.ts';
import { dir, expected, log, numbered, start } from './testing-scene.ts';

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
    let r: Recorder | undefined;
    for (let round = 0; round < 20; round++) {
      writeFileSync(log, numbered(round * 10, round * 10 + 10));
      const reader = r ??= start();
      await reader.until(() => reader.lines.length === round * 10 + 10);
      unlinkSync(log);
    }
    expect(r!.lines).toEqual(expected(0, 200));
    expect(new Set(r!.ids).size).toBe(200);
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
