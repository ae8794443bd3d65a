/**
 * Puts Moat on a machine as a systemd service and takes it away again. Everything made is written to a record,
 * so that `uninstall` removes just that. `root` other than / is for images and tests: nothing is started there.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MoatError } from '../core/error.ts';
import type { Lang } from '../core/text.ts';
import { keyAt } from './approval-key.ts';
import { sampleConfig } from './config-sample.ts';
import { installRoot, programPackages, programParts } from './paths.ts';

export type InstallErrorCode = 'not-root' | 'no-systemd' | 'not-built' | 'not-installed' | 'foreign';

const home = '/opt/moat';
const unitPath = '/etc/systemd/system/moat.service';
const handsUnit = '/etc/systemd/system/moat-hands.service';
const handsSocketUnit = '/etc/systemd/system/moat-hands.socket';
const handsSocket = '/run/moat/hands.sock';
const link = '/usr/local/bin/moat';
export const configFile = '/etc/moat/moat.yml';
/** Beside the configuration: the agent may not write there, and does not see it. */
export const handsKey = 'hands.key';
const keyFile = `${dirname(configFile)}/${handsKey}`;
const stateFolder = '/var/lib/moat';
const record = `${home}/installed.json`;

/** What is started with the machine; the hands are started by their socket. */
const units = ['moat-hands.socket', 'moat.service'];

export interface InstallOptions { root: string; lang: Lang; start: boolean; memoryMb: number; cpuPercent: number; captureMb?: number | undefined; say: (text: string) => void }

/** Throws MoatError 'not-root', 'no-systemd', 'not-built', or 'foreign' when a file of another owner is in the way. */
export function install(options: InstallOptions): void {
  const { root, say } = options;
  const at = (path: string): string => join(root, path);
  needRoot();
  const live = root === '/';
  if (live && options.start && !existsSync('/run/systemd/system')) throw new MoatError<InstallErrorCode>('no-systemd', 'expected systemd as the init system, got none (/run/systemd/system is missing)', { hint: 'run `moat up` from your own supervisor instead' });
  const source = installRoot();
  if (!existsSync(join(source, 'dist/moat.js'))) throw new MoatError<InstallErrorCode>('not-built', `expected ${source}/dist/moat.js, got nothing`, { hint: 'run: npm run build' });
  const made: string[] = existsSync(at(record)) ? readRecord(at(record)) : [];
  const pieces: { path: string; write: () => void; keep?: boolean }[] = [
    { path: home, write: () => copyProgram(source, at(home)), keep: live && source === home },
    { path: keyFile, write: () => { keyAt(at(keyFile)); }, keep: existsSync(at(keyFile)) },
    { path: configFile, write: () => writeFileSync(at(configFile), sampleConfig(options.lang), { mode: 0o600 }), keep: existsSync(at(configFile)) },
    { path: stateFolder, write: () => { mkdirSync(at(stateFolder), { mode: 0o700 }); chmodSync(at(stateFolder), 0o700); }, keep: existsSync(at(stateFolder)) },
    { path: link, write: () => symlinkSync(`${home}/bin/moat`, at(link)), keep: made.includes(link) },
    { path: handsSocketUnit, write: () => writeFileSync(at(handsSocketUnit), handsSocketText, { mode: 0o644 }) },
    { path: handsUnit, write: () => writeFileSync(at(handsUnit), handsText(), { mode: 0o644 }) },
    { path: unitPath, write: () => writeFileSync(at(unitPath), unitText(options), { mode: 0o644 }) },
  ];
  const todo = pieces.filter((piece) => !piece.keep);
  // Nothing is written before all is known to be free, so a refusal leaves nothing half done.
  for (const { path } of todo) {
    if (isThere(at(path)) && !made.includes(path)) throw new MoatError<InstallErrorCode>('foreign', `expected nothing at ${path}, got a file that Moat did not put there`, { hint: 'move it away first' });
  }
  for (const { path, write } of todo) {
    mkdirSync(dirname(at(path)), { recursive: true });
    write();
    if (!made.includes(path)) made.push(path);
    // After each piece: whatever happens, uninstall knows what is there.
    writeFileSync(at(record), JSON.stringify(made, null, 2));
    say(`+ ${path}`);
  }
  if (live && options.start) {
    systemctl('daemon-reload');
    systemctl('enable', '--now', ...units);
    say(`systemctl enable --now ${units.join(' ')}`);
  }
}

export interface UninstallOptions { root: string; keepData: boolean; say: (text: string) => void }

/** Removes what `install` made. Throws MoatError 'not-installed' when its record is not there. */
export function uninstall({ root, keepData, say }: UninstallOptions): void {
  needRoot();
  const at = (path: string): string => join(root, path);
  if (!existsSync(at(record))) throw new MoatError<InstallErrorCode>('not-installed', `expected the record of an installation at ${record}, got nothing`);
  const made = readRecord(at(record));
  if (root === '/' && existsSync('/run/systemd/system')) systemctl('disable', '--now', ...units, 'moat-hands.service');
  for (const path of made) {
    if (keepData && (path === stateFolder || path === configFile || path === keyFile)) { say(`= ${path}`); continue; }
    rmSync(at(path), { recursive: true, force: true });
    say(`- ${path}`);
    const parent = dirname(at(path));
    if (path === configFile && existsSync(parent) && readdirSync(parent).length === 0) rmdirSync(parent);
  }
  if (root === '/' && existsSync('/run/systemd/system')) systemctl('daemon-reload');
}

export interface UnitOptions { memoryMb: number; cpuPercent: number; /** MiB that packet capture holds in memory, when it is on. */ captureMb?: number | undefined }

