/** Which files are told: what user space writes into the kernel's filters. */
import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { BpfMap, BpfObject } from '../../linux/libbpf.ts';

export interface FileWatch {
  /** Beginnings of paths; the longest that fits says whether a change is told. A folder ends with /. */
  watch: readonly string[];
  ignore: readonly string[];
  /** Names of files that are told when written, wherever they are. */
  names: readonly string[];
  /** Whole paths that are told when read. */
  reads: readonly string[];
  /** Programs, by their file, whose file events are not told. */
  quietPrograms: readonly { inode: number; device: number }[];
}

/** Levers of the kernel that are no plain files and lie where everything else is passed over. */
const levers = ['release_agent', 'core_pattern', 'uevent_helper', 'sysrq-trigger', 'nr_hugepages', 'binfmt_misc', 'ld.so.preload'];
const system = ['/etc/shadow', '/etc/shadow-', '/etc/gshadow', '/etc/gshadow-', '/etc/sudoers', '/etc/krb5.keytab', ...['rsa', 'ecdsa', 'ed25519', 'dsa'].map((kind) => `/etc/ssh/ssh_host_${kind}_key`)];
const ofHome = [
  ...['rsa', 'ecdsa', 'ed25519', 'dsa'].map((kind) => `.ssh/id_${kind}`), '.aws/credentials', '.aliyun/config.json', '.tccli/default.credential', '.ossutilconfig', '.cos.conf',
  '.config/gcloud/credentials.db', '.azure/accessTokens.json', '.docker/config.json', '.kube/config', '.git-credentials', '.netrc', '.my.cnf', '.pgpass', '.npmrc', '.pypirc',
];
const mostHomes = 100;
/** Bytes that the kernel's filters compare, an end mark included. */
const prefixSize = 256;
const nameSize = 32;

const watchedStarts = ['/', '/dev/shm/', '/run/systemd/', '/run/user/', '/proc/sys/'];
const ignoredStarts = ['/proc/', '/sys/', '/dev/', '/run/', '/run/systemd/journal/', '/run/systemd/units/', '/run/systemd/sessions/', '/run/systemd/users/', '/var/cache/', '/var/log/journal/'];

/** What a person adds to the usual: beginnings of paths, whole paths of secrets, paths of programs. */
export interface FileSettings { watch: readonly string[]; ignore: readonly string[]; secrets: readonly string[]; quiet_programs: readonly string[] }

/** The usual files, and those of the settings. Programs that are not there are passed over. */
export function fileWatch(settings: Partial<FileSettings> = {}): FileWatch {
  const { watch = [], ignore = [], secrets = [], quiet_programs = [] } = settings;
  return {
    watch: [...watchedStarts, ...watch], ignore: [...ignoredStarts, ...ignore], names: levers,
    reads: [...system, ...homes().flatMap((home) => ofHome.map((name) => `${home}/${name}`)), ...secrets].filter((path) => Buffer.byteLength(path) < prefixSize && Buffer.byteLength(basename(path)) < nameSize),
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
const whenRead = 1, whenWritten = 2;

/** Throws when a path is too long or there are more than the kernel's maps hold. */
export function fillFileMaps(object: BpfObject, files: FileWatch): void {
  const prefixes = object.map('prefixes');
  for (const path of files.watch) put(prefixes, prefixKey(path), number(told), path);
  for (const path of files.ignore) put(prefixes, prefixKey(path), number(ignored), path);
  const names = new Map<string, number>();
  for (const path of files.reads) {
    put(object.map('read_paths'), padded(path, prefixSize), number(1), path);
    names.set(basename(path), whenRead);
  }
  for (const name of files.names) names.set(name, (names.get(name) ?? 0) | whenWritten);
  for (const [name, bits] of names) put(object.map('names'), padded(name, nameSize), number(bits), name);
  for (const { inode, device } of files.quietPrograms) {
    const key = Buffer.alloc(16);
    key.writeBigUInt64LE(BigInt(inode), 0);
    key.writeUInt32LE(kernelDevice(device), 8);
    put(object.map('quiet_programs'), key, number(1), String(inode));
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
