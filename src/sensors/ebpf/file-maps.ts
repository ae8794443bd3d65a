/** Which files are told: what user space writes into the kernel's filters. */
import { readFileSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { BpfMap, BpfObject } from '../../linux/libbpf.ts';

export interface FileWatch {
  /** Beginnings of paths; the longest that fits says whether a change is told. A folder ends with /. */
  watch: readonly string[];
  ignore: readonly string[];
  /** Names of files that are told when written, wherever they are. */
  names: readonly string[];
  /** Whole paths that are told when read, beside the usual secrets. */
  reads: readonly string[];
  /** Programs, by their file, whose file events are not told. */
  quietPrograms: readonly { inode: number; device: number }[];
}

/** Levers of the kernel that lie where everything else is passed over, or in control groups that were mounted anywhere. */
const levers = ['release_agent', 'notify_on_release', 'core_pattern', 'uevent_helper', 'sysrq-trigger', 'nr_hugepages', 'ld.so.preload'];
/** In the folder of a process in /proc: told when another process opens it. */
const ofProcess = ['environ', 'mem'];
/** Sockets by which whoever connects rules the containers of this machine. */
export const runtimeSockets: readonly string[] = ['docker.sock', 'containerd.sock', 'crio.sock', 'podman.sock', 'cri-dockerd.sock', 'dockershim.sock', 'buildkitd.sock'];
/**
 * Secrets by their own name and that of the folder they lie in, wherever that is: in homes made later, in containers,
 * below a mounted root of another system. Private keys in .ssh need no entry: there all is told but what is named in
 * `noKeys` or ends with .pub.
 */
const secretFiles = [
  ...['shadow', 'shadow-', 'gshadow', 'gshadow-', 'sudoers', 'krb5.keytab'].map((name) => `etc/${name}`), 'extrausers/shadow', 'backups/shadow.bak', 'security/opasswd',
  ...['rsa', 'ecdsa', 'ed25519', 'dsa'].map((kind) => `ssh/ssh_host_${kind}_key`),
  '.aws/credentials', '.aws/config', '.aliyun/config.json', '.tccli/default.credential', '.hcloud/config.json', '.kube/config', '.docker/config.json', 'containers/auth.json', '.azure/accessTokens.json', '.azure/msal_token_cache.json',
  'gcloud/credentials.db', 'gcloud/access_tokens.db', 'gcloud/application_default_credentials.json', '.terraform.d/credentials.tfrc.json', 'rclone/rclone.conf', 'kubernetes/admin.conf', 'kubernetes/kubelet.conf', 'k3s/k3s.yaml',
  'mysql/debian.cnf', 'gh/hosts.yml', 'git/credentials',
];
/** Secrets whose name says enough. */
const secretNames = ['kcore', '.ossutilconfig', '.cos.conf', '.cos.yaml', '.s3cfg', '.boto', '.git-credentials', '.netrc', '.my.cnf', '.mylogin.cnf', '.pgpass', '.rediscli_auth', '.mongorc.js', '.vault-token'];
/** Only in homes: projects have them too, and their tools read those all day. */
const ofHome = ['.npmrc', '.pypirc'];
const noKeys = ['known_hosts', 'known_hosts.old', 'config', 'authorized_keys', 'authorized_keys2', 'environment', 'rc'];
const mostHomes = 100;
/** Bytes that the kernel's filters compare, an end mark included. */
const prefixSize = 256;
const nameSize = 64;

const watchedStarts = [
  '/', '/dev/shm/', '/run/systemd/', '/run/user/', '/run/utmp', '/run/log/', '/proc/sys/',
  '/sys/kernel/', '/sys/module/', '/sys/firmware/', '/sys/fs/selinux/enforce', ...['/sys/kernel/tracing/', '/sys/kernel/debug/tracing/'].flatMap((folder) => [`${folder}tracing_on`, `${folder}events/enable`]),
];
const ignoredStarts = [
  '/proc/', '/sys/', '/dev/', '/run/', '/run/systemd/journal/', '/run/systemd/units/', '/run/systemd/sessions/', '/run/systemd/users/', '/sys/kernel/tracing/', '/sys/kernel/debug/tracing/', '/var/cache/',
];

/** What a person adds to the usual: beginnings of paths, whole paths of secrets, paths of programs. */
export interface FileSettings { watch: readonly string[]; ignore: readonly string[]; secrets: readonly string[]; quiet_programs: readonly string[] }

/** The usual files, and those of the settings. Programs that are not there are passed over. */
export function fileWatch(settings: Partial<FileSettings> = {}): FileWatch {
  const { watch = [], ignore = [], secrets = [], quiet_programs = [] } = settings;
  return {
    watch: [...watchedStarts, ...watch], ignore: [...ignoredStarts, ...ignore], names: levers,
    reads: [...homes().flatMap((home) => ofHome.map((name) => `${home}/${name}`)), ...secrets].filter((path) => Buffer.byteLength(path) < prefixSize && Buffer.byteLength(basename(path)) < nameSize),
    quietPrograms: quiet_programs.flatMap((path) => {
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat === undefined ? [] : [{ inode: stat.ino, device: stat.dev }];
    }),
  };
}

/** Of accounts of people and root. */
function homes(): string[] {
  const found = new Set<string>(['/root']);
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [, , uid, , , home] = line.split(':');
    if (home?.startsWith('/') && home !== '/' && Number(uid) >= 1000 && Number(uid) < 65_534 && found.size < mostHomes) found.add(home.replace(/\/+$/, ''));
  }
  return [...found];
}

