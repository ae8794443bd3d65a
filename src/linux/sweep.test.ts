/** The kernel asked about all ids and ports at once: in this thread, and by the thread as it is bundled. */
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProbes, type Probes } from './probes.ts';
import { sweep, type IdSweep, type PortSweep, type Swept, type Sweeps } from './sweep.ts';

const ids = (more: Partial<IdSweep>): IdSweep => ({ what: 'ids', way: 'scheduled', newest: 10, last: 20, count: 20, ms: 60_000, ...more });
const lives = (...pids: number[]): Probes => ({ scheduled: (pid: number) => pids.includes(pid), signalled: () => false, sockets: () => [], packets: () => [], port: (_: string, port: number) => (port === 22 ? 'taken' : port === 23 ? 'unknown' : 'free'), accepts: () => false });

describe('in this thread', () => {
  it('goes down from the newest id and round, as far as it was asked to', async () => {
    expect(await sweep(lives(1, 10, 11, 20), ids({}))).toEqual({ found: [10, 1, 20, 11], untried: 0 });
    expect(await sweep(lives(1, 10, 11, 20), ids({ count: 10 }))).toEqual({ found: [10, 1], untried: 0 });
  });

  it('says how many ids there was no time for, and stops when it is told to', async () => {
    expect(await sweep(lives(5), ids({ ms: 0 }))).toEqual({ found: [], untried: 20 });
    const stop = new AbortController();
    stop.abort(new Error('stopped'));
    const slow: Probes = { ...lives(), scheduled: () => { const until = performance.now() + 0.05; while (performance.now() < until); return false; } };
    await expect(sweep(slow, ids({ newest: 4000, last: 4000, count: 4000 }), stop.signal)).rejects.toThrow('stopped');
  });

  it('leaves out the ports that are known, and counts those that tell nothing', async () => {
    expect(await sweep(lives(), { what: 'ports', protocol: 'tcp', known: [] })).toEqual({ found: [22], untried: 1 });
    expect(await sweep(lives(), { what: 'ports', protocol: 'tcp', known: [22, 23] })).toEqual({ found: [], untried: 0 });
  });
});

describe('by a thread', () => {
  // In the repository, so that the packages with native parts are found.
  const folder = mkdtempSync(join(import.meta.dirname, '../../dist-sweep-'));
  let openSweeps: (probes: Probes, signal?: AbortSignal) => Sweeps;
  beforeAll(async () => {
    symlinkSync('../node_modules', join(folder, 'node_modules'));
    await build({ entryPoints: { 'sweep-worker': join(import.meta.dirname, 'sweep-worker.ts'), sweep: join(import.meta.dirname, 'sweep.ts') }, outdir: folder, bundle: true, platform: 'node', format: 'esm', logLevel: 'error', external: ['koffi'] });
    ({ openSweeps } = await import(pathToFileURL(join(folder, 'sweep.js')).href) as typeof import('./sweep.ts'));
  });
  afterAll(() => { rmSync(folder, { recursive: true }); });

  it('finds this process and a port that is taken, one question after the other', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => { server.once('listening', resolve); });
    const { port } = server.address() as { port: number };
    const probes = await openProbes();
    const sweeps = openSweeps(probes);
    const questions: (IdSweep | PortSweep)[] = [ids({ newest: process.pid, last: process.pid, count: process.pid }), ids({ way: 'signalled', newest: process.pid, last: process.pid, count: 1 }), { what: 'ports', protocol: 'tcp', known: Array.from({ length: 65_535 }, (_, i) => i + 1).filter((one) => one !== port) }];
    const answers: Swept[] = await Promise.all(questions.map((question) => sweeps.ask(question)));
    expect(answers[0]!.found).toContain(process.pid);
    expect(answers[1]!.found).toEqual([process.pid]);
    expect(answers[2]!.found).toEqual([port]);
    await sweeps.close();
    server.close();
  });

  it('a thread that ends is told for each question that was asked of it', async () => {
    const sweeps = openSweeps(lives());
    const program = join(folder, 'sweep-worker.js'), text = readFileSync(program);
    writeFileSync(program, 'process.exit(1);');
    for (let n = 0; n < 2; n++) await expect(sweeps.ask(ids({}))).rejects.toMatchObject({ code: 'ended' });
    writeFileSync(program, text);
    await sweeps.close();
  });

  it('ends with the scan that asked', async () => {
    const stop = new AbortController();
    const sweeps = openSweeps(await openProbes(), stop.signal);
    const asked = sweeps.ask(ids({ newest: 4_000_000, last: 4_000_000, count: 2_000_000_000 }));
    setTimeout(() => { stop.abort(new Error('enough')); }, 50);
    await expect(asked).rejects.toThrow('enough');
    await sweeps.close();
  });
});
