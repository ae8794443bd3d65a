/** Which mounts a scan goes into, and which it does not even ask; docs/decisions/2026-11-23-mounts.md says why. */
import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Text } from '../core/text.ts';
import { bytesOf } from '../linux/file-names.ts';
import { answerers, type Answerer, type ClosedMount } from '../linux/file-systems.ts';
import { mountLines, type MountLine } from '../linux/mounts.ts';
import { Procfs } from '../linux/procfs.ts';
import type { Tree } from '../linux/tree.ts';

/** Roots of containers: where their layers are looked at, they need not be looked at once more. */
const containers = /\/(?:docker|containerd|containers|kubelet|k3s|rke2|podman)\//;
const layersMax = 500;

/** What the operator says of mounts: at such a path or below it. The longest path that fits decides. */
export interface MountChoice {
  /** Not to be looked into, and nothing to be said of it. */
  without?: readonly string[];
  /** To be looked into, whoever answers. */
  into?: readonly string[];
  /** Mount points, as the machine names them, that were asked and did not answer. */
  silent?: readonly string[];
}

/** Said where `mountsForWalk` gives nothing. */
export const mountsUnknown: Text = { zh: '读不到挂载列表，或它太长：网络盘和 FUSE 也会去看，而它们可能不应答', en: 'expected the list of mounts, got nothing or too much: those of other machines and of programs are looked at too, and may not answer' };

export interface WalkMounts {
  /** Mount points that a walk does not go into, with the type of each. */
  over: Map<string, string>;
  /** Those among them that nobody asks for anything: a dead one would not answer. */
  closed: Map<string, ClosedMount>;
  /** Mounts to be walked that lie below those of the kernel, where no walk comes by. */
  hidden: string[];
}

/** `layers`: an overlay whose layers are looked at; `itself`: one that is being judged. */
type Kind = Answerer | 'left-out' | 'layers' | 'itself';

/** Below a tree that lies on this machine. */
export function mountsOfTree(tree: Tree, choice: MountChoice = {}, procfs = new Procfs('/')): WalkMounts | undefined {
  return tree.kind === 'machine' ? mountsForWalk(procfs, '', choice) : mountsForWalk(new Procfs('/'), (tree.outside('/') ?? '').replace(/\/+$/, ''), choice);
}

/** Below `prefix`, as seen from inside. Undefined when they cannot all be read. `inode` of a path; undefined when there is none. */
export function mountsForWalk(procfs: Procfs, prefix: string, choice: MountChoice = {}, inode = inodeOf): WalkMounts | undefined {
  const all = mountLines(procfs);
  if (all === undefined) return undefined;
  const way = wayTo(all);
  const answererOf = answerers(procfs);
  const chosen = choiceFor(choice);
  const silent = new Set(choice.silent);
  /** What the tree lies on itself is looked into: it was asked for. */
  const isBelow = ({ at }: MountLine): boolean => at.startsWith(`${prefix}/`) && at !== '/';
  const kinds = new Map<MountLine, Kind>();
  const kindOf = (mount: MountLine): Kind => {
    const known = kinds.get(mount);
    if (known) return known;
    // While its layers are judged: one that has the name of what was mounted over it is covered, and tells nothing.
    kinds.set(mount, 'itself');
    const kind = judge(mount);
    kinds.set(mount, kind);
    return kind;
  };
  const judge = (mount: MountLine): Kind => {
    const { at, type } = mount;
    if (!isBelow(mount)) return 'here';
    if (silent.has(at)) return 'elsewhere';
    const said = chosen(at.slice(prefix.length));
    const answerer = answererOf(type, at.slice(prefix.length));
    if (answerer === 'kernel') return 'kernel';
    if (said !== undefined) return said ? 'here' : 'left-out';
    if (type !== 'overlay') return answerer;
    const layers = layersOf(mount);
    const ways = layers.map((path) => way(path).filter(isBelow).map(kindOf));
    if (ways.some((kinds) => kinds.includes('elsewhere'))) return 'elsewhere';
    // A name in the options may mean another folder by now: it must still be what is shown here.
    const own = inode(at);
    const proven = containers.test(at) && layers.length > 0 && ways.every((kinds) => kinds.every((kind) => kind === 'here')) && own !== undefined && layers.some((path) => inode(path) === own);
    return proven ? 'layers' : 'here';
  };
  const found: WalkMounts = { over: new Map(), closed: new Map(), hidden: [] };
  for (const at of new Set(all.map((mount) => mount.at))) {
    const mounts = way(at);
    const mount = mounts.at(-1);
    // What lies below another mount is not there for who goes by paths: a folder of that name must not be passed over for its sake.
    if (mount?.at !== at || !isBelow(mount)) continue;
    const kind = kindOf(mount);
    const inside = at.slice(prefix.length);
    if (kind !== 'here') found.over.set(inside, mount.type);
    if (kind === 'elsewhere' || kind === 'left-out') found.closed.set(inside, { at: inside, type: mount.type, device: mount.device, leftOut: kind === 'left-out', silent: silent.has(at) });
    const around = mounts.slice(0, -1).filter((one) => one.at !== at && isBelow(one)).map(kindOf).filter((one) => one !== 'here');
    if (kind === 'here' && around.length > 0 && around.every((one) => one === 'kernel')) found.hidden.push(inside);
  }
  return found;
}

