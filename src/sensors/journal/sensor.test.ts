import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { Event } from '../../core/gen/event.ts';
import type { SensorContext } from '../../core/ports.ts';
import { cursorOf, journalArguments, journalState, receivedOf } from '../../linux/journal.ts';
import { journalSensor } from './sensor.ts';
import type { JournalOptions } from './sensor.ts';

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const readers: Reader[] = [];
afterEach(async () => { for (const r of readers.splice(0)) await r.stop(); });

class Reader {
  readonly messages: string[] = [];
  readonly ids: string[] = [];
  readonly health = new Map<string, string>();
  readonly counts = new Map<string, number>();
  position: string | undefined;
  failure: unknown;
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;

  constructor(options: Partial<JournalOptions>, position?: string) {
    this.position = position;
    readers.push(this);
    const context: SensorContext = {
      signal: this.#abort.signal,
      log: { debug() { /* quiet */ }, info() { /* quiet */ }, warn() { /* quiet */ } },
      host: 'web1',
      now: () => Date.now(),
      position: () => this.position,
      health: (part, state) => { this.health.set(part, state); },
      count: (what, n = 1) => { this.counts.set(what, (this.counts.get(what) ?? 0) + n); },
    };
    const sensor = journalSensor({
      zoneOffset: () => 0,
      open: (decode, emit) => ({
        unparsed: 0,
        flush() { /* nothing is held back */ },
        decode(line, place) {
          const event = new Event(decode.idPrefix + place.position, Date.now(), 'syslog');
          event.message = String((JSON.parse(line) as { MESSAGE: unknown }).MESSAGE);
          emit(event);
        },
      }),
      ...options,
    });
    this.#done = (async () => {
      for await (const batch of sensor.open(context)) {
        for (const e of batch.events) { this.messages.push(e.message!); this.ids.push(e.id); }
        for (const p of batch.positions) this.position = p.value;
      }
    })().catch((e: unknown) => { this.failure = e; });
  }

  async until(holds: () => boolean): Promise<void> {
    for (let i = 0; i < 2000; i++) {
      if (holds()) return;
      if (this.failure) throw this.failure;
      await wait(10);
    }
    throw new Error(`it did not come to hold: ${JSON.stringify(this.messages.slice(-5))} ${JSON.stringify([...this.health])}`);
  }

  async stop(): Promise<void> { this.#abort.abort(); await this.#done; }
}

it('takes the cursor and the time from a line without parsing it, and is not deceived by the message', () => {
  const line = JSON.stringify({ MESSAGE: '"__CURSOR":"forged","__REALTIME_TIMESTAMP":"1"', __CURSOR: 's=1;i=2', __REALTIME_TIMESTAMP: '1795317359559892' });
  expect(cursorOf(line)).toBe('s=1;i=2');
  expect(receivedOf(line)).toBe(1795317359559);
  expect(cursorOf('{ "__CURSOR" : "s=9" }')).toBe('s=9');
  expect(cursorOf('{"MESSAGE":"x"}')).toBeUndefined();
  expect(cursorOf(`{"__CURSOR":"${'x'.repeat(500)}"}`)).toBeUndefined();
});

it('asks old and new versions in the way each of them takes', () => {
  expect(journalArguments({ sinceMs: 1795317359559 }, 219).join(' ')).not.toMatch(/output-fields|merge|boot/);
  expect(journalArguments({ sinceMs: 1795317359559 }, 252)).toEqual(expect.arrayContaining(['--merge', '--boot=all', '--since=@1795317359']));
  expect(journalArguments({ afterCursor: 's=1', sinceMs: 5 }, 257)).toContain('--after-cursor=s=1');
});

it('says that the journal is not live, and why', async () => {
  const root = mkdtempSync(join(tmpdir(), 'moat-journal-root-'));
  expect(await journalState({ root })).toMatchObject({ live: false, why: { en: expect.stringContaining('does not run') as string } });
  mkdirSync(join(root, 'proc/net'), { recursive: true });
  writeFileSync(join(root, 'proc/net/unix'), 'Num       RefCount Protocol Flags    Type St Inode Path\n0000: 00000002 00000000 00010000 0001 01 123 /run/systemd/journal/stdout\n');
  expect((await journalState({ root })).why!.en).toContain('keeps no journal');
  mkdirSync(join(root, 'run/log/journal/0123'), { recursive: true });
  writeFileSync(join(root, 'run/log/journal/0123/system.journal'), '');
  expect((await journalState({ root })).why!.en).toContain('no journalctl');
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  writeFileSync(join(root, 'usr/bin/journalctl'), '');
  expect(await journalState({ root })).toEqual({ live: true, folder: join(root, 'run/log/journal/0123'), why: undefined });
  rmSync(root, { recursive: true });
});

