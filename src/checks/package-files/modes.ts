/** Set-uid and set-gid bits of files whose package does not say what mode it shipped (dpkg). */
import type { Level } from '../../core/level.ts';
import type { OwnedFile } from '../../linux/packages/index.ts';
import { textOf, type FileStat, type Tree } from '../../linux/tree.ts';
import { baseName, interpreters } from '../shell-words.ts';

const setBits = 0o6000;
const anyExecute = 0o111;
const overridesMax = 1 << 20;
const hourMs = 3_600_000;

/** Programs that distributions ship with the rights of a group or of an account other than root. */
const usualOther = new Set(`ssh-agent crontab at chage expiry unix_chkpwd pam_extrausers_chkpwd unix2_chkpwd wall write write.ul bsd-write dotlockfile locate mlocate plocate screen utempter postdrop postqueue mailq lockfile man mandb
slrnpull nethack zabbix_sender gnome-pty-helper uucp uux cu uustat uuname inndstart rnews fping bbsuid crontab_setgid`.split(/\s+/));

/** Programs that distributions ship with the rights of root. */
const usual = new Set(`su sudo sudoedit passwd chsh chfn newgrp gpasswd mount umount ping ping4 ping6 pkexec polkit-agent-helper-1 dbus-daemon-launch-helper ssh-keysign
Xorg.wrap exim4 sendmail procmail maildrop ntfs-3g auth_pam_tool
newuidmap newgidmap snap-confine chrome-sandbox mount.cifs mount.nfs mount.nfs4 mount.ecryptfs_private umount.nfs pppd traceroute6.iputils arping bwrap lxc-user-nic qemu-bridge-helper fusermount fusermount3
doas opiepasswd opieinfo rcp rlogin rsh rsh-redone-rlogin netkit-rlogin mtr mtr-packet authbind helper cockpit-session kismet_cap_linux_wifi dumpcap vmware-user-suid-wrapper VBoxNetAdpCtl spice-client-glib-usb-acl-helper
usernetctl userhelper pam_timestamp_check grub2-set-bootenv staprun suexec suexec-pristine suexec-custom cgi-wrapper slock i3lock xlock xscreensaver-auth kcheckpass kdesud start_kdeinit
newrole seunshare sandbox_exec singularity-suid starter-suid apptainer mount.davfs mount.fuse wodim tcptraceroute lppasswd fping
basic_pam_auth pinger icmp_echo basic_ncsa_auth ntlm_auth smbmnt glusterfs-suid firejail`.split(/\s+/));

/** What any of these becomes with the rights of root: a root shell. */
const dangerous = new Set('env find vi vim vim.basic vim.tiny nano ed less more cp mv dd tar zip rsync gdb strace make git nmap socat nc nc.openbsd nc.traditional ncat busybox taskset nice timeout xargs tee sed expect docker systemctl'.split(' '));

export interface Bits { level: Level; certain: boolean }

/** Paths that the administrator gave another mode by dpkg-statoverride. Throws TreeError. */
export function overridesOf(tree: Tree): ReadonlySet<string> {
  const text = textOf(tree, '/var/lib/dpkg/statoverride', overridesMax) ?? '';
  return new Set(text.split('\n').flatMap((line) => { const path = line.split(' ').slice(3).join(' '); return path === '' ? [] : [path, path.replace(/^\/usr/, ''), `/usr${path}`]; }));
}

export const hasBits = (stat: FileStat): boolean => stat.kind === 'file' && ((stat.mode & 0o4000) !== 0 || ((stat.mode & 0o2000) !== 0 && (stat.mode & anyExecute) !== 0));

/**
 * Undefined for what is usual. `installed` is when the package's list was written: bits that came an hour later were not the package's
 * (the inode tells by its change time, which nobody can set), unless its scripts name the program.
 */
export function judgeBits({ path }: OwnedFile, stat: FileStat, installed: number | undefined, scripts: string, overrides: ReadonlySet<string>): Bits | undefined {
  if ((stat.mode & setBits) === 0 || overrides.has(path)) return undefined;
  const name = baseName(path);
  if ((stat.mode & 0o4000) !== 0 && (interpreters.test(name) || dangerous.has(name))) return { level: 'critical', certain: true };
  const toRoot = (stat.mode & 0o4000) !== 0 && stat.uid === 0;
  if (usual.has(name) || (usualOther.has(name) && !toRoot)) return undefined;
  const later = installed !== undefined && !scripts.includes(name) && stat.changed > installed + hourMs;
  return later && toRoot ? { level: 'high', certain: true } : { level: 'low', certain: false };
}
