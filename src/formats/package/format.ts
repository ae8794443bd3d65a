/**
 * What package managers did: dpkg.log, apt's history.log, yum.log, dnf.rpm.log and the commands in dnf.log.
 * apt's term.log is the packages' own screen output and is not read.
 */
import { Event } from '../../core/gen/event.ts';
import type { DecodeContext, LinePlace, LogDecoder, LogFormat } from '../../core/format.ts';
import { Times } from '../time.ts';

const dpkgWords = 'install|upgrade|remove|purge|configure|disappear|trigproc|status|startup|conffile';
const dpkgLine = new RegExp(`^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d (?:${dpkgWords}) `);
const aptLine = /^(?:Start-Date|End-Date|Commandline|Requested-By): /;
const rpmWords = 'Installed|Updated|Upgraded|Upgrade|Erased|Erase|Reinstalled|Downgraded|Obsoleted|Dep-Installed';
const yumLine = new RegExp(`^[A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d (?:${rpmWords}): `);
const dnfLine = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d{4}) (?:CRITICAL|ERROR|WARNING|INFO|DEBUG|DDEBUG|SUBDEBUG|TRACE) /;

const dpkgActions: Readonly<Record<string, string>> = { install: 'install', upgrade: 'upgrade', remove: 'remove', purge: 'remove', disappear: 'remove', configure: 'configure' };
const aptActions: Readonly<Record<string, string>> = { Install: 'install', Reinstall: 'install', Upgrade: 'upgrade', Downgrade: 'downgrade', Remove: 'remove', Purge: 'remove' };
/** dnf writes both ends of an upgrade: `Upgrade: new` and, of the old one, `Upgraded: old`, which would count twice. */
const rpmActions: Readonly<Record<string, string>> = {
  'Installed': 'install', 'Dep-Installed': 'install', 'Reinstalled': 'install', 'Updated': 'upgrade', 'Upgrade': 'upgrade',
  'Erased': 'remove', 'Erase': 'remove', 'Downgraded': 'downgrade', 'Obsoleted': 'remove',
};
/** More packages of one apt run are not told one by one. */
const maxPackages = 2000;

export const packageLog: LogFormat = {
  id: 'package',
  title: { zh: '软件包日志（dpkg、apt、yum、dnf）', en: 'Package manager logs (dpkg, apt, yum, dnf)' },
  paths: ['/var/log/dpkg.log', '/var/log/apt/history.log', '/var/log/yum.log', '/var/log/dnf.log', '/var/log/dnf.rpm.log'],
  aliases: ['dpkg', 'apt', 'yum', 'dnf'],
  sniff: (line) => (dpkgLine.test(line) || aptLine.test(line) || yumLine.test(line) || dnfLine.test(line) ? 1 : 0),
  open: (context, emit) => new PackageDecoder(context, emit),
};

/** A run of apt, from Start-Date to End-Date. */
interface Stanza {
  first: LinePlace;
  lines: number[];
  time: number;
  command: string | undefined;
  user: string | undefined;
  uid: number | undefined;
  failed: boolean;
  packages: { action: string; name: string; version: string | undefined }[];
}

class PackageDecoder implements LogDecoder {
  unparsed = 0;
  readonly #context: DecodeContext;
  readonly #emit: (event: Event) => void;
  readonly #times: Times;
  #stanza: Stanza | undefined;

  constructor(context: DecodeContext, emit: (event: Event) => void) {
    this.#context = context;
    this.#emit = emit;
    this.#times = new Times(context);
  }

