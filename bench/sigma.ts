/**
 * Events per second through the Sigma engine alone. Events are invented but shaped like real ones: mostly
 * harmless, a few that match. Each measure runs about two seconds on one core.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { binding as ownBinding, ownRules, ruleFiles } from '../src/agent/detector.ts';
import { Event } from '../src/core/gen/event.ts';
import { openDecoder } from '../src/engine/decode.ts';
import { foreignEvent } from '../src/engine/foreign.ts';
import { compile, parse, recordBinding, type Binding } from '../src/sigma/index.ts';
import { nginxLines, sshdLines } from './lines.ts';
import { row, type Row as Figure } from './report.ts';

type Row = Record<string, unknown>;

function yamlFiles(path: string): { file: string; text: string }[] {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [{ file: path, text: readFileSync(path, 'utf8') }];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? yamlFiles(join(path, entry.name)) : /\.ya?ml$/.test(entry.name) && !entry.name.includes('.test.') ? yamlFiles(join(path, entry.name)) : []);
}

let seed = 7;
const random = (): number => { seed = Math.imul(seed ^ seed >>> 15, 2_246_822_519) + 0x9e3779b9 | 0; return (seed >>> 0) / 2 ** 32; };
const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
const int = (low: number, high: number): number => Math.floor(low + random() * (high - low));
const ip = (): string => pick([`203.0.113.${int(1, 255)}`, `198.51.100.${int(1, 255)}`, `10.0.${int(0, 9)}.${int(1, 255)}`, `2001:db8::${int(1, 65535).toString(16)}`]);
const user = (): string => pick(['root', 'www-data', 'deploy', 'postgres', 'alice', 'bob', 'zhang']);
const hex = (n: number): string => Array.from({ length: n }, () => int(0, 16).toString(16)).join('');

const linuxCommands = [
  () => ['/usr/bin/bash', `bash -c "cd /srv/app-${int(1, 9)} && ./run.sh --env production"`],
  () => ['/usr/bin/git', `git -C /srv/repo fetch --prune origin refs/heads/${hex(6)}`],
  () => ['/usr/bin/node', `node /opt/api/server.js --port ${int(3000, 4000)} --max-old-space-size=512`],
  () => ['/usr/bin/grep', `grep -rn "TODO ${hex(4)}" src/ --include=*.ts`],
  () => ['/usr/bin/ls', `ls -la /var/log/nginx/${hex(4)}`],
  () => ['/usr/bin/curl', `curl -fsS http://127.0.0.1:${int(8000, 9000)}/healthz`],
  () => ['/usr/sbin/logrotate', '/usr/sbin/logrotate /etc/logrotate.conf'],
  () => ['/usr/bin/python3', `python3 -m gunicorn app.wsgi --workers ${int(2, 9)} --bind 127.0.0.1:8000`],
  () => ['/usr/bin/docker', `docker exec -i web-${int(1, 9)} php artisan schedule:run`],
  () => ['/usr/bin/sed', `sed -n ${int(1, 99)}p /etc/hosts`],
  () => ['/usr/bin/systemctl', `systemctl is-active nginx-${hex(3)}.service`],
  () => ['/usr/lib/postgresql/15/bin/postgres', 'postgres: autovacuum worker process'],
];
const windowsCommands = [
  () => ['C:\\Windows\\System32\\svchost.exe', `C:\\Windows\\system32\\svchost.exe -k netsvcs -p -s ${pick(['Schedule', 'wuauserv', 'BITS', 'Winmgmt'])}`],
  () => ['C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe', `"C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe" --type=renderer --lang=en-US --renderer-client-id=${int(1, 999)} --mojo-platform-channel-handle=${int(1000, 9999)}`],
  () => ['C:\\Windows\\System32\\cmd.exe', `C:\\Windows\\system32\\cmd.exe /c "dir C:\\Users\\${user()}\\Documents"`],
  () => ['C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe', `powershell.exe -NoProfile -File C:\\ops\\backup-${int(1, 50)}.ps1`],
  () => ['C:\\Program Files\\Microsoft Office\\root\\Office16\\WINWORD.EXE', `"C:\\Program Files\\Microsoft Office\\root\\Office16\\WINWORD.EXE" /n "C:\\Users\\${user()}\\report ${int(1, 99)}.docx"`],
  () => ['C:\\Windows\\System32\\conhost.exe', '\\??\\C:\\Windows\\system32\\conhost.exe 0xffffffff -ForceV1'],
  () => ['C:\\Windows\\System32\\rundll32.exe', 'C:\\Windows\\system32\\rundll32.exe C:\\Windows\\system32\\shell32.dll,Control_RunDLL timedate.cpl'],
  () => ['C:\\Windows\\Microsoft.NET\\Framework64\\v4.0.30319\\mscorsvw.exe', `mscorsvw.exe -StartupEvent ${hex(3)} -InterruptEvent 0 -NGENProcess ${hex(3)}`],
];
const windowsParents = ['C:\\Windows\\System32\\services.exe', 'C:\\Windows\\explorer.exe', 'C:\\Windows\\System32\\svchost.exe', 'C:\\Windows\\System32\\cmd.exe', 'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe'];

const makers: Record<string, { share: number; make: () => Row }> = {
  linux_process: { share: 20, make: () => { const [image, line] = pick(linuxCommands)(); return { logsource: { product: 'linux', category: 'process_creation' }, Image: image, CommandLine: line, ParentImage: pick(['/usr/bin/bash', '/usr/sbin/cron', '/usr/lib/systemd/systemd', '/usr/sbin/sshd']), ParentCommandLine: pick(['-bash', 'cron -f', '/sbin/init']), User: user(), CurrentDirectory: '/srv/app', ProcessId: int(100, 99999), LogonId: 0 }; } },
  sshd: { share: 12, make: () => { const from = ip(); const who = user(); return { logsource: { product: 'linux', service: 'sshd' }, message: pick([`Accepted publickey for ${who} from ${from} port ${int(1024, 65535)} ssh2: ED25519 SHA256:${hex(20)}`, `Failed password for invalid user ${hex(5)} from ${from} port ${int(1024, 65535)} ssh2`, `Connection closed by ${from} port ${int(1024, 65535)} [preauth]`]), host: 'web1', action: 'login', user: who, source_ip: from, outcome: 'failure', service: 'sshd' }; } },
  auditd: { share: 6, make: () => ({ logsource: { product: 'linux', service: 'auditd' }, type: pick(['SYSCALL', 'EXECVE', 'PATH', 'USER_CMD']), a0: pick(['ls', 'cat', 'python3', 'sh']), a1: pick(['-la', '-c', '/etc/hosts', 'run.py']), name: `/srv/app/${hex(5)}`, syscall: pick(['execve', 'openat', 'unlink']), exe: '/usr/bin/python3.11', key: '(null)', auid: '1000', comm: 'python3', SYSCALL: 'openat' }) },
  linux_file: { share: 6, make: () => ({ logsource: { product: 'linux', category: 'file_event' }, TargetFilename: pick([`/var/log/nginx/access.log.${int(1, 9)}`, `/tmp/${hex(8)}`, `/srv/app/cache/${hex(12)}.json`, '/etc/resolv.conf']), Image: '/usr/bin/node', User: user() }) },
  web: { share: 14, make: () => { const path = pick(['/', '/index.php', '/api/v1/items', '/static/app.css', '/wp-login.php', '/blog/2026/11/post']); return { logsource: { category: 'webserver', product: 'nginx' }, 'cs-method': pick(['GET', 'GET', 'GET', 'POST']), 'c-uri': `${path}?page=${int(1, 99)}&q=${hex(6)}`, 'cs-uri': `${path}?page=${int(1, 99)}`, 'cs-uri-stem': path, 'cs-uri-query': `page=${int(1, 99)}&q=${hex(6)}`, 'cs-user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36', 'cs-referer': 'https://example.com/', 'sc-status': pick([200, 200, 200, 304, 404]), 'c-ip': ip() }; } },
  windows_process: { share: 16, make: () => { const [image, line] = pick(windowsCommands)(); return { logsource: { product: 'windows', category: 'process_creation' }, Image: image, OriginalFileName: image!.split('\\').at(-1), CommandLine: line, ParentImage: pick(windowsParents), ParentCommandLine: pick(['C:\\Windows\\Explorer.EXE', 'C:\\Windows\\system32\\services.exe', 'C:\\Windows\\system32\\svchost.exe -k netsvcs']), User: 'CORP\\alice', IntegrityLevel: 'Medium', Hashes: `SHA256=${hex(64)},IMPHASH=${hex(32)}`, Company: 'Microsoft Corporation', Product: 'Microsoft Windows Operating System', Description: 'Host Process', CurrentDirectory: 'C:\\Windows\\system32\\', LogonId: '0x3e7', ParentUser: 'NT AUTHORITY\\SYSTEM' }; } },
  registry: { share: 8, make: () => ({ logsource: { product: 'windows', category: 'registry_set' }, EventType: 'SetValue', TargetObject: `HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\${pick(['Explorer\\Advanced\\Hidden', 'Uninstall\\{app}', 'Diagnostics\\DiagTrack'])}\\${hex(6)}`, Details: pick(['DWORD (0x00000001)', 'Binary Data', 'C:\\Program Files\\App\\app.exe']), Image: pick(windowsParents) }) },
  windows_file: { share: 6, make: () => ({ logsource: { product: 'windows', category: 'file_event' }, TargetFilename: `C:\\Users\\alice\\AppData\\Local\\Temp\\${hex(8)}.${pick(['tmp', 'log', 'json', 'dll'])}`, Image: pick(windowsParents), User: 'CORP\\alice' }) },
  image_load: { share: 4, make: () => ({ logsource: { product: 'windows', category: 'image_load' }, ImageLoaded: `C:\\Windows\\System32\\${pick(['ntdll', 'kernel32', 'amsi', 'version', 'cryptbase'])}.dll`, Image: pick(windowsParents), Signed: 'true', Signature: 'Microsoft Windows' }) },
  network: { share: 4, make: () => ({ logsource: { product: 'windows', category: 'network_connection' }, Image: pick(windowsParents), DestinationIp: ip(), DestinationPort: pick([443, 80, 53, 8443]), DestinationHostname: `cdn${int(1, 9)}.example.net`, Initiated: 'true', Protocol: 'tcp', SourceIp: '10.0.0.5', SourcePort: int(1024, 65535) }) },
  security: { share: 4, make: () => ({ logsource: { product: 'windows', service: 'security' }, EventID: pick([4624, 4634, 4688, 4672, 4663]), Channel: 'Security', SubjectUserName: 'alice', TargetUserName: 'WEB1$', LogonType: pick([2, 3, 5]), IpAddress: ip(), WorkstationName: 'WEB1', ProcessName: 'C:\\Windows\\System32\\lsass.exe', AuthenticationPackageName: 'Kerberos' }) },
};

/** As the agent makes them: objects of one hidden class that have every field. */
const names = [...new Set(Object.values(makers).flatMap(({ make }) => Array.from({ length: 20 }, make).flatMap((row) => Object.keys(row))))];
// A constructor that names every field: assigned one by one they would make a slow dictionary object.
// oxlint-disable-next-line typescript/no-implied-eval -- only JSON texts of the names above
const typed = new Function('row', 'kind', 'timestamp', `return { kind, timestamp, ${names.map((name) => `${JSON.stringify(name)}: row[${JSON.stringify(name)}]`).join(', ')} };`) as (row: Row, kind: string, timestamp: number) => Row;

