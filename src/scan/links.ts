/** What a finding shares with others: the keys by which findings become one story. */
import type { Finding } from '../core/finding.ts';

const valueMax = 4000;
const keysMax = 40;
/**
 * An absolute path that does not go on from a word, a host, another path, a glob or something worked out (`http://x/y`, `a/b`,
 * `*\/5` of a cron job, `$(pwd)/x`), and is no comment, no closing tag and no bare number.
 */
const paths = /(?<![\w.:/~@%+*?)\]}-])\/(?!\/|\d+(?![\w./-])|\w{1,20}>)(?=[^\s"'`;|&<>()$\\:,=[\]{}*?#!]{0,400}?[\p{L}\p{N}])[^\s"'`;|&<>()$\\:,=[\]{}*?#!]{1,400}/gu;
const addresses = /(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])/g;
const processFolder = /^\/proc\/(\d{1,10})(?:\/|$)/;

/** What many have to do with and nobody came by: being named in evidence says nothing. */
const commonPlace = /^\/(?:(?:usr\/)?(?:bin|sbin|lib|lib32|lib64|libx32)\/|usr\/(?:share|libexec)\/|dev\/|proc\/|sys\/)/;
/** Tables that hold lines about many: a line that is wrong has nothing to do with a line that is weak. */
const sharedTable = /^\/etc\/(?:passwd|shadow|group|gshadow|sudoers|crontab|fstab|hosts|profile|environment|bash\.bashrc|sysctl\.conf|ld\.so\.conf|ssh\/sshd?_config)-?$/;
/** Folders that hold what has nothing to do with each other. */
const commonFolder = new Set(['/', '/tmp', '/var/tmp', '/dev/shm', '/root', '/home', '/etc', '/opt', '/srv', '/var', '/var/www', '/var/www/html', '/usr', '/usr/local', '/usr/local/bin', '/run', '/boot', '/mnt', '/etc/cron.d', '/etc/init.d', '/etc/systemd/system', '/var/log', '/var/spool/cron', '/var/lib']);
/** This machine, nobody, resolvers and metadata services that everyone asks. */
const commonAddress = /^(?:0\.|127\.|169\.254\.|255\.|::1?$|8\.8\.[48]\.[48]$|1\.[01]\.[01]\.1$|9\.9\.9\.9$|114\.114\.11[45]\.11[45]$|223\.[56]\.[56]\.[56]$|100\.100\.)/;
const commonUser = new Set(['root', '']);

/** `own` always tie together; `named` stand in the evidence, and tie where not too many name them. */
export interface Keys { own: string[]; named: string[] }

export function keysOf(finding: Finding): Keys {
  const own = new Set<string>();
  const named = new Set<string>();
  if (finding.path !== undefined) own.add(sharedTable.test(finding.path) ? `path:${finding.path}\0${finding.kind}` : pathKey(finding.path));
  if (finding.pid !== undefined) own.add(`pid:${finding.pid}`);
  if (finding.user !== undefined && !commonUser.has(finding.user)) named.add(`user:${finding.user}`);
  if (finding.address !== undefined && !commonAddress.test(finding.address)) named.add(`address:${finding.address}`);
  for (const link of finding.links ?? []) own.add(link.startsWith('/') ? pathKey(link) : link);
  for (const { value } of finding.evidence) {
    const text = value.length > valueMax ? value.slice(0, valueMax) : value;
    for (const [path] of text.matchAll(paths)) {
      if (named.size >= keysMax) break;
      const key = pathKey(path.replace(/[.。，、]+$/, ''));
      const at = key.slice('path:'.length);
      if (key.startsWith('path:') && (commonPlace.test(at) || commonFolder.has(at) || sharedTable.test(at))) { named.add(`?${key}`); continue; }
      named.add(key);
    }
    for (const [address] of text.matchAll(addresses)) if (named.size < keysMax && !commonAddress.test(address)) named.add(`address:${address}`);
  }
  return { own: [...own].slice(0, keysMax), named: [...named].filter((key) => !own.has(key)) };
}

function pathKey(path: string): string {
  const process = processFolder.exec(path);
  const trimmed = path.length > 1 ? path.replace(/\/+$/, '') : path;
  return process ? `pid:${process[1]}` : `path:${trimmed}`;
}
