/**
 * Proves an archive untouched, with nothing but the archive: every item as the signed manifest says, in its order, none more and none
 * less; every entry of the chain of custody over the one before. The key's fingerprint, told when the evidence was collected, says
 * that it is ours; the head of the chain, told at each hand-over, that no entry was cut off.
 */
import { createHash } from 'node:crypto';
import { MoatError, saidBy } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import { custodyNames } from './custody.ts';
import { Digester } from './digest.ts';
import type { EvidenceErrorCode } from './error.ts';
import { fingerprintOf, isSignedBy } from './key.ts';
import { type Custody, custodyMax, formatName, type Manifest, manifestMax } from './manifest.ts';
import { readTar, type TarEnd } from './tar.ts';

/**
 * item-changed, item-missing, item-added, order   the items are not those of the manifest
 * manifest, key                                   the manifest is not what was signed, or signed by another
 * custody                                         an entry was changed, removed, added or put elsewhere
 * truncated, broken                               no whole archive
 * unfinished                                      a hand-over was cut off while it was written: what was before stands
 */
export type EvidenceFaultCode = 'item-changed' | 'item-missing' | 'item-added' | 'order' | 'manifest' | 'key' | 'custody' | 'truncated' | 'broken' | 'unfinished';
export interface EvidenceFault { what: EvidenceFaultCode; name?: string; text: Text }

export interface EvidenceVerdict {
  ok: boolean;
  faults: readonly EvidenceFault[];
  /** Faults beyond those in the list. */
  more: number;
  manifest?: Manifest;
  /** SHA-256 of the manifest. */
  digest?: string;
  fingerprint?: string;
  /** Whether the fingerprint is the one expected; undefined when none was. */
  known?: boolean;
  custody: readonly Custody[];
  /** SHA-256 of the last entry. */
  head?: string;
  timestamp: boolean;
  bytes: number;
  items: number;
}

/** `end`: where the trailer begins; what a hand-over needs. */
export interface Read { verdict: EvidenceVerdict; end?: number; last?: { number: number; bytes: Buffer } }

export interface VerifyOptions { /** Fingerprint that the manifest must be signed by. */ key?: string | undefined; /** Of the chain of custody, as it was told at the last hand-over. */ head?: string | undefined; progress?: (bytes: number) => void }

const faultsMax = 100;
const itemsMax = 250_000;
/** Of signatures, keys and hand-overs together: they are kept until the end, and an archive may be anybody's. A hand-over takes some two KiB. */
const keptBytesMax = 32 << 20;
const keptMax = 30_000;
const small = new Set(['manifest.json.sig', 'key.pem', 'manifest.json.tsr']);

interface Seen { name: string; size: number; sha256: string; sm3: string }

export async function verifyArchive(source: AsyncIterable<Buffer>, options: VerifyOptions = {}): Promise<EvidenceVerdict> { return (await readArchive(source, options)).verdict; }

/** Never throws for what is wrong with the archive, only for what cannot be read. */
export async function readArchive(source: AsyncIterable<Buffer>, options: VerifyOptions = {}): Promise<Read> {
  const check = new Check(options);
  const digester = new Digester();
  try {
    return await check.run(counted(source, check, options.progress), digester);
  } finally { await digester.close(); }
}

async function* counted(source: AsyncIterable<Buffer>, check: { bytes: number }, progress?: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const piece of source) {
    check.bytes += piece.length;
    progress?.(check.bytes);
    yield piece;
  }
}

class Check {
  bytes = 0;
  private readonly options: VerifyOptions;
  private readonly faults: EvidenceFault[] = [];
  private more = 0;
  private readonly seen: Seen[] = [];
  private readonly kept = new Map<string, Buffer>();
  private keptBytes = 0;
  /** Names behind the manifest, in their order. */
  private readonly tail: string[] = [];
  private prefix: string | undefined;

  constructor(options: VerifyOptions) { this.options = options; }

  async run(source: AsyncIterable<Buffer>, digester: Digester): Promise<Read> {
    let end: TarEnd | undefined;
    try {
      end = await this.members(source, digester);
      if (end.beyond) this.fault('unfinished', { zh: '存档末尾之后还有内容：一次移交写到一半中断，或有人添加', en: 'something follows the end of the archive: a hand-over that was cut off while it was written, or somebody added it' });
    } catch (error) {
      const { code } = error as MoatError<EvidenceErrorCode>;
      if (code !== 'truncated' && code !== 'broken') throw error;
      this.fault(code, saidBy(error));
    }
    const manifest = this.manifest();
    const custody = this.custody(manifest);
    const last = custody.at(-1);
    const { faults, more, bytes } = this;
    const head = last === undefined ? undefined : sha256(last.bytes);
    return {
      verdict: {
        ok: faults.length === 0, faults, more, ...(manifest && { manifest: manifest.value, digest: manifest.digest, fingerprint: manifest.fingerprint }), ...(this.options.key !== undefined && { known: manifest?.fingerprint === this.options.key }),
        custody: custody.map(({ entry }) => entry), ...(head !== undefined && { head }), timestamp: this.kept.has('manifest.json.tsr'), bytes, items: this.seen.length,
      },
      ...(end && { end: end.end }), ...(last && { last: { number: last.entry.number, bytes: last.bytes } }),
    };
  }

