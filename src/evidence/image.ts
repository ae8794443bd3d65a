/**
 * Images of a disk: read once, written to up to three folders, each copy read back and compared. Stretch by stretch it is noted what is
 * on disk already, so that a copy that was cut off goes on from there; the last reading proves all of it, whenever it was written.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { MoatError } from '../core/error.ts';
import { Digester } from './digest.ts';
import type { EvidenceErrorCode } from './error.ts';
import { nameFor } from './item.ts';
import type { Signer } from './key.ts';
import { openQuietly } from './sources.ts';

export interface ImageOptions { device: string; folders: readonly string[]; signer: Signer; by: string; why: string; host: string; now: () => number; progress?: (step: 'copy' | 'check', done: number, size: number) => void; signal?: AbortSignal }

export interface ImageResult { copies: readonly string[]; bytes: number; sha256: string; sm3: string; /** Bytes that could not be read and are zeros. */ unreadable: number; /** Where an earlier run was gone on with, bytes; 0 when it began anew. */ resumedAt: number }

/** Beside each copy while it is written. */
interface Progress { device: string; identity: string; size: number; began: string; stretches: string[]; holes: [from: number, bytes: number][]; resumed: { at: number; time: string }[] }

const stretchBytes = 64 << 20;
const pieceBytes = 1 << 20;
const sectorBytes = 4096;
const reserveBytes = 64 << 20;
const holesMax = 100_000;

/** Rejects with MoatError 'bad-input', 'no-room', or 'broken' when a copy is not what was read. */
export async function takeImage(options: ImageOptions): Promise<ImageResult> {
  const { device, folders, now, signer } = options;
  if (folders.length < 1 || folders.length > 3 || new Set(folders).size !== folders.length) throw new MoatError<EvidenceErrorCode>('bad-input', `expected one to three different folders, got ${folders.length}`, { zh: '请给一到三个不同的目录' });
  const { size, identity } = about(device);
  for (const folder of folders) checkFolder(folder, device);
  const name = `${nameFor(basename(device)) || 'disk'}-${identity.replaceAll(/[^A-Za-z0-9]/g, '-').slice(0, 60)}.raw`;
  const paths = folders.map((folder) => join(folder, name));
  for (const path of paths) if (existsSync(`${path}.json`)) throw new MoatError<EvidenceErrorCode>('bad-input', `expected a folder without ${name}, an image is in ${dirname(path)} already`, { zh: `${path} 已存在，不会覆盖` });
  const progress = goOn(paths, { device, identity, size, began: new Date(now()).toISOString(), stretches: [], holes: [], resumed: [] });
  const resumedAt = Math.min(progress.stretches.length * stretchBytes, size);
  if (resumedAt > 0) progress.resumed.push({ at: resumedAt, time: new Date(now()).toISOString() });
  for (const path of paths) checkRoom(path, size);
  await copy(options, paths, progress);
  const digests = await check(options, paths, progress);
  const record = Buffer.from(`${JSON.stringify({ format: 'moat-disk-image', version: 1, device, identity, host: options.host, by: options.by, why: options.why, began: progress.began, ended: new Date(now()).toISOString(), resumed: progress.resumed, bytes: size, ...digests, stretch_bytes: stretchBytes, stretches_sha256: progress.stretches, unreadable: progress.holes, copies: paths, key: signer.fingerprint }, undefined, 1)}\n`);
  for (const path of paths) {
    await put(`${path}.json.sig`, signer.sign(record));
    await put(`${path}.pem`, Buffer.from(signer.pem));
    await put(`${path}.json`, record);
    rmSync(`${path}.progress`, { force: true });
  }
  return { copies: paths, bytes: size, ...digests, unreadable: progress.holes.reduce((sum, [, bytes]) => sum + bytes, 0), resumedAt };
}

