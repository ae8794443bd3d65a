import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, readFileSync, renameSync, statSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Recorder, difference, whereAre } from './testing.ts';
import { dir, expected, log, numbered, start } from './testing-scene.ts';

const restart = async (r: Recorder): Promise<Recorder> => { await r.stop(); return start(r); };

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
    const r = start({ positions: new Map([[`logfile:${log}`, '{"v":1,"files":[[1]]}']]) });
    await r.until(() => r.lines.length === 5);
  });
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
    const r = start(Recorder.stored(store));
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