  decode(line: string, place: LinePlace): void {
    if (line === '') { this.flush(); return; }
    const colon = line.indexOf(': ');
    if (this.#stanza || line.startsWith('Start-Date: ')) {
      if (colon > 0 && colon < 20 && this.#apt(line.slice(0, colon), line.slice(colon + 2), place)) return;
      // Not apt's after all: a stanza without end.
      this.flush();
    }
    if (!this.#dpkg(line, place) && !this.#rpm(line, place)) this.unparsed++;
  }

  flush(): void {
    const s = this.#stanza;
    this.#stanza = undefined;
    if (!s) return;
    s.packages.forEach((p, i) => {
      const event = this.#event(s.first, s.time, `:${i}`, p.action, 'apt');
      event.package_name = p.name;
      event.package_version = p.version;
      event.user = s.user;
      event.uid = s.uid;
      event.process_cmdline = s.command;
      event.outcome = s.failed ? 'failure' : 'success';
      if (s.first.line > 0) event.lines = s.lines;
      this.#emit(event);
    });
    // A run that changed nothing, or failed before it did, still says who tried what.
    if (s.packages.length > 0 || s.command === undefined) return;
    const event = this.#event(s.first, s.time, '', 'command', 'apt');
    event.user = s.user;
    event.uid = s.uid;
    event.process_cmdline = s.command;
    event.outcome = s.failed ? 'failure' : 'success';
    if (s.first.line > 0) event.lines = s.lines;
    this.#emit(event);
  }

  pending(): LinePlace | undefined { return this.#stanza?.first; }

  #event(place: LinePlace, time: number, suffix: string, action: string, service: string): Event {
    const event = new Event(`${this.#context.idPrefix}${place.position}${suffix}`, time, 'package');
    event.host = this.#context.host;
    event.source = this.#context.source;
    event.category = 'package';
    event.action = action;
    event.outcome = 'success';
    event.service = service;
    if (place.line > 0) event.lines = [place.line];
    return event;
  }

  #apt(key: string, value: string, place: LinePlace): boolean {
    if (key === 'Start-Date') {
      this.flush();
      this.#stanza = { first: place, lines: [place.line], time: this.#times.read(value.replace('  ', ' ')), command: undefined, user: undefined, uid: undefined, failed: false, packages: [] };
      return true;
    }
    const s = this.#stanza;
    if (!s) return false;
    const action = aptActions[key];
    if (action !== undefined) this.#aptPackages(action, value, s);
    else if (key === 'Commandline') s.command = value;
    else if (key === 'Error') s.failed = true;
    else if (key === 'Requested-By') {
      const found = /^(.{1,256}) \((\d{1,10})\)$/.exec(value);
      s.user = found?.[1] ?? value;
      if (found) s.uid = Number(found[2]);
    } else if (key !== 'End-Date' && !/^[A-Z][A-Za-z-]{2,18}$/.test(key)) return false;
    if (s.lines.length < 64) s.lines.push(place.line);
    if (key === 'End-Date') this.flush();
    return true;
  }

  /** `name:arch (version), name:arch (old, new), name:arch (version, automatic)` */
  #aptPackages(action: string, value: string, s: Stanza): void {
    for (let at = 0; at < value.length && s.packages.length < maxPackages;) {
      const open = value.indexOf(' (', at);
      const close = open < 0 ? -1 : value.indexOf(')', open);
      if (close < 0) return;
      const versions = value.slice(open + 2, close).split(', ').filter((v) => v !== 'automatic');
      s.packages.push({ action, name: withoutArch(value.slice(at, open)), version: versions.at(-1) });
      at = value.startsWith('), ', close) ? close + 3 : close + 1;
    }
  }

  #dpkg(line: string, place: LinePlace): boolean {
    if (!dpkgLine.test(line)) return false;
    const [, , word, name, before, after] = line.split(' ', 6);
    const action = dpkgActions[word!];
    // Steps within an action (status, trigproc, startup …) add nothing to what is told already.
    if (action === undefined || name === undefined) return true;
    const event = this.#event(place, this.#times.read(line), '', action, 'dpkg');
    event.package_name = withoutArch(name);
    const version = word === 'configure' || action === 'remove' ? before : after;
    event.package_version = version === '<none>' ? undefined : version;
    this.#emit(event);
    return true;
  }

  #rpm(line: string, place: LinePlace): boolean {
    const dnf = dnfLine.test(line);
    if (!dnf && !yumLine.test(line)) return false;
    const time = this.#times.read(line);
    const from = dnf ? line.indexOf(' ', 25) + 1 : 16;
    const colon = line.indexOf(': ', from);
    if (colon < 0) return true;
    const word = line.slice(from, colon);
    const rest = line.slice(colon + 2).trim();
    if (word === 'Command') {
      const event = this.#event(place, time, '', 'command', 'dnf');
      event.process_cmdline = rest;
      event.outcome = 'unknown';
      this.#emit(event);
      return true;
    }
    const action = rpmActions[word];
    // dnf.log is full of its own doings; only commands and changes are told.
    if (action === undefined) return true;
    const event = this.#event(place, time, '', action, dnf ? 'dnf' : 'yum');
    const { name, version } = readNevra(rest);
    event.package_name = name;
    event.package_version = version;
    this.#emit(event);
    return true;
  }
}

const withoutArch = (name: string): string => {
  const colon = name.indexOf(':');
  return colon > 0 ? name.slice(0, colon) : name;
};

/** `nginx-1:1.20.1-14.el9.x86_64`, also with the epoch in front (`1:nginx-…`), also a bare name. */
export function readNevra(text: string): { name: string; version: string | undefined } {
  const bare = text.replace(/\.(?:x86_64|aarch64|noarch|i[3-6]86|ppc64le|s390x|src)$/, '');
  const epoch = /^(\d{1,4}):/.exec(bare)?.[1];
  const rest = epoch === undefined ? bare : bare.slice(epoch.length + 1);
  const release = rest.lastIndexOf('-');
  const version = release > 0 ? rest.lastIndexOf('-', release - 1) : -1;
  if (version <= 0) return { name: rest, version: undefined };
  return { name: rest.slice(0, version), version: epoch === undefined ? rest.slice(version + 1) : `${epoch}:${rest.slice(version + 1)}` };
}