  private fault(what: EvidenceFaultCode, text: Text, name?: string): void {
    if (this.faults.length < faultsMax) this.faults.push({ what, text, ...(name !== undefined && { name }) }); else this.more++;
  }

  private async members(source: AsyncIterable<Buffer>, digester: Digester): Promise<TarEnd> {
    const members = readTar(source);
    for (;;) {
      const { done, value } = await members.next();
      if (done === true) return value;
      const { content, size, at } = value;
      const slash = value.name.indexOf('/');
      this.prefix ??= value.name.slice(0, slash + 1);
      const name = value.name.slice(this.prefix.length);
      if (slash <= 0 || !value.name.startsWith(this.prefix)) throw new MoatError<EvidenceErrorCode>('broken', `expected a name that begins with ${this.prefix || 'ID/'}, got ${JSON.stringify(value.name.slice(0, 200))} at byte ${at}`, { zh: `第 ${at} 字节处的文件名不属于这份存档` });
      const isManifest = name === 'manifest.json';
      const most = isManifest ? manifestMax : custodyMax;
      if (isManifest || small.has(name) || name.startsWith('custody/')) {
        if (!isManifest) this.keptBytes += size;
        if (this.keptBytes > keptBytesMax || this.kept.size >= keptMax) throw new MoatError<EvidenceErrorCode>('broken', `expected at most ${keptMax} files of ${keptBytesMax} bytes together behind the manifest, got more at byte ${at}`, { zh: '清单之后的保管记录过多或过大' });
        if (size > most || this.kept.has(name)) throw new MoatError<EvidenceErrorCode>('broken', `expected one ${name} of at most ${most} bytes, got ${size} bytes at ${at}`, { zh: `${name} 重复或过大` });
        const parts: Buffer[] = [];
        for await (const piece of content) parts.push(Buffer.from(piece));
        this.kept.set(name, Buffer.concat(parts));
        this.tail.push(name);
        continue;
      }
      if (this.tail.length > 0) this.fault('item-added', { zh: `清单之后多出 ${name}`, en: `${name} stands behind the manifest` }, name);
      if (this.seen.length >= itemsMax) throw new MoatError<EvidenceErrorCode>('broken', `expected at most ${itemsMax} items`);
      digester.begin(size);
      for await (const piece of content) await digester.update(piece);
      this.seen.push({ name, size, ...await digester.end() });
    }
  }

  private manifest(): { value: Manifest; digest: string; fingerprint: string } | undefined {
    const bytes = this.kept.get('manifest.json'), signature = this.kept.get('manifest.json.sig'), pem = this.kept.get('key.pem');
    if (!bytes || !signature || !pem) {
      const gone = [['manifest.json', bytes], ['manifest.json.sig', signature], ['key.pem', pem]].flatMap(([name, found]) => (found === undefined ? [String(name)] : []));
      this.fault('manifest', { zh: `缺少 ${gone.join('、')}：不是完整的存档，无从核验`, en: `${gone.join(', ')} not there: no whole archive, nothing can be proved` });
      return undefined;
    }
    let value: Manifest, fingerprint: string;
    try {
      fingerprint = fingerprintOf(pem.toString());
      if (!isSignedBy(pem.toString(), bytes, signature)) { this.fault('manifest', { zh: '清单与签名不符：清单或签名被改动', en: 'the manifest is not what was signed: one of the two was changed' }); return undefined; }
      value = JSON.parse(bytes.toString()) as Manifest;
      if (!isManifest(value)) throw new Error('it has another form');
    } catch (error) { this.fault('manifest', { zh: `读不懂清单：${saidBy(error).zh}`, en: `the manifest cannot be read: ${saidBy(error).en}` }); return undefined; }
    if (value.key.fingerprint !== fingerprint) this.fault('key', { zh: '清单上写的是另一把密钥', en: 'the manifest names another key' });
    if (this.options.key !== undefined && this.options.key !== fingerprint) this.fault('key', { zh: `签名的密钥是 ${fingerprint}，不是期望的 ${this.options.key}`, en: `expected the key ${this.options.key}, it is signed by ${fingerprint}` });
    if (`${value.id}/` !== this.prefix) this.fault('manifest', { zh: '清单属于另一份存档', en: 'the manifest is of another archive' });
    this.compare(value);
    return { value, digest: sha256(bytes), fingerprint };
  }

