/** What a file of the system is, by where it lies and how it begins: decides how bad a change of it is. */
import type { Level } from '../core/level.ts';
import type { Text } from '../core/text.ts';
import type { FileStat, Tree } from '../linux/tree.ts';
import { baseName } from './shell-words.ts';

export type SystemFileKind = 'module' | 'pam' | 'library' | 'program' | 'script' | 'code' | 'unit' | 'data' | 'document';

const documents = /^\/usr\/share\/(?:doc|man|info|locale|lintian|help|bug|gtk-doc|doc-base)\/|^\/usr\/share\/[^/]+\/doc\//;
const programFolders = /^\/(?:usr\/)?(?:local\/)?(?:s?bin|games|libexec)\//;
const systemFolders = /^\/(?:usr\/)?(?:s?bin|lib(?:32|64|x32|exec)?|games)\/|^\/boot\//;
const modules = /\.ko(?:\.(?:xz|gz|zst))?$/;
const libraries = /\.so(?:\.[\w.]+)?$/;
const codeNames = /\.(?:py|pl|pm|rb|js|mjs|cjs|php|lua|tcl|sh)$/;
const units = /^\/(?:usr\/)?lib\/(?:systemd|udev|modprobe\.d|sysctl\.d|tmpfiles\.d|sysusers\.d|dracut|modules-load\.d|binfmt\.d)\/|^\/usr\/share\/(?:dbus-1|polkit-1|pam-configs)\//;

/** Does a program or a library that the system would run by itself belong here? */
export const inSystemFolder = (path: string): boolean => systemFolders.test(path);

export type Beginning = 'elf' | 'script' | 'other';

/** How a regular file begins. Throws TreeError. */
export function beginningOf(tree: Tree, path: string): Beginning {
  const head = tree.read(path, 4)?.bytes ?? Buffer.alloc(0);
  if (head.length === 4 && head.readUInt32BE(0) === 0x7f454c46) return 'elf';
  return head[0] === 0x23 && head[1] === 0x21 ? 'script' : 'other';
}

export function kindOf(path: string, stat: FileStat | undefined, beginning: Beginning): SystemFileKind {
  if (documents.test(path)) return 'document';
  if (modules.test(path)) return 'module';
  const name = baseName(path);
  if (/^pam_[\w-]+\.so$/.test(name) && path.includes('/security/')) return 'pam';
  if (libraries.test(name)) return 'library';
  if (beginning === 'elf' || programFolders.test(path)) return beginning === 'script' ? 'script' : 'program';
  if (units.test(path)) return 'unit';
  if (beginning === 'script' && stat !== undefined && (stat.mode & 0o111) !== 0) return 'script';
  return codeNames.test(name) ? 'code' : 'data';
}

/** Programs by which people log on, become root, or see what runs; what a back door or a rootkit replaces first. */
const guarded = new Set(`sshd ssh ssh-add ssh-agent login su sudo sudo.ws passwd chpasswd newgrp agetty getty init systemd systemd-logind cron crond atd
ps ls dir vdir netstat ss top htop lsof find locate du df who w last lastb lastlog users pstree pidof pgrep pkill kill ip ifconfig route tcpdump stat file md5sum sha1sum sha256sum sha512sum
bash dash sh ld.so ldd ldconfig modprobe insmod lsmod rmmod kmod depmod dpkg dpkg-query dpkg-deb debsums rpm apt apt-get apk busybox rsyslogd systemd-journald auditd auditctl
unix_chkpwd unix_update polkitd pkexec curl wget gpg gpgv openssl nologin cat echo grep egrep fgrep crontab`.split(/\s+/));
const guardedLibraries = /^(?:libc(?:-[\d.]+)?\.so|ld-(?:linux|musl)|ld-[\d.]+\.so|libpam|libcrypt|libcrypto\.so|libssl\.so|libnss_|libsystemd|libkeyutils|liblzma|libselinux|libaudit|libdl|libpthread|libproc|libgssapi_krb5|libz\.so)/;

/** What a change of it is worth when a package ships it otherwise. */
export function levelOfChange(path: string, kind: SystemFileKind): Level {
  switch (kind) {
    case 'module': case 'pam': return 'critical';
    case 'library': return guardedLibraries.test(baseName(path)) ? 'critical' : 'high';
    case 'program': case 'script': return guarded.has(baseName(path)) || path.startsWith('/usr/lib/systemd/systemd') ? 'critical' : 'high';
    case 'code': case 'unit': return 'medium';
    // Pages that a web server ships are replaced by everybody.
    case 'data': return /^\/(?:usr\/share|var|srv)\//.test(path) ? 'low' : 'medium';
    case 'document': return 'low';
  }
}

export const kindWords: Record<SystemFileKind, Text> = {
  module: { zh: '内核模块', en: 'kernel module' },
  pam: { zh: 'PAM 认证模块', en: 'PAM module' },
  library: { zh: '共享库', en: 'library' },
  program: { zh: '程序', en: 'program' },
  script: { zh: '脚本', en: 'script' },
  code: { zh: '代码', en: 'code' },
  unit: { zh: '系统设置', en: 'system settings' },
  data: { zh: '文件', en: 'file' },
  document: { zh: '文档', en: 'document' },
};
