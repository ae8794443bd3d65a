/** Archives and images for tests, byte for byte: also those that no honest tool would write. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

export interface Member {
  name: string | Buffer;
  /** Letter of the header: 0 file, 1 hard link, 2 link, 3 and 4 devices, 5 folder, 6 pipe. Default file, or what `link` says. */
  type?: string;
  body?: string | Buffer;
  link?: string;
  mode?: number;
  uid?: number;
  gid?: number;
  /** Seconds. */
  modified?: number;
  /** What the header claims instead of the body's length. */
  size?: number;
  /** Extended attributes and other PAX records. */
  pax?: Readonly<Record<string, string | Buffer>>;
}

const blocks = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((512 - bytes.length % 512) % 512)]);
const octal = (n: number, length: number): string => `${n.toString(8).padStart(length - 1, '0')}\0`;

export function header({ name, type, link = '', mode = 0o644, uid = 0, gid = 0, modified = 1_700_000_000, size, body = '' }: Member): Buffer {
  const out = Buffer.alloc(512);
  (typeof name === 'string' ? Buffer.from(name) : name).copy(out, 0, 0, 100);
  out.write(octal(mode, 8), 100);
  out.write(octal(uid, 8), 108);
  out.write(octal(gid, 8), 116);
  const length = size ?? Buffer.byteLength(body);
  if (length < 8 ** 11) out.write(octal(length, 12), 124); else { out[124] = 0x80; out.writeBigUInt64BE(BigInt(length), 128); }
  out.write(octal(modified, 12), 136);
  out.write(type ?? (link ? '2' : '0'), 156);
  Buffer.from(link).copy(out, 157, 0, 100);
  out.write('ustar\u000000', 257, 'latin1');
  return withChecksum(out);
}

export function withChecksum(out: Buffer): Buffer {
  out.fill(' ', 148, 156);
  out.write(`${out.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148);
  return out;
}

export function member(one: Member): Buffer {
  const parts: Buffer[] = [];
  if (one.pax) {
    const records = Object.entries(one.pax).map(([key, value]) => record(key, Buffer.from(value as string)));
    const body = Buffer.concat(records);
    parts.push(header({ name: 'pax', type: 'x', body }), blocks(body));
  }
  parts.push(header(one), blocks(Buffer.from(one.body ?? '')));
  return Buffer.concat(parts);
}

function record(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

export const tarOf = (members: readonly Member[]): Buffer => Buffer.concat([...members.map(member), Buffer.alloc(1024)]);
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** What `docker save` writes. `layers` are tar archives. */
export function dockerArchive(layers: readonly Buffer[], config: object = {}, name = 'app:1'): Buffer {
  const json = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) }, ...config }));
  const names = layers.map((layer, i) => `${i}-${sha256(layer).slice(0, 12)}/layer.tar`);
  return tarOf([
    ...layers.map((body, i) => ({ name: names[i]!, body })), { name: 'config.json', body: json },
    { name: 'manifest.json', body: JSON.stringify([{ Config: 'config.json', RepoTags: [name], Layers: names }]) },
  ]);
}

/** An OCI layout as one archive, its layers packed by `pack`. */
export function ociArchive(layers: readonly Buffer[], config: object = {}, pack: (layer: Buffer) => Buffer = gzipSync): Buffer {
  const members: Member[] = [{ name: 'oci-layout', body: '{"imageLayoutVersion":"1.0.0"}' }];
  const blob = (bytes: Buffer): { digest: string; size: number } => {
    members.push({ name: `blobs/sha256/${sha256(bytes)}`, body: bytes });
    return { digest: `sha256:${sha256(bytes)}`, size: bytes.length };
  };
  const packed = layers.map((layer) => blob(pack(layer)));
  const json = blob(Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) }, ...config })));
  const manifest = blob(Buffer.from(JSON.stringify({ schemaVersion: 2, config: json, layers: packed })));
  members.push({ name: 'index.json', body: JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'app:1' } }] }) });
  return tarOf(members);
}
