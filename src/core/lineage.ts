/** Where processes come from and what they did: the words of the origin graph (kept by src/engine/origin). */
import type { Event } from './gen/event.ts';
import type { Level } from './level.ts';

/**
 * What a process tree began with.
 *   login      a log-on session (ssh, console log-on of a person): user, source_ip
 *   web        a worker of a web or application server: name is the service that listens
 *   service    a systemd unit or other daemon that is no web server
 *   cron, timer  a cron entry or systemd timer: name is the entry's user or the unit
 *   container  a process of a container that none of the others explains
 *   package    a script of the package manager (dpkg, rpm, npm, pip …): name is the manager
 *   cloud      cloud-init or the cloud's assistant, which run what the console or the API asks for
 *   console    a terminal of the machine itself
 *   kernel     started by the kernel (usermode helper, core pattern)
 *   unknown    it was there before Moat and nothing tells
 */
export type OriginKind = 'login' | 'web' | 'service' | 'cron' | 'timer' | 'container' | 'package' | 'cloud' | 'console' | 'kernel' | 'unknown';

export interface ContainerInfo { id: string; name?: string; image?: string; runtime?: string }

/** A log-on as utmp, wtmp or logind tell it. Times are Unix ms; `until` is undefined while it lasts. */
export interface Logon {
  user: string | undefined;
  /** Canonical remote address; undefined for a log-on at the machine itself. */
  source_ip: string | undefined;
  terminal: string | undefined;
  /** The session's leading process: sshd's for a remote one, login's for a console. */
  pid: number | undefined;
  since: number;
  until: number | undefined;
}

export interface Origin {
  kind: OriginKind;
  /** Unit, listening service, cron user, package manager, container name. */
  name?: string;
  /** The account that logged on, or the tree runs as. */
  user?: string;
  /** The remote address it began with. */
  source_ip?: string;
  source_port?: number;
  container?: ContainerInfo;
  /** When it began, Unix ms. */
  since: number;
}

/** One thing done again and again counts once, with how often and when first and last. */
export interface Touch { what: string; count: number; first: number; last: number }

/** `what` is the path; inode and device name the file when the path has changed since. */
export interface FileTouch extends Touch { action: string; inode?: number; device?: number }

/** `what` is `address port`. Outbound: the far end. Inbound: the far end's address and our port that was called. */
export interface PeerTouch extends Touch { direction: 'outbound' | 'inbound'; ip: string; port: number; host?: string; sent?: string }

/** One process: pid and `started` (Unix ms, in whole clock ticks) are its identity for good; `started` is 0 for a parent that was only heard of. */
export interface ProcessNode {
  readonly pid: number;
  readonly started: number;
  readonly name: string | undefined;
  readonly path: string | undefined;
  readonly cmdline: string | undefined;
  readonly cwd: string | undefined;
  readonly uid: number | undefined;
  readonly user: string | undefined;
  readonly terminal: string | undefined;
  readonly cgroup: string | undefined;
  readonly container: string | undefined;
  readonly parent: ProcessNode | undefined;
  readonly children: Iterable<ProcessNode>;
  /** Unix ms; undefined while it runs. */
  readonly ended: number | undefined;
  readonly exit_code: number | undefined;
  readonly origin: Origin;
  /** The topmost process that has this very origin: the first shell of a session, the worker of a web server. */
  readonly root: ProcessNode;
  /** Programs this process itself was before the present one (exec), oldest first; `time` is when it became each. */
  readonly was: readonly { path: string | undefined; cmdline: string | undefined; time: number }[];
  /** Bounded each; oldest first. */
  readonly wrote: readonly FileTouch[];
  /** Watched files (credentials) that it read. */
  readonly read: readonly FileTouch[];
  readonly spoke: readonly PeerTouch[];
  readonly asked: readonly Touch[];
  /** What fell out of the lists above. */
  readonly forgotten: number;
  /** Who wrote the file it runs, when that was seen. */
  readonly writtenBy: Writer | undefined;
}

/** Who wrote a file last, as far as it was seen. */
export interface Writer { path: string; time: number; process: ProcessNode }

export interface Lineage {
  /** The process of an event, with what is known up to and with this event. */
  of(event: Event): ProcessNode | undefined;
  /** The living process of this pid, or the one of this identity, living or ended within a day. */
  process(pid: number, started?: number): ProcessNode | undefined;
  /** Who wrote this file, by path or by device and inode. */
  writer(file: { path?: string | undefined; inode?: number | undefined; device?: number | undefined }): Writer | undefined;
  /** The process of sudo that wrote a line of its log: these name no process. `command` is the whole COMMAND; undefined when it cannot be told whose. */
  sudo(line: { user: string | undefined; command: string | undefined; time: number }): ProcessNode | undefined;
}

const noLineage: Lineage = { of: () => undefined, process: () => undefined, writer: () => undefined, sudo: () => undefined };

/** Which package put a file there. */
export interface PackageFile {
  manager: 'dpkg' | 'rpm' | 'apk';
  name: string;
  version: string;
  /** Whether the file is as the package shipped it; undefined while that was not looked at. */
  intact: boolean | undefined;
}

export interface Packages {
  /** False until the index is built: then `owner` of an unknown file says nothing. */
  readonly ready: boolean;
  /** The package that owns this path, symbolic links of folders (/bin → /usr/bin) followed. Cheap; digests are taken in the background. */
  owner(path: string): PackageFile | undefined;
  /** This file was written, renamed or changed in its rights: what was told of it a moment ago no longer holds. */
  changed?(path: string): void;
}

const noPackages: Packages = { ready: false, owner: () => undefined };

export type IndicatorKind = 'address' | 'domain' | 'hash' | 'wallet';

/** One entry of an intelligence list. `what` says what it is known for: c2, miner, tor, scanner …; `level` is how bad the list's owner calls it. */
export interface Indicator { kind: IndicatorKind; value: string; what: string; list: string; level: Level; expires?: number }

export interface Intelligence {
  /** An IPv4 or IPv6 address, also as member of a listed network. */
  address(address: string): Indicator | undefined;
  /** A host name, also as a subdomain of a listed domain. */
  domain(name: string): Indicator | undefined;
  /** MD5, SHA-1 or SHA-256 in hexadecimal. */
  hash(hex: string): Indicator | undefined;
  /** A wallet address, exact. */
  wallet(text: string): Indicator | undefined;
  readonly size: number;
}

const noIntelligence: Intelligence = { address: () => undefined, domain: () => undefined, hash: () => undefined, wallet: () => undefined, size: 0 };

/** For tests and for replay of logs, where nothing of this is known. */
export const noKnowledge = { lineage: noLineage, packages: noPackages, intelligence: noIntelligence };
