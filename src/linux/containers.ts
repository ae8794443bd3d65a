/** Name and image of a container from the state files of its runtime: Docker, containerd (Kubernetes) and Podman. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerInfo } from '../core/lineage.ts';
import type { Procfs } from './procfs.ts';

const fileMax = 1 << 20;
const listMax = 8 << 20;
const textMax = 200;

const containersMax = 2000;

/** Containers that have processes now, each with how many. */
export function runningContainers(procfs: Procfs): (ContainerInfo & { processes: number })[] {
  const counts = new Map<string, number>();
  for (const pid of procfs.pids()) {
    const id = procfs.container(pid);
    if (id !== undefined && (counts.has(id) || counts.size < containersMax)) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return [...counts].map(([id, processes]) => ({ ...(containerInfo(procfs.root, id) ?? { id }), processes }));
}

/** `id` is what the control group says: 64 hexadecimal digits. Undefined when no runtime here knows it. */
export function containerInfo(root: string, id: string): ContainerInfo | undefined {
  if (!/^[0-9a-f]{64}$/.test(id)) return undefined;
  return docker(root, id) ?? containerd(root, id) ?? podman(root, id);
}

function docker(root: string, id: string): ContainerInfo | undefined {
  const config = record(json(join(root, 'var/lib/docker/containers', id, 'config.v2.json'), fileMax));
  if (!config) return undefined;
  const inner = record(config['Config']);
  return info(id, 'docker', text(config['Name'])?.replace(/^\//, ''), text(inner?.['Image']));
}

function containerd(root: string, id: string): ContainerInfo | undefined {
  const tasks = join(root, 'run/containerd/io.containerd.runtime.v2.task');
  for (const namespace of folders(tasks)) {
    const spec = record(json(join(tasks, namespace, id, 'config.json'), fileMax));
    if (!spec) continue;
    const notes = record(spec['annotations']) ?? {};
    const pod = text(notes['io.kubernetes.cri.sandbox-name']);
    const container = text(notes['io.kubernetes.cri.container-name']) ?? text(notes['nerdctl/name']);
    const name = pod === undefined ? container : `${text(notes['io.kubernetes.cri.sandbox-namespace']) ?? ''}/${pod}/${container ?? 'pause'}`;
    return info(id, namespace === 'k8s.io' ? 'containerd (k8s)' : 'containerd', name, text(notes['io.kubernetes.cri.image-name']) ?? text(notes['nerdctl/image']));
  }
  return undefined;
}

function podman(root: string, id: string): ContainerInfo | undefined {
  for (const file of ['containers.json', 'volatile-containers.json']) {
    const all = json(join(root, 'var/lib/containers/storage/overlay-containers', file), listMax);
    if (!Array.isArray(all)) continue;
    const found = all.map(record).find((one) => one?.['id'] === id);
    if (!found) continue;
    const names: unknown = found['names'];
    const notes = record(parsed(text(found['metadata'], 64 * 1024)));
    return info(id, 'podman', text(notes?.['name']) ?? text(Array.isArray(names) ? names[0] : undefined), text(notes?.['image-name']));
  }
  return undefined;
}

function info(id: string, runtime: string, name: string | undefined, image: string | undefined): ContainerInfo {
  return { id, runtime, ...(name !== undefined && name !== '' && { name }), ...(image !== undefined && image !== '' && { image }) };
}

function folders(path: string): string[] {
  try {
    return readdirSync(path).slice(0, 64);
  } catch {
    return []; // no containerd here, or not ours to see: its containers stay without a name
  }
}

/** State files belong to the runtime; one that is missing, too large or half written says nothing. */
function json(path: string, max: number): unknown {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat?.isFile() && stat.size <= max ? JSON.parse(readFileSync(path, 'utf8')) as unknown : undefined;
  } catch {
    return undefined; // asked again when the answer in the cache has had its time
  }
}

function parsed(value: string | undefined): unknown {
  try {
    return value === undefined ? undefined : JSON.parse(value) as unknown;
  } catch {
    return undefined; // metadata of another writer: the container has no name then
  }
}

const record = (value: unknown): Record<string, unknown> | undefined => (typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : undefined);
const text = (value: unknown, max = textMax): string | undefined => (typeof value === 'string' ? value.slice(0, max) : undefined);