/** A scan runs in a process of its own within the service: what it may take by default, and what node needs to begin. */
const scanMemoryMb = 448;
const captureBesideMb = 96;

/** The service: root, for it reads every log and every process, but with just the capabilities that reading needs. What it wants written the hands write. */
export function unitText({ memoryMb, cpuPercent, captureMb }: UnitOptions): string {
  const more = captureMb === undefined ? scanMemoryMb : scanMemoryMb + captureMb + captureBesideMb;
  return `[Unit]
Description=Moat server protection
Documentation=file://${home}/README.md
After=network.target systemd-journald.service moat-hands.socket
Wants=moat-hands.socket

[Service]
Type=exec
# Threads that take and free memory by turns would each keep a heap of their own: 20 MB in all.
Environment=MALLOC_ARENA_MAX=1
Environment=MOAT_HANDS=${handsSocket}
ExecStart=${process.execPath} --max-semi-space-size=16 --max-old-space-size=${Math.round(memoryMb * 0.6)} ${home}/dist/moat.js up --config ${configFile} --data ${stateFolder}
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=2
StateDirectory=moat
StateDirectoryMode=0700
UMask=0077

# ${memoryMb} MiB for Moat and ${scanMemoryMb} for a scan, which is ended first should memory run out.${captureMb === undefined ? '' : `
# Packet capture has ${captureMb} MiB for packets and ${captureBesideMb} for its program.`}
MemoryHigh=${Math.round(memoryMb * 0.8) + more}M
MemoryMax=${memoryMb + more}M
OOMPolicy=continue
CPUQuota=${cpuPercent}%
TasksMax=128
LimitNOFILE=65536
OOMScoreAdjust=-500
Nice=-1
IOWeight=50

# What would hide something from the scan is left out: PrivateDevices hides /dev, ProtectKernelModules /lib/modules. Without
# CAP_MKNOD, CAP_SYS_RAWIO and CAP_SYS_MODULE below nothing can be made or loaded there all the same.
# DAC_READ_SEARCH reads logs and /proc of all, SYS_PTRACE the executables and sockets of processes, SYSLOG the kernel log,
# BPF, PERFMON and NET_ADMIN run the kernel sensor, KILL ends a denied program, SYS_RESOURCE lets kernels before 5.11 count its memory.${captureMb === undefined ? '' : '\n# NET_RAW opens the socket of packet capture, whose process then goes on as nobody (SETUID, SETGID).'}
CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_SYS_PTRACE CAP_SYSLOG CAP_BPF CAP_PERFMON CAP_NET_ADMIN CAP_KILL CAP_SYS_RESOURCE${captureMb === undefined ? '' : ' CAP_NET_RAW CAP_SETUID CAP_SETGID'}
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=${stateFolder}
InaccessiblePaths=-${keyFile}
ProtectHome=read-only
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
DevicePolicy=closed
PrivateMounts=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK${captureMb === undefined ? '' : ' AF_PACKET'}
SystemCallArchitectures=native
SystemCallFilter=@system-service bpf perf_event_open
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
}

const handsSocketText = `[Unit]
Description=Moat: where moat.service asks for what needs the right to write

[Socket]
ListenStream=${handsSocket}
SocketMode=0600
DirectoryMode=0700
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
`;

/** The hands: started when there is something to do, gone half a minute after. They write to files, units and accounts, so little can be taken from them. */
export function handsText(): string {
  return `[Unit]
Description=Moat: changes files, units and accounts for moat.service
Documentation=file://${home}/README.md
Requires=moat-hands.socket

[Service]
Type=exec
ExecStart=${process.execPath} --max-old-space-size=192 ${home}/dist/moat.js hands --config ${configFile} --data ${stateFolder}
StateDirectory=moat
StateDirectoryMode=0700
UMask=0077
MemoryMax=512M
TasksMax=128
OOMScoreAdjust=-500
NoNewPrivileges=yes
ProtectClock=yes
ProtectHostname=yes
RestrictRealtime=yes
# A service's changed configuration is tried in mounts of its own, and so is that of all services after a recovery.
RestrictNamespaces=mnt net ipc uts
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
`;
}

function needRoot(): void {
  if (process.getuid?.() !== 0) throw new MoatError<InstallErrorCode>('not-root', 'expected to run as root, got another user', { hint: 'run it with sudo' });
}

function readRecord(path: string): string[] {
  const made: unknown = JSON.parse(readFileSync(path, 'utf8'));
  const known = [home, unitPath, handsUnit, handsSocketUnit, link, keyFile, configFile, stateFolder];
  // Only paths that install makes: whoever edits the record cannot have other things removed.
  return Array.isArray(made) ? made.filter((path): path is string => known.includes(path as string)) : [];
}

/** A dangling link is there too. */
const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** Sources are not needed there; only root can write to what is copied. */
function copyProgram(source: string, to: string): void {
  for (const part of [...programParts, 'package.json', 'LICENSE', ...sensorObjects(source)]) if (existsSync(join(source, part))) cpSync(join(source, part), join(to, part), { recursive: true, force: true });
  for (const name of programPackages(source)) cpSync(join(source, 'node_modules', name), join(to, 'node_modules', name), { recursive: true, force: true, dereference: true });
}

const sensorObjects = (source: string): string[] => readdirSync(join(source, 'sensor')).filter((name) => name.endsWith('.bpf.o')).map((name) => `sensor/${name}`);

function systemctl(...args: string[]): void {
  execFileSync('systemctl', args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 60_000 });
}