const told = 1, ignored = 2;
/** As in sensor/files.h. */
const nameBits = { readPath: 1, written: 2, readFolder: 4, read: 8, ofProcess: 16, noKey: 32, socket: 64 } as const;

/** Throws when a path is too long or there are more than the kernel's maps hold. */
export function fillFileMaps(object: BpfObject, files: FileWatch): void {
  const prefixes = object.map('prefixes');
  for (const path of files.watch) put(prefixes, prefixKey(path), number(told), path);
  for (const path of files.ignore) put(prefixes, prefixKey(path), number(ignored), path);
  const names = new Map<string, number>();
  const mark = (name: string, bit: number): void => { names.set(name, (names.get(name) ?? 0) | bit); };
  for (const path of files.reads) {
    put(object.map('read_paths'), padded(path, prefixSize), number(1), path);
    mark(basename(path), nameBits.readPath);
  }
  for (const path of secretFiles) {
    put(object.map('read_names'), Buffer.concat([padded(dirname(path), nameSize), padded(basename(path), nameSize)]), number(1), path);
    mark(basename(path), nameBits.readFolder);
  }
  for (const name of secretNames) mark(name, nameBits.read);
  for (const name of ofProcess) mark(name, nameBits.ofProcess);
  for (const name of noKeys) mark(name, nameBits.noKey);
  for (const name of files.names) mark(name, nameBits.written);
  for (const [name, bits] of names) put(object.map('names'), padded(name, nameSize), number(bits), name);
  for (const { inode, device } of files.quietPrograms) {
    const key = Buffer.alloc(16);
    key.writeBigUInt64LE(BigInt(inode), 0);
    key.writeUInt32LE(kernelDevice(device), 8);
    put(object.map('quiet_programs'), key, number(1), String(inode));
  }
}

/** Comes after the files, if they are told: a name may be that of both. */
export function fillSocketNames(object: BpfObject): void {
  const names = object.map('names');
  for (const name of runtimeSockets) {
    const key = padded(name, nameSize);
    put(names, key, number((names.get(key, 4)?.readUInt32LE() ?? 0) | nameBits.socket), name);
  }
}

function put(map: BpfMap, key: Buffer, value: Buffer, what: string): void {
  if (!map.set(key, value)) throw new Error(`expected room for ${what} in the kernel's filter, got none`);
}

function prefixKey(path: string): Buffer {
  const key = Buffer.alloc(4 + prefixSize);
  const length = Buffer.byteLength(path);
  if (length >= prefixSize) throw new Error(`expected a path of less than ${prefixSize} bytes, got ${path}`);
  key.writeUInt32LE(length * 8, 0);
  key.write(path, 4);
  return key;
}

function padded(text: string, size: number): Buffer {
  const key = Buffer.alloc(size);
  if (Buffer.byteLength(text) >= size) throw new Error(`expected a name of less than ${size} bytes, got ${text}`);
  key.write(text);
  return key;
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** From what stat() gives to major << 20 | minor. */
export function kernelDevice(device: number): number {
  const major = Math.floor(device / 0x100) & 0xfff;
  const minor = (device & 0xff) | (Math.floor(device / 0x10_0000) << 8);
  return ((major << 20) | minor) >>> 0;
}
