/**
 * Which image an archive holds and what it is made of. Layouts: `docker save` (manifest.json), the OCI image layout (index.json
 * and blobs), a root exported as one archive (`docker export`).
 */
import type { Archive } from './archive.ts';
import type { Bytes } from './bytes.ts';
import { ImageError, makeOne } from './error.ts';
import { isJson, json, list, parsed, text, texts, type Json } from './json.ts';

export interface LayerSource {
  name: string;
  /** Undefined when the archive does not hold it. */
  bytes: Bytes | undefined;
  /** What its bytes, packed as they are, must hash to. */
  digest: Digest | undefined;
  /** What it must hash to laid open. */
  openDigest: Digest | undefined;
}
export interface Digest { algorithm: 'sha256' | 'sha512'; hex: string }

export interface Layout {
  kind: 'docker' | 'oci' | 'root';
  /** What a person calls it; empty when it has no name. */
  name: string;
  platform: string | undefined;
  config: Json | undefined;
  layers: LayerSource[];
  faults: { what: string; error: ImageError }[];
}

interface Candidate { names: readonly string[]; platform: string | undefined; load: () => Layout }

const layersMax = 1000;
const manifestsMax = 1000;
const depthMax = 4;

/** `wanted`: a name or a platform (linux/arm64); `host`: the platform that is taken of several. Throws ImageError. */
export function layoutOf(archive: Archive, wanted: string | undefined, host: string): Layout {
  const docker = dockerManifest(archive);
  const oci = docker ? undefined : archive.member('index.json');
  if (docker || oci) {
    if (archive.root) throw new ImageError('odd-layout', 'expected an image or a root file system, got the files of both in one archive', { zh: '一个归档里既有镜像又有根文件系统', hint: { zh: '解开后扫描目录：moat scan --root 目录', en: 'unpack it and scan the folder: moat scan --root DIR' } });
    return chosen(docker ? dockerImages(archive, docker) : ociImages(archive, oci!), wanted, host).load();
  }
  if (!archive.root) throw archive.fault ?? new ImageError('no-image', 'expected an image (docker save, an OCI layout) or a root file system, got neither manifest.json, index.json nor /etc, /usr or /bin', { zh: '归档里没有 manifest.json、index.json，也没有 /etc、/usr 或 /bin：不是镜像', hint: makeOne });
  if (wanted !== undefined) throw new ImageError('which-image', `expected an archive of images, got a root file system that has no names such as ${wanted}`, { zh: `这是一个根文件系统，里面没有叫 ${wanted} 的镜像` });
  return { kind: 'root', name: '', platform: undefined, config: undefined, layers: [], faults: [] };
}

function chosen(candidates: readonly Candidate[], wanted: string | undefined, host: string): Candidate {
  const fits = wanted === undefined ? candidates : candidates.filter(({ names, platform }) => platform === wanted || names.some((name) => name === wanted || name === `${wanted}:latest` || name.endsWith(`/${wanted}`)));
  const known = candidates.map(({ names, platform }) => [...names, ...(platform === undefined ? [] : [platform])].join(' ') || '(no name)').join(', ').slice(0, 1000);
  if (fits.length === 0) throw new ImageError('which-image', `expected the name of an image in the archive, got ${wanted ?? 'none'}; it holds: ${known || 'none'}`, { zh: `归档里没有镜像 ${wanted ?? ''}；其中有：${known || '无'}` });
  if (fits.length === 1) return fits[0]!;
  const here = fits.filter(({ platform }) => platform === host || platform?.startsWith(`${host}/`) === true);
  if (here.length === 1) return here[0]!;
  throw new ImageError('which-image', `expected one image, got ${fits.length}: ${known}`, { zh: `有 ${fits.length} 个镜像符合：${known}`, hint: { zh: '指明一个：moat scan --image 文件:名字', en: 'name one: moat scan --image FILE:NAME' } });
}

// docker save

function dockerManifest(archive: Archive): Json[] | undefined {
  const bytes = archive.member('manifest.json');
  if (!bytes) return undefined;
  const value = parsed(bytes, 'manifest.json');
  const images = list(value).filter(isJson).filter(({ Config, Layers }) => typeof Config === 'string' && Array.isArray(Layers));
  if (images.length > 0) return images;
  // An ordinary file of that name in a root is no manifest.
  if (archive.root || archive.member('index.json')) return undefined;
  throw new ImageError('odd-layout', 'expected a list of images with Config and Layers, got something else in manifest.json');
}

function dockerImages(archive: Archive, images: readonly Json[]): Candidate[] {
  return images.map((image): Candidate => {
    const names = texts(image['RepoTags']);
    return {
      names, platform: undefined,
      load() {
        const faults: Layout['faults'] = [];
        const path = text(image['Config']) ?? '';
        const bytes = archive.member(path);
        const config = bytes ? attempt(path, faults, () => json(parsed(bytes, path))) : undefined;
        if (!bytes) faults.push({ what: path, error: new ImageError('odd-layout', `expected the configuration ${path}, got no such member`) });
        const layers = texts(image['Layers']);
        if (layers.length > layersMax) throw new ImageError('too-large', `expected at most ${layersMax} layers, got ${layers.length}`);
        const open = texts(json(config?.['rootfs'])['diff_ids']);
        if (config && open.length !== layers.length) faults.push({ what: path, error: new ImageError('odd-layout', `expected ${layers.length} layers in the configuration, got ${open.length}`) });
        const sources = layers.map((name, i): LayerSource => {
          const hex = /(?:^|\/)blobs\/sha256\/([0-9a-f]{64})$/.exec(name)?.[1];
          return { name, bytes: archive.member(name), digest: hex === undefined ? undefined : { algorithm: 'sha256', hex }, openDigest: digestOf(open[i]) };
        });
        return { kind: 'docker', name: names[0] ?? '', platform: platformOf(config), config, layers: sources, faults };
      },
    };
  });
}