/** Size and what tells it from another: numbers of the device are given out again, so serial and size go with it. */
function about(device: string): { size: number; identity: string } {
  const found = statSync(device, { throwIfNoEntry: false });
  if (found?.isFile() === true) return { size: found.size, identity: `file-${found.dev}-${found.ino}` };
  if (found?.isBlockDevice() !== true) throw new MoatError<EvidenceErrorCode>('bad-input', `expected a block device or a file, got ${device}`, { zh: `${device} 不是块设备或文件` });
  const at = sysOf(found.rdev);
  const text = (name: string): string => { try { return readFileSync(join(at, name), 'utf8').trim(); } catch { return ''; /* not told of this kind of disk */ } };
  const size = Number(text('size')) * 512;
  if (!(size > 0)) throw new MoatError<EvidenceErrorCode>('bad-input', `expected a size of ${device} in ${at}, got none`, { zh: `读不到 ${device} 的大小` });
  return { size, identity: `${text('device/serial') || text('serial') || text('wwid') || text('dm/uuid') || `${found.rdev}`}-${size}` };
}

const sysOf = (rdev: number): string => `/sys/dev/block/${(rdev >> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >> 12) & 0xfff00)}`;

/** Names of the disks that a device lies on: of a partition its disk, of a volume what it is made of. */
function disksOf(rdev: number): Set<string> {
  const found = new Set<string>();
  const visit = (path: string, depth: number): void => {
    if (depth > 8) return;
    found.add(path);
    if (existsSync(join(path, 'partition'))) visit(dirname(path), depth + 1);
    if (existsSync(join(path, 'slaves'))) for (const name of readdirSync(join(path, 'slaves'))) visit(realpathSync(join(path, 'slaves', name)), depth + 1);
  };
  const at = sysOf(rdev);
  if (existsSync(at)) visit(realpathSync(at), 0);
  return found;
}

function checkFolder(folder: string, device: string): void {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found?.isDirectory() !== true) throw new MoatError<EvidenceErrorCode>('bad-input', `expected a folder, got ${folder}`, { zh: `${folder} 不是目录` });
  const source = statSync(device);
  if (!source.isBlockDevice()) return;
  const disks = disksOf(source.rdev);
  // A copy on the disk would change what is copied.
  if ([...disksOf(found.dev)].some((disk) => disks.has(disk))) throw new MoatError<EvidenceErrorCode>('bad-input', `expected a folder on another disk than ${device}, ${folder} lies on it`, { zh: `${folder} 就在 ${device} 上，会改动要复制的内容` });
}

function checkRoom(path: string, size: number): void {
  const { bavail, bsize } = statfsSync(dirname(path));
  const wanted = size - (statSync(path, { throwIfNoEntry: false })?.size ?? 0);
  if (bavail * bsize < wanted + reserveBytes) throw new MoatError<EvidenceErrorCode>('no-room', `expected room for ${wanted} bytes in ${dirname(path)}, got ${bavail * bsize}`, { zh: `${dirname(path)} 空间不足：还需 ${wanted} 字节` });
}

/** As far as all copies are: what only some of them have is written again. */
function goOn(paths: readonly string[], fresh: Progress): Progress {
  let common: Progress | undefined;
  for (const path of paths) {
    let own: Progress;
    try {
      own = JSON.parse(readFileSync(`${path}.progress`, 'utf8')) as Progress;
    } catch { return fresh; /* none, or cut off while it was written: from the beginning */ }
    if (own.identity !== fresh.identity || own.size !== fresh.size || !Array.isArray(own.stretches) || !existsSync(path)) return fresh;
    if (common === undefined || own.stretches.length < common.stretches.length) common = own;
  }
  return common ?? fresh;
}

