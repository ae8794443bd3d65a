import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProgram } from './program.ts';

const bin = fileURLToPath(new URL('../../bin/moat', import.meta.url));
const run = (args: readonly string[], input = ''): { status: number | null; out: string; err: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { input, env: { ...process.env, LANG: 'C.UTF-8', LC_ALL: '', FORCE_COLOR: '' } });
  return { status, out: stdout.toString(), err: stderr.toString() };
};

describe('help', () => {
  const every = async (lang: string) => {
    const walk = (command: Awaited<ReturnType<typeof buildProgram>>): string[] => [command.helpInformation(), ...command.commands.flatMap((sub) => walk(sub))];
    return walk(await buildProgram(['--lang', lang], '0.0.0'));
  };

  it('is complete in both languages: no command, option or argument without a text', async () => {
    for (const help of await every('en')) {
      expect(help).toMatch(/^Usage: moat/);
      for (const line of help.split('\n').filter((l) => /^ {2}\S/.test(l))) expect(line.trim().split(/ {2,}/).length, line).toBeGreaterThan(1);
    }
    for (const help of await every('zh')) {
      expect(help).toMatch(/^用法： moat/);
      expect(help).toMatch(/[\u4e00-\u9fff]/);
      expect(help).not.toMatch(/display help|output the version/);
    }
  });

  it('tells defaults in its language, as one types them', async () => {
    const texts = { zh: (await every('zh')).join('\n').replaceAll(/\n {10,}/g, ''), en: (await every('en')).join('\n').replaceAll(/\n {10,}/g, ' ') };
    expect(texts.zh).toContain('多久内须确认，否则自动撤销；0s 为无须确认（默认 5m）');
    expect(texts.en).toContain('(default: 5m)');
    expect(texts.zh).toContain('（plain, csv, jsonl；默认 plain）');
    expect(texts.zh).not.toContain('default:');
    expect(texts.zh + texts.en).not.toMatch(/默认 \d{4,}000）|default: (?:\d{4,}000|\[\]|")/);
  });

  it('follows --lang wherever it stands', () => {
    expect(run(['--lang', 'zh', '--help']).out).toContain('保护本机');
    expect(run(['replay', '--help', '--lang=zh']).out).toContain('日志文件');
  });

  it('stands a reader that goes at once', () => {
    expect(spawnSync('bash', ['-c', '"$1" "$2" scan --help | true; echo "${PIPESTATUS[0]}"', 'bash', process.execPath, bin], { encoding: 'utf8' })).toMatchObject({ stdout: '0\n', stderr: '' });
  });
});

describe('completion', () => {
  it.each(['bash', 'zsh', 'fish'])('for %s names commands and options', (shell) => {
    const { out, status } = run(['completion', shell]);
    expect(status).toBe(0);
    expect(out).toContain('replay');
    expect(out).toContain('format');
  });

  it('for bash works in bash', () => {
    const script = run(['completion', 'bash']).out;
    const ask = (words: string[], current: number): string[] =>
      spawnSync('bash', ['-c', `${script}\nCOMP_WORDS=(${words.join(' ')}); COMP_CWORD=${current}; _moat; printf '%s\\n' "\${COMPREPLY[@]}"`]).stdout.toString().trim().split('\n');
    expect(ask(['moat', 'rep'], 1)).toEqual(['replay']);
    expect(ask(['moat', 'notify', ''], 2)).toEqual(expect.arrayContaining(['list', 'test']));
    expect(ask(['moat', 'rules', 'ex'], 2)).toEqual(['explain']);
    expect(ask(['moat', '--lang', 'replay', '--form'], 3)).toContain('--format');
    expect(ask(['moat', 'scan', '--only', 'prel'], 3)).toEqual(['preload']);
    expect(ask(['moat', 'scan', '--skip', 'preload,cr'], 3)).toEqual(['preload,cron']);
    expect(ask(['moat', 'scan', '--fail-on', 'cr'], 3)).toEqual(['critical']);
  });

  it('refuses a shell it does not know', () => {
    expect(run(['completion', 'tcsh'])).toMatchObject({ status: 2 });
  });
});

describe('mistakes', () => {
  let folder: string;
  beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'moat-cli-')); });
  afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

  it('end with 2, a message and what to do next', () => {
    expect(run(['replya'])).toMatchObject({ status: 2, err: expect.stringContaining('replay') as string });
    expect(run(['replay', join(folder, 'nowhere')])).toMatchObject({ status: 2, err: expect.stringContaining('nowhere') as string });
    expect(run(['--data', folder, 'status'])).toMatchObject({ status: 2, err: expect.stringContaining('moat up') as string });
    expect(run(['--data', folder, 'alerts'])).toMatchObject({ status: 2 });
    expect(run(['--config', join(folder, 'none.yml'), 'doctor'])).toMatchObject({ status: 2, err: expect.stringContaining('none.yml') as string });
    expect(run(['replay', '--format', 'nonsense', '-'], 'x\n')).toMatchObject({ status: 2, err: expect.stringContaining('nginx') as string });
  });

  it('of a test that names no data folder do not reach the one of this machine', () => {
    expect(run(['alerts'])).toMatchObject({ status: 2, err: expect.stringContaining('/dev/null/a-test-must-name-its-data-folder') as string });
    expect(run(['up', '--json'])).toMatchObject({ status: 2, err: expect.stringContaining('/dev/null/a-test-must-name-its-data-folder') as string });
  });

  it('in the configuration are named with their line', () => {
    const file = join(folder, 'moat.yml');
    writeFileSync(file, 'lang: en\nhistory:\n  days: many\n');
    expect(run(['config', 'check', file])).toMatchObject({ status: 2, err: expect.stringMatching(/moat\.yml:3: history\.days/) as string });
    writeFileSync(file, 'behaviours:\n  sustained-cpu: { percentt: 3 }\n');
    expect(run(['--config', file, '--data', folder, 'up', '--json'])).toMatchObject({ status: 2, err: expect.stringContaining('percentt') as string });
  });

  it('in log lines cannot reach the terminal', () => {
    const evil = 'Nov 22 02:27:01 web1 sshd[8]: Failed password for \u001b]0;owned\u0007\u001b[31m\u202eroot from 203.0.113.9 port 4 ssh2\n'.repeat(8);
    for (const args of [['replay', '--format', 'syslog', '-'], ['replay', '--events', '--format', 'syslog', '-']]) {
      const { out, err } = run(args, evil);
      // oxlint-disable-next-line no-control-regex -- this is what must not be there
      expect(out + err).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
      expect(out).toContain('203.0.113.9');
    }
  });
});