// OCI

function ociImages(archive: Archive, index: Bytes): Candidate[] {
  const found: Candidate[] = [];
  const queue: { value: Json; names: readonly string[]; depth: number }[] = [{ value: json(parsed(index, 'index.json')), names: [], depth: 0 }];
  for (let next = queue.shift(); next; next = queue.shift()) {
    for (const descriptor of list(next.value['manifests']).map(json)) {
      const notes = json(descriptor['annotations']);
      const platform = platformOf(json(descriptor['platform']));
      // Statements about an image, not images.
      if (notes['vnd.docker.reference.type'] !== undefined || platform?.startsWith('unknown/') === true) continue;
      const own = [notes['io.containerd.image.name'], notes['org.opencontainers.image.ref.name']].flatMap((one) => text(one) ?? []);
      const names = own.length > 0 ? own : next.names;
      const digest = digestOf(text(descriptor['digest']));
      if (!digest) throw new ImageError('odd-layout', `expected a digest (sha256), got ${String(text(descriptor['digest'])).slice(0, 100)} in the index`);
      const bytes = archive.member(blobOf(digest));
      const type = text(descriptor['mediaType']) ?? '';
      const isIndex = type.includes('index') || type.includes('manifest.list');
      if (isIndex && next.depth < depthMax && bytes) { queue.push({ value: json(parsed(bytes, blobOf(digest))), names, depth: next.depth + 1 }); continue; }
      if (isIndex && bytes) throw new ImageError('odd-layout', `expected at most ${depthMax} indexes within each other, got more`);
      if (found.length >= manifestsMax || queue.length >= manifestsMax) throw new ImageError('too-large', `expected at most ${manifestsMax} images in an archive, got more`);
      found.push({ names, platform, load: () => ociImage(archive, digest, bytes, names[0] ?? '', platform) });
    }
  }
  return found;
}

function ociImage(archive: Archive, digest: Digest, bytes: Bytes | undefined, name: string, platform: string | undefined): Layout {
  const path = blobOf(digest);
  if (!bytes) throw new ImageError('odd-layout', `expected the manifest ${path}, got no such member`, { zh: `归档里没有清单 ${path}`, hint: { zh: '归档可能只有别的平台：指明它，如 --image 文件:linux/arm64', en: 'the archive may hold another platform only: name it, --image FILE:linux/arm64' } });
  const manifest = json(parsed(bytes, path));
  // Readers that take it for one or the other would see two images (CVE-2021-41190).
  if (manifest['manifests'] !== undefined || !Array.isArray(manifest['layers'])) throw new ImageError('odd-layout', `expected a manifest with layers, got something else in ${path}`);
  if (manifest['layers'].length > layersMax) throw new ImageError('too-large', `expected at most ${layersMax} layers, got ${manifest['layers'].length}`);
  const faults: Layout['faults'] = [];
  const configDigest = digestOf(text(json(manifest['config'])['digest']));
  const configBytes = configDigest && archive.member(blobOf(configDigest));
  const config = configBytes && attempt(blobOf(configDigest), faults, () => json(parsed(configBytes, blobOf(configDigest))));
  if (!configBytes) faults.push({ what: path, error: new ImageError('odd-layout', 'expected the configuration of the image, got no such member') });
  const open = texts(json(config?.['rootfs'])['diff_ids']);
  const layers = list(manifest['layers']).map((one, i): LayerSource => {
    const layer = digestOf(text(json(one)['digest']));
    if (!layer) throw new ImageError('odd-layout', `expected a digest of layer ${i + 1}, got none in ${path}`);
    return { name: `${layer.algorithm}:${layer.hex}`, bytes: archive.member(blobOf(layer)), digest: layer, openDigest: digestOf(open[i]) };
  });
  if (config && open.length !== layers.length) faults.push({ what: path, error: new ImageError('odd-layout', `expected ${layers.length} layers in the configuration, got ${open.length}`) });
  return { kind: 'oci', name, platform: platform ?? platformOf(config), config, layers, faults };
}

function attempt<T>(what: string, faults: Layout['faults'], look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    faults.push({ what, error });
    return undefined;
  }
}

function digestOf(written: string | undefined): Digest | undefined {
  const match = /^(sha256|sha512):([0-9a-f]{64}|[0-9a-f]{128})$/.exec(written ?? '');
  if (!match || (match[1] === 'sha256') !== (match[2]!.length === 64)) return undefined;
  return { algorithm: match[1] as Digest['algorithm'], hex: match[2]! };
}

const blobOf = ({ algorithm, hex }: Digest): string => `blobs/${algorithm}/${hex}`;

/** `linux/arm64`, `linux/arm/v7`. */
function platformOf(from: Json | undefined): string | undefined {
  const os = text(from?.['os']), machine = text(from?.['architecture']), variant = text(from?.['variant']);
  return os === undefined || machine === undefined ? undefined : [os, machine, ...(variant ? [variant] : [])].join('/').slice(0, 100);
}
