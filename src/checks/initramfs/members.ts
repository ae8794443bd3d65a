/** The files of an initramfs that run: their digests, and the text of scripts. */
import { createHash } from 'node:crypto';
import type { DigestAlgorithm } from '../../linux/digests.ts';
import type { InitramfsFile } from '../../linux/initramfs.ts';
import type { ScanContext } from '../port.ts';

export type MemberKind = 'script' | 'program' | 'library' | 'module';
export interface Member { path: string; kind: MemberKind; mode: number; size: number; digests: ReadonlyMap<DigestAlgorithm, string>; /** Of a script. */ text: string | undefined }

const membersMax = 20_000;
const fileMax = 256 * 2 ** 20;
const textMax = 4 << 20;
const pieceBytes = 1 << 20;
/** Lists that the makers of images write beside the scripts. */
const made = /^\/(?:scripts\/[\w-]+\/ORDER|conf\/.*|etc\/.*\.conf|cryptroot\/.*)$/;

/** Adds the file of `image` unless it is none that runs. */
export async function keepUnshipped(file: InitramfsFile, image: string, into: Member[], context: ScanContext): Promise<void> {
  const head = Buffer.alloc(4);
  const got = file.content.read(head, 0);
  const kind = kindOf(file, head.subarray(0, got));
  if (kind === undefined || made.test(file.path)) return;
  if (into.length >= membersMax || file.size > fileMax) { context.blind(image, { zh: `里面的 ${file.path} 没看：这样的文件超过 ${membersMax} 个，或它太大`, en: `${file.path} in it was not looked at: there are more than ${membersMax} such files, or it is too large` }); return; }
  const hashes = algorithmsOf(context).map((algorithm) => ({ algorithm, hash: createHash(algorithm) }));
  const piece = Buffer.allocUnsafe(Math.min(pieceBytes, file.size));
  for (let at = 0; at < file.size;) {
    const read = file.content.read(piece, at);
    if (read === 0) break;
    for (const { hash } of hashes) hash.update(piece.subarray(0, read));
    at += read;
    if (at < file.size) { context.signal.throwIfAborted(); await new Promise((done) => { setImmediate(done); }); }
  }
  let text: string | undefined;
  if (kind === 'script') {
    if (file.size > textMax) context.blind(image, { zh: `里面的脚本 ${file.path} 超过 ${textMax} 字节，后面的没看`, en: `${file.path} in it is a script longer than ${textMax} bytes, and what follows was not looked at` });
    const bytes = Buffer.alloc(Math.min(textMax, file.size));
    text = bytes.toString('utf8', 0, file.content.read(bytes, 0));
  }
  into.push({ path: file.path, kind, mode: file.mode, size: file.size, digests: new Map(hashes.map(({ algorithm, hash }) => [algorithm, hash.digest('hex')])), text });
}

function kindOf({ path, mode }: InitramfsFile, head: Buffer): MemberKind | undefined {
  if (/\.ko(?:\.\w+)?$/.test(path)) return 'module';
  if (head.length === 4 && head.readUInt32BE(0) === 0x7f454c46) return /\.so(?:\.[\w.]+)?$/.test(path) ? 'library' : 'program';
  // Scripts of initramfs-tools are sourced too, without the right to run.
  if ((head[0] === 0x23 && head[1] === 0x21) || path === '/init' || path.startsWith('/scripts/') || /\/dracut\/hooks\//.test(path)) return 'script';
  // A shell runs a file without a first line of its own as a script.
  return (mode & 0o111) !== 0 && /^\/(?:usr\/)?s?bin\//.test(path) ? 'script' : undefined;
}

const kept = new WeakMap<object, DigestAlgorithm[]>();
/** Those that the packages of this system have; SHA-256 to compare files of the disk. */
function algorithmsOf({ provenance }: ScanContext): DigestAlgorithm[] {
  const known = kept.get(provenance);
  if (known) return known;
  const found = new Set<DigestAlgorithm>(['sha256']);
  let n = 0;
  for (const { digest } of provenance.index?.files() ?? []) {
    if (digest) found.add(digest.algorithm);
    if (++n > 5000) break;
  }
  const all = [...found];
  kept.set(provenance, all);
  return all;
}