/** True: to be looked into; false: to be left out; undefined: nothing was said. */
function choiceFor({ into = [], without = [] }: MountChoice): (at: string) => boolean | undefined {
  const said = [...into.map((path) => ({ path: plain(path), into: true })), ...without.map((path) => ({ path: plain(path), into: false }))].toSorted((a, b) => b.path.length - a.path.length);
  return (at) => said.find(({ path }) => at === path || at.startsWith(`${path}/`))?.into;
}

const plain = (path: string): string => path.replace(/\/+$/, '');

/** Folders that an overlay is made of, as they were named when it was mounted. Docker and containerd name theirs from where they stood when there are many: from two folders above. */
function layersOf({ at, superOptions: options }: MountLine): string[] {
  const found: string[] = [];
  for (const option of options.split(/(?<!\\),/)) {
    const equals = option.indexOf('=');
    if (!/^(?:lowerdir|upperdir|lowerdir\+|datadir\+)$/.test(option.slice(0, Math.max(0, equals)))) continue;
    for (const path of option.slice(equals + 1).split(/(?<!\\):+/)) if (path !== '') found.push(path.replaceAll(/\\([,:\\])/g, '$1'));
  }
  return found.slice(0, layersMax).map((path) => (path.startsWith('/') ? path : `${dirname(dirname(at))}/${path}`));
}

function inodeOf(path: string): number | undefined {
  try {
    return lstatSync(bytesOf(path), { throwIfNoEntry: false })?.ino;
  } catch { return undefined; /* not to be looked at: then nothing is proven and the mount is walked */ }
}

/** The mounts that a path leads through, as the kernel follows it: from one to what is mounted on it, the last on top. */
function wayTo(mounts: readonly MountLine[]): (path: string) => MountLine[] {
  const known = new Set(mounts.map(({ id }) => id));
  const above = new Map<string, MountLine>();
  const first = mounts.filter(({ id, parent }) => parent === id || !known.has(parent));
  for (const mount of mounts) if (mount.parent !== mount.id) above.set(`${mount.parent} ${mount.at}`, mount);
  const beginnings = new Map(first.map((mount) => [mount.at, mount]));
  return (path) => {
    const way: MountLine[] = [];
    const names = path.split('/');
    for (let n = 1; n <= names.length; n++) {
      const at = names.slice(0, n).join('/') || '/';
      // Of what is mounted on what we do not see, as in a chroot, the place is all that is known.
      let next = way.length === 0 || beginnings.has(at) ? beginnings.get(at) : above.get(`${way.at(-1)!.id} ${at}`);
      for (; next && way.length <= mounts.length; next = above.get(`${next.id} ${at}`)) way.push(next);
    }
    return way;
  };
}