describe('replay in a pipe', () => {
  const attack = Array.from({ length: 6 }, (_, i) => `Nov 22 02:27:0${i} web1 sshd[${8 + i}]: Failed password for root from 203.0.113.9 port 4 ssh2`).join('\n');

  it('prints one JSON object a line with stable names and line numbers', () => {
    const { out, status, err } = run(['replay', '--json', '-'], `${attack}\n`);
    expect(status).toBe(0);
    expect(err).toBe('');
    const alert = JSON.parse(out.trim()) as Record<string, unknown>;
    expect(alert).toMatchObject({ rule_id: 'ssh_brute_force', source_ip: '203.0.113.9', count: 6, lines: [1, 2, 3, 4, 5, 6], level: 'medium', attack: ['T1110.001'], host: 'web1' });
    expect(new Date(alert['time'] as string).getUTCMonth()).toBe(10);
  });

  it('prints events that read back as events', () => {
    const first = run(['replay', '--events', '--json', '-'], `${attack}\n`).out;
    expect(JSON.parse(first.split('\n')[0]!)).toMatchObject({ category: 'authentication', action: 'login', outcome: 'failure', service: 'sshd', user: 'root', source_ip: '203.0.113.9', lines: [1] });
    const again = run(['replay', '--json', '-'], first).out;
    expect(JSON.parse(again.trim())).toMatchObject({ rule_id: 'ssh_brute_force', count: 6 });
  });
});
