/** Who works over SSH now, by sshd's own processes: also scp, rsync, git and ansible, which have no terminal, where neither utmp nor logind tells of them. */
import { canonicalIp } from '../core/address.ts';
import type { Logon } from '../core/lineage.ts';
import { readSockets, socketOwners } from './proc-net.ts';
import type { Procfs } from './procfs.ts';

const sessionsMax = 1000;
const descriptorsMost = 20_000;
/** What a session calls itself once somebody is in; before that it is `NAME [net]`, `NAME [priv]` or `NAME [preauth]`. */
const title = /^sshd(?:-session)?: ([^\s@]{1,64})@(notty|pts\/\d{1,7}|tty\w{1,20}|internal-sftp)/;

/** One for each connection. Only sessions that a root's sshd has started count: anybody may call a process of his own so. */
export function sshdSessions(procfs: Procfs): Logon[] {
  const users = new Map<number, { user: string; terminal: string | undefined }>();
  for (const pid of procfs.pids()) {
    if (users.size >= sessionsMax) break;
    const stat = procfs.stat(pid);
    if (stat?.name.startsWith('sshd') !== true) continue;
    const [, user, terminal] = title.exec(procfs.cmdline(pid, 1024) ?? '') ?? [];
    if (user === undefined || procfs.stat(stat.parentPid)?.name.startsWith('sshd') !== true || procfs.uids(stat.parentPid)?.effective !== 0) continue;
    users.set(pid, { user, terminal: terminal === 'notty' || terminal === 'internal-sftp' ? undefined : terminal });
  }
  if (users.size === 0) return [];
  const remote = new Map<number, string>();
  readSockets(procfs, (state, protocol, _, parse) => {
    if (state !== 'established' || protocol !== 'tcp') return;
    const { inode, remoteIp } = parse();
    if (inode > 0) remote.set(inode, remoteIp);
  });
  // Ports that are forwarded are connections of the session too, from this machine to others or to itself: the first descriptor is the one it came by.
  return [...users].flatMap(([pid, { user, terminal }]): Logon[] => {
    const { owners } = socketOwners(procfs, new Set(remote.keys()), [pid], descriptorsMost);
    const [first] = [...owners].filter(([, owner]) => owner === pid);
    const source = first === undefined ? undefined : canonicalIp(remote.get(first[0]) ?? '');
    return source === undefined ? [] : [{ user, source_ip: source, terminal, pid, since: 0, until: undefined }];
  });
}