it('says what to do when there is no journalctl', async () => {
  const r = new Reader({ journalctl: '/nonexistent/journalctl' });
  await expect(r.until(() => false)).rejects.toMatchObject({ code: 'missing' });
  expect(r.health.get('journal')).toBe('blind');
});

const journald = '/lib/systemd/systemd-journald';
describe.skipIf(lacks({ root: true, files: [journald, '/usr/bin/journalctl', '/usr/bin/logger', '/usr/bin/unshare'] }))('a real journald', () => {
  let dir = '';
  let folder = '';
  let daemon: ChildProcess;
  const log = (message: string): void => {
    const r = spawnSync('logger', ['-u', join(dir, 'sockets/dev-log'), '--size', '9000', '-t', 'sshd', '--', message], { encoding: 'utf8' });
    expect(r.stderr).toBe('');
  };

  // Its own mount namespace; sockets and journal are bound to a folder that can be seen from outside.
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'moat-journal-'));
    chmodSync(dir, 0o755);
    for (const d of ['sockets', 'journal']) mkdirSync(join(dir, d));
    daemon = spawn('unshare', ['-m', 'sh', '-c', `
      mount -t tmpfs none /run && mkdir -p /run/systemd/journal /run/log/journal &&
      mount --bind "$1/sockets" /run/systemd/journal && mount --bind "$1/journal" /run/log/journal && exec ${journald}`, 'sh', dir], { stdio: 'ignore' });
    for (let i = 0; i < 500 && !existsSync(join(dir, 'sockets/dev-log')); i++) await wait(10);
    for (let i = 0; i < 500 && readdirSync(join(dir, 'journal')).length === 0; i++) await wait(10);
    folder = join(dir, 'journal', readdirSync(join(dir, 'journal'))[0]!);
  });
  afterAll(async () => {
    const exit = once(daemon, 'exit');
    daemon.kill('SIGTERM');
    await exit;
    rmSync(dir, { recursive: true, force: true });
  });
  const mine = (r: Reader): string[] => r.messages.filter((m) => m.startsWith('line '));

  it('reads back, follows, and goes on behind the saved cursor', async () => {
    for (let i = 0; i < 20; i++) log(`line ${i}`);
    const r = new Reader({ folder });
    await r.until(() => mine(r).length === 20);
    expect(r.health.get('journal')).toBe('live');
    log('line 20');
    await r.until(() => mine(r).length === 21);
    await r.stop();
    log('line 21');
    log(`line 22 ${'x'.repeat(6000)}`);
    const again = new Reader({ folder }, r.position);
    await again.until(() => mine(again).length === 2);
    log('line 23');
    await again.until(() => mine(again).length === 3);
    expect([...mine(r), ...mine(again)]).toEqual([...Array.from({ length: 22 }, (_, i) => `line ${i}`), `line 22 ${'x'.repeat(6000)}`, 'line 23']);
    expect(new Set([...r.ids, ...again.ids]).size).toBe(r.ids.length + again.ids.length);
    await again.stop();
  });

  it('reads on from the last time when the cursor is none, and says so', async () => {
    const before = Date.now();
    await wait(20);
    log('line after');
    const r = new Reader({ folder }, JSON.stringify({ cursor: 'broken', time: before }));
    await r.until(() => mine(r).includes('line after'));
    expect(mine(r)).toEqual(['line after']);
    expect(r.counts.get('journal-cursor-lost')).toBe(1);
    await r.stop();
  });

  it('goes on when the cursor\'s record was vacuumed', async () => {
    const position = JSON.stringify({ cursor: 's=00000000000000000000000000000001;i=1;b=00000000000000000000000000000001;m=1;t=64a;x=1', time: Date.now() });
    const r = new Reader({ folder }, position);
    log('line behind the gap');
    await r.until(() => mine(r).includes('line behind the gap'));
    await r.stop();
  });

  it('ends its child on the signal, and throws when the child dies', async () => {
    const children = (): number[] => spawnSync('pgrep', ['-P', String(process.pid), '-x', 'journalctl'], { encoding: 'utf8' }).stdout.split('\n').filter((s) => s !== '').map(Number);
    const r = new Reader({ folder });
    await r.until(() => r.messages.length > 0);
    const [pid] = children();
    process.kill(pid!, 'SIGKILL');
    await expect(r.until(() => false)).rejects.toMatchObject({ code: 'ended' });
    const second = new Reader({ folder });
    await second.until(() => second.messages.length > 0);
    expect(children()).toHaveLength(1);
    await second.stop();
    expect(children()).toHaveLength(0);
  });
});