const plain = recordBinding();
/** The log source as one short text, made once a kind. */
const keyOf = (row: Row): string => plain.logsource(row);

function events(count: number, kinds: readonly string[]): Row[] {
  const bag = kinds.flatMap((kind) => Array.from({ length: makers[kind]!.share }, () => makers[kind]!.make));
  return Array.from({ length: count }, (_, i) => { const row = pick(bag)(); return typed(row, keyOf(row), 1_700_000_000_000 + i); });
}

const binding = {
  ...plain,
  fallback: () => undefined,
  logsource: (event: Row) => event['kind'] as string,
  time: (event: Row) => event['timestamp'] as number,
  keywords: (event: Row) => [event['message'] ?? event['CommandLine'] ?? event['name'] ?? ''] as string[],
};

/** What a busy server's agent sees, as the decoders and sensors make it: programs started, requests, log-ons under attack. */
function ownEvents(): Event[] {
  const out: Event[] = [];
  const end = Date.UTC(2026, 10, 22);
  const decode = (format: string, lines: string[]): void => {
    const { decoder } = openDecoder(format, lines, { idPrefix: `${format}:`, source: format, host: 'web-1', now: () => end, zoneOffset: () => 0 }, (event) => out.push(event));
    lines.forEach((line, i) => decoder.decode(line, { line: i + 1, position: i + 1 }));
    decoder.flush();
  };
  decode('syslog', sshdLines(6000, end));
  decode('nginx', nginxLines(6000, end));
  for (let i = 0; i < 8000; i++) {
    const seen = foreignEvent(makers['linux_process']!.make(), `p${i}`, end - (8000 - i) * 20);
    const event = new Event(seen.id, seen.time, 'process_creation');
    Object.assign(event, { category: 'process', action: 'process-start', process_path: seen.process_path, process_cmdline: seen.process_cmdline, parent_path: seen.parent_path, parent_cmdline: seen.parent_cmdline, process_cwd: seen.process_cwd, user: seen.user, pid: seen.pid });
    out.push(event);
  }
  return out.sort((a, b) => a.time - b.time);
}