async function put(path: string, bytes: Buffer): Promise<void> {
  const handle = await open(`${path}.new`, 'w', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally { await handle.close(); }
  renameSync(`${path}.new`, path);
}

async function copy({ device, progress: tell, signal }: ImageOptions, paths: readonly string[], progress: Progress): Promise<void> {
  const { size, stretches, holes } = progress;
  const source = await openQuietly(device, true);
  const targets: FileHandle[] = [];
  try {
    for (const path of paths) targets.push(await open(path, existsSync(path) ? 'r+' : 'w+', 0o600));
    const piece = Buffer.allocUnsafe(pieceBytes);
    for (let at = stretches.length * stretchBytes; at < size;) {
      const end = Math.min(at + stretchBytes, size);
      const hash = createHash('sha256');
      while (at < end) {
        signal?.throwIfAborted();
        const n = Math.min(pieceBytes, end - at);
        await readPiece(source, piece, n, at, holes);
        hash.update(piece.subarray(0, n));
        for (const target of targets) await writeFully(target, piece.subarray(0, n), at);
        at += n;
        tell?.('copy', at, size);
      }
      for (const target of targets) await target.sync();
      stretches.push(hash.digest('hex'));
      for (const path of paths) await put(`${path}.progress`, Buffer.from(JSON.stringify(progress)));
    }
  } finally {
    await source.close();
    for (const target of targets) await target.close();
  }
}

async function writeFully(target: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;) done += (await target.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
}

/** Sectors that cannot be read are zeros, and noted. */
async function readPiece(source: FileHandle, into: Buffer, length: number, at: number, holes: [number, number][]): Promise<void> {
  if (await readFully(source, into, 0, length, at) === length) return;
  for (let done = 0; done < length; done += sectorBytes) {
    const n = Math.min(sectorBytes, length - done);
    const got = await readFully(source, into, done, n, at + done);
    if (got === n) continue;
    into.fill(0, done + got, done + n);
    const last = holes.at(-1);
    if (last && last[0] + last[1] === at + done + got) last[1] += n - got;
    else if (holes.length < holesMax) holes.push([at + done + got, n - got]);
  }
}

async function readFully(source: FileHandle, into: Buffer, offset: number, length: number, at: number): Promise<number> {
  let done = 0;
  try {
    while (done < length) {
      const { bytesRead } = await source.read(into, offset + done, length - done, at + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
  } catch (error) { if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error; }
  return done;
}

async function check({ progress: tell, signal }: ImageOptions, paths: readonly string[], { size, stretches }: Progress): Promise<{ sha256: string; sm3: string }> {
  let found: { sha256: string; sm3: string } | undefined;
  for (const path of paths) {
    const handle = await openQuietly(path);
    const digester = new Digester();
    try {
      const piece = Buffer.allocUnsafe(pieceBytes);
      digester.begin(size);
      for (const [i, expected] of stretches.entries()) {
        const hash = createHash('sha256'), end = Math.min((i + 1) * stretchBytes, size);
        for (let at = i * stretchBytes; at < end;) {
          signal?.throwIfAborted();
          const got = await readFully(handle, piece, 0, Math.min(pieceBytes, end - at), at);
          if (got === 0) break;
          hash.update(piece.subarray(0, got));
          await digester.update(piece.subarray(0, got));
          at += got;
          tell?.('check', at, size);
        }
        if (hash.digest('hex') !== expected) throw new MoatError<EvidenceErrorCode>('broken', `expected ${path} to be what was read, it is not from byte ${i * stretchBytes} on`, { zh: `${path} 从第 ${i * stretchBytes} 字节起与读出的不符`, hint: { zh: '换一块盘，删去这份后重来', en: 'remove this copy and begin again on another disk' } });
      }
      const digests = await digester.end();
      if (found && (found.sha256 !== digests.sha256 || found.sm3 !== digests.sm3)) throw new MoatError<EvidenceErrorCode>('broken', `expected the copies to be equal, ${path} is another`, { zh: `${path} 与其他副本不同` });
      found = digests;
    } finally {
      await handle.close();
      await digester.close();
    }
  }
  if (found === undefined) throw new MoatError<EvidenceErrorCode>('broken', 'expected a copy, got none');
  return found;
}
