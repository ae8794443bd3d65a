import { spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, readdirSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { rawOpen } from './testing.ts';
import { dir, expected, log, numbered, start } from './testing-scene.ts';

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