  /** In the manifest's order; what is found elsewhere is told once. */
  private compare({ items, files }: Manifest): void {
    const about = files.find(({ name }) => name === 'README.txt'), sums = files.filter(({ name }) => name !== 'README.txt');
    const expected = [...(about ? [about] : []), ...items, ...sums];
    const bySeen = new Map(this.seen.map((one, i) => [one.name, i]));
    const names = new Set(expected.map(({ name }) => name));
    for (const [i, one] of this.seen.entries()) {
      if (!names.has(one.name) || bySeen.get(one.name) !== i) this.fault('item-added', { zh: `多出 ${one.name}`, en: `${one.name} was added` }, one.name);
    }
    let at = -1, told = false;
    for (const { name, bytes, sha256: digest, ...rest } of expected) {
      const i = bySeen.get(name);
      if (i === undefined) { this.fault('item-missing', { zh: `缺少 ${name}`, en: `${name} is missing` }, name); continue; }
      const found = this.seen[i]!;
      if (found.size !== bytes || found.sha256 !== digest || ('sm3' in rest && found.sm3 !== rest.sm3)) this.fault('item-changed', { zh: `${name} 被改动`, en: `${name} was changed` }, name);
      if (i < at && !told) { told = true; this.fault('order', { zh: `${name} 的位置被调换`, en: `${name} stands elsewhere than it did` }, name); }
      at = Math.max(at, i);
    }
  }

  private custody(manifest: { value: Manifest; digest: string; fingerprint: string } | undefined): { entry: Custody; bytes: Buffer }[] {
    const chain: { entry: Custody; bytes: Buffer }[] = [];
    const fault = (number: number, zh: string, en: string): void => this.fault('custody', { zh: `保管记录第 ${number} 条：${zh}`, en: `entry ${number} of the chain of custody: ${en}` }, custodyNames(number).entry);
    const wanted = [...small].filter((name) => this.kept.has(name));
    const count = Math.ceil([...this.kept.keys()].filter((name) => name.startsWith('custody/')).length / 3);
    for (let number = 1; number <= count; number++) {
      const names = custodyNames(number);
      wanted.push(names.entry, names.signature, names.key);
      const bytes = this.kept.get(names.entry), signature = this.kept.get(names.signature), pem = this.kept.get(names.key);
      if (!bytes || !signature || !pem) { fault(number, '缺失', 'it is missing'); continue; }
      try {
        const entry = JSON.parse(bytes.toString()) as Custody;
        if (!isSignedBy(pem.toString(), bytes, signature)) fault(number, '与签名不符：被改动', 'it is not what was signed');
        if (typeof entry.number !== 'number' || entry.number !== number || entry.fingerprint !== fingerprintOf(pem.toString())) fault(number, '编号或密钥不符', 'its number or key is another');
        const before = chain.at(-1);
        if (entry.before !== (before ? sha256(before.bytes) : '')) fault(number, '接不上前一条：有记录被删除或改动', 'it does not follow the one before: one was removed or changed');
        if (manifest && (entry.manifest !== manifest.digest || entry.archive !== manifest.value.id)) fault(number, '属于另一份清单', 'it is of another manifest');
        if (number === 1 && manifest && (entry.fingerprint !== manifest.fingerprint || entry.did !== 'collected')) fault(number, '不是采集者签的', 'it is not signed by who collected');
        chain.push({ entry, bytes });
      } catch (error) { fault(number, `读不懂：${saidBy(error).zh}`, `it cannot be read: ${saidBy(error).en}`); }
    }
    if (count === 0 && manifest) fault(1, '缺失', 'it is missing');
    const extra = this.tail.filter((name) => name !== 'manifest.json' && !wanted.includes(name));
    for (const name of extra) this.fault('custody', { zh: `多出 ${name}`, en: `${name} was added` }, name);
    const order = ['manifest.json', ...wanted].filter((name) => this.kept.has(name));
    if (extra.length === 0 && order.some((name, i) => this.tail[i] !== name)) this.fault('order', { zh: '清单与保管记录的顺序被调换', en: 'manifest and chain of custody stand in another order' });
    const stamp = this.kept.get('manifest.json.tsr');
    if (stamp && manifest && !stamp.includes(Buffer.from(manifest.digest, 'hex'))) this.fault('manifest', { zh: '时间戳属于另一份清单', en: 'the timestamp is of another manifest' }, 'manifest.json.tsr');
    if (this.options.head !== undefined && !chain.some(({ bytes }) => sha256(bytes) === this.options.head)) fault(chain.length + 1, '期望的链头不在其中：末尾的记录被删除', 'the head that was expected is not in the chain: entries at its end were removed');
    return chain;
  }
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

function isManifest(value: Partial<Manifest> | null): boolean {
  const rows = (list: unknown): boolean => Array.isArray(list) && list.every((row: unknown) => typeof row === 'object' && row !== null && typeof (row as { name: unknown }).name === 'string' && typeof (row as { bytes: unknown }).bytes === 'number' && typeof (row as { sha256: unknown }).sha256 === 'string');
  return typeof value === 'object' && value !== null && value.format === formatName && value.version === 1 && typeof value.id === 'string' && typeof value.key?.fingerprint === 'string' && rows(value.items) && rows(value.files) && Array.isArray(value.missed);
}
