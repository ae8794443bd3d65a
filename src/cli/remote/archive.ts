/** An archive of evidence from a server: fetched, proved at this end, and only then given its name. */
import { constants, createReadStream, existsSync, linkSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { EvidenceArchive } from '../../api/contract/incidents.ts';
import { MoatError } from '../../core/error.ts';
import { streamSink } from '../../evidence/sink.ts';
import { type EvidenceVerdict, verifyArchive } from '../../evidence/verify.ts';
import { download } from './download.ts';
import type { Fetch } from './http.ts';
import type { Target } from './profiles.ts';

/** What the server told of it before it was sent: the key that signed it, its manifest, the head of its chain of custody. */
export type Told = Required<Pick<EvidenceArchive, 'id' | 'fingerprint' | 'manifest' | 'head'>>;
export interface Watching { progress: (bytes: number) => void; retried: (error: MoatError) => void }

/** One that the server keeps, by its id or a beginning of it that is one. */
export async function keptThere(fetch: Fetch, id: string): Promise<EvidenceArchive & Told> {
  const { items } = await fetch({ method: 'GET', path: '/evidence' }) as { items: EvidenceArchive[] };
  const some = items.filter((one) => one.id.startsWith(id));
  const found = some.find((one) => one.id === id) ?? (some.length === 1 ? some[0] : undefined);
  if (found === undefined) throw new MoatError('no-archive', some.length > 1 ? `${some.length} archives begin with ${id}` : `no archive ${id} is kept there`, { zh: some.length > 1 ? `有 ${some.length} 份存档以 ${id} 开头` : `那里没有存档 ${id}`, hint: 'moat evidence list' });
  if (found.broken !== undefined || found.fingerprint === undefined || found.manifest === undefined || found.head === undefined) throw new MoatError('broken', `the archive ${found.id} is not whole: ${found.broken ?? ''}`, { zh: `存档 ${found.id} 不完整：${found.broken ?? ''}` });
  return { ...found, fingerprint: found.fingerprint, manifest: found.manifest, head: found.head };
}

/** `to`: a new file, or - for standard output. What is not as it was keeps the name of a part, and is told in the verdict. */
export async function fetchArchive(target: Target, told: Told, to: string, why: string, watching: Watching): Promise<{ verdict: EvidenceVerdict; path?: string }> {
  const path = `/evidence/${encodeURIComponent(told.id)}/content`;
  if (to === '-') {
    const sink = streamSink(process.stdout);
    const { pieces } = await download(target, path, { why }, watching);
    let at = 0;
    const verdict = await proved(told, (async function* passing(): AsyncGenerator<Buffer> { for await (const piece of pieces) { await sink.write(piece); yield piece; watching.progress(at += piece.length); } })());
    await sink.end();
    return { verdict };
  }
  const place = resolve(to);
  mustBeNew(place);
  let part = '', at = 0;
  const { bytes, pieces } = await download(target, path, { why }, { ...watching, fromOf(is, size) {
    part = `${place}.${is.slice(0, 24)}.part`;
    // What an earlier run left of the same archive.
    const left = existsSync(part) ? statSync(part).size : 0;
    return at = left > size ? 0 : left;
  } });
  // Never through a link that somebody put under the name of the part.
  const file = await open(part, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW | (at === 0 ? constants.O_TRUNC : constants.O_APPEND), 0o600);
  try {
    for await (const piece of pieces) {
      for (let done = 0; done < piece.length;) done += (await file.write(piece, done)).bytesWritten;
      watching.progress(at += piece.length);
    }
    await file.sync();
  } finally { await file.close(); }
  if (at !== bytes) throw new MoatError('broken', `expected ${bytes} bytes in ${part}, got ${at}`, { zh: `${part} 应有 ${bytes} 字节，实有 ${at}`, hint: `rm ${part}` });
  const verdict = await proved(told, createReadStream(part, { highWaterMark: 1 << 20 }));
  if (!verdict.ok) return { verdict, path: part };
  // Never over a file that came meanwhile.
  linkSync(part, place);
  rmSync(part);
  return { verdict, path: place };
}

export function mustBeNew(place: string): void {
  if (existsSync(place)) throw new MoatError('bad-input', `expected a new file, ${place} is there already`, { zh: `${place} 已存在，不会覆盖` });
}

/** By the key, the manifest and the chain that the server told of before. */
async function proved({ fingerprint, manifest, head }: Told, source: AsyncIterable<Buffer>): Promise<EvidenceVerdict> {
  const verdict = await verifyArchive(source, { key: fingerprint, head });
  if (verdict.digest === manifest) return verdict;
  return { ...verdict, ok: false, faults: [...verdict.faults, { what: 'manifest', text: { zh: '不是那台服务器所说的那一份（清单摘要不同）', en: 'it is not the one that the server told of (its manifest has another digest)' } }] };
}