interface Measured { perSecond: number; detail: string }

/** About two seconds of evaluation on one core. `later` moves an event's time on, so that windows go on moving when the events come round again. */
function measure<E>(files: { file: string; text: string }[], rows: readonly E[], bind: Binding<E>, later?: (row: E) => void): Measured {
  const started = performance.now();
  const parsed = parse(files);
  const engine = compile<E>(parsed, bind);
  const ready = performance.now() - started;
  let matches = 0;
  const count = (): void => { matches++; };
  const round = (): void => {
    for (const row of rows) engine.evaluate(row, count);
    if (later) for (const row of rows) later(row);
  };
  round(); // functions are made, V8 has optimised
  round();
  const before = engine.stats();
  matches = 0;
  let done = 0;
  // Processor time, not the clock on the wall: other programs on the machine must not count.
  const begin = process.cpuUsage();
  const used = (): number => { const { user, system } = process.cpuUsage(begin); return (user + system) / 1e6; };
  while (used() < 2) { round(); done += rows.length; }
  const perSecond = done / used();
  const stats = engine.stats();
  return { perSecond, detail: `${stats.rules} rules and ${stats.correlations} correlations, ${parsed.errors.length} refused, ready in ${Math.round(ready)} ms, ${((stats.candidates - before.candidates) / done).toFixed(2)} candidates and ${(matches / done).toFixed(3)} matches an event` };
}

/** Public rules are measured when MOAT_CORPORA names the folder in which they are unpacked as `rules`. */
export function benchSigma(): Figure[] {
  const rows: Figure[] = [];
  const add = (name: string, { perSecond, detail }: Measured, budget: number): void => { rows.push(row(name, perSecond, 'events/s', { budget, detail })); };
  const own = ownEvents();
  const span = 6000 / 40 * 1000;
  add('our own rules, typed events of a server', measure(ruleFiles(ownRules()), own, ownBinding, (event) => { event.time += span; }), 300_000);
  const corpora = process.env['MOAT_CORPORA'];
  if (corpora === undefined) return rows;
  const pub = yamlFiles(join(corpora, 'rules'));
  const linux = pub.filter(({ text }) => /product: linux|category: webserver/.test(text));
  add('public Linux and web rules, Linux events', measure(linux, events(20_000, linuxKinds), binding), 300_000);
  add('all public rules, mixed events', measure(pub, events(20_000, Object.keys(makers)), binding), 100_000);
  return rows;
}

const linuxKinds = ['linux_process', 'sshd', 'auditd', 'linux_file', 'web'];
