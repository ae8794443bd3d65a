/** The file of the disk that a file of the initramfs was made of. */
import { createHash } from 'node:crypto';
import { attempt } from '../look.ts';
import type { ScanContext } from '../port.ts';
import { baseName } from '../shell-words.ts';
import type { Member } from './members.ts';

/**
 * same      a file of the disk has this content
 * differs   there is one in its place, and it is another; `changed` tells when that last changed (Unix ms)
 * renewed   it is not there, but another release of the same library or module is
 * none      nothing like it
 */
export interface Twin { state: 'same' | 'differs' | 'renewed' | 'none'; path?: string; changed?: number | undefined }

const fileMax = 256 * 2 ** 20;

export function twinOf(member: Member, context: ScanContext): Twin {
  let differs: Twin | undefined;
  for (const path of placesOf(member.path)) {
    const at = attempt(context, path, () => { const real = context.tree.real(path); const stat = real === undefined ? undefined : context.tree.stat(real); return stat?.kind === 'file' ? { real: real!, stat } : undefined; });
    if (!at) continue;
    if (at.stat.size === member.size && digestOf(at.real, at.stat.size, context) === member.digests.get('sha256')) return { state: 'same', path };
    // Programs of busybox and klibc stand in for others of the same name: only the place itself is meant to hold the same.
    differs ??= { state: 'differs', path, changed: at.stat.changed };
  }
  if (differs) return differs;
  return isRenewed(member, context) ? { state: 'renewed' } : { state: 'none' };
}

/** /init and /scripts come from initramfs-tools, the rest from its own place, merged folders seen both ways. */
function placesOf(path: string): string[] {
  const base = baseName(path);
  const usr = path.startsWith('/usr/') ? path.slice(4) : `/usr${path}`;
  return /^\/(?:init$|scripts\/)/.test(path)
    ? [`/etc/initramfs-tools${path}`, `/usr/share/initramfs-tools${path}`]
    : [path, usr, ...(/^\/(?:usr\/)?s?bin\//.test(path) ? [`/usr/lib/klibc/bin/${base}`, `/usr/lib/initramfs-tools/bin/${base}`] : [])];
}

function isRenewed(member: Member, context: ScanContext): boolean {
  const folder = member.path.slice(0, member.path.lastIndexOf('/')) || '/';
  switch (member.kind) {
    case 'library': {
      const stem = baseName(member.path).replace(/\.so.*$/, '').replace(/-\d[\d.]*$/, '');
      return [folder, `/usr${folder}`, folder.replace(/^\/usr/, '')].some((one) => one.startsWith('/') && (attempt(context, one, () => context.tree.list(one)) ?? []).some((name) => name.startsWith(stem)));
    }
    // Of a kernel that was taken away.
    case 'module': { const version = /^(?:\/usr)?\/lib\/modules\/[^/]+/.exec(member.path)?.[0]; return version !== undefined && attempt(context, version, () => context.tree.real(version)) === undefined; }
    case 'program': case 'script': return false;
  }
}

function digestOf(path: string, size: number, context: ScanContext): string | undefined {
  if (size > fileMax) return undefined;
  return attempt(context, path, () => {
    const read = context.tree.read(path, fileMax);
    return read && createHash('sha256').update(read.bytes).digest('hex');
  });
}
