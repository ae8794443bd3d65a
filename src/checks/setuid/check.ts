/** Programs that run with the rights of their owner or group: none but those that packages ship so. */
import { atLeast, type Level } from '../../core/level.ts';
import type { Visitor, WalkCheck } from '../port.ts';
import type { Finding } from '../../core/finding.ts';
import { readElf } from '../../linux/elf.ts';
import type { FileStat, Tree } from '../../linux/tree.ts';
import { fact, finding, lessRights, octal } from '../finding.ts';
import { isReachable, NestedPackages, nestedRoot } from '../nested-root.ts';
import { interpreters, baseName } from '../shell-words.ts';

const setUid = 0o4000;
const setGid = 0o2000;
const anyExecute = 0o111;

export const setuid: WalkCheck = {
  id: 'setuid',
  title: { zh: 'SUID/SGID 程序', en: 'set-uid and set-gid programs' },
  blind: { zh: '挂载时带 nosuid 的分区上也会列出', en: 'tells them on nosuid mounts too, where they do not work' },
  group: 'files',
  scope: 'tree',
  everyMinutes: 24 * 60,
  walk(context): Visitor {
    const { provenance, signal, tree } = context;
    const packages = new NestedPackages(tree, signal);
    const nested = new Map<string, Nested>();
    return {
      wants: ({ stat }) => stat.kind === 'file' && ((stat.mode & setUid) !== 0 || ((stat.mode & setGid) !== 0 && (stat.mode & anyExecute) !== 0)),
      async *look({ path, stat }) {
        const owner = await provenance.owner(path);
        if ((stat.mode & setUid) !== 0) yield* searched(path, stat, tree);
        if (owner && owner.state !== 'modified') return;
        const toRoot = (stat.mode & setUid) !== 0 && stat.uid === 0;
        const name = baseName(path);
        // Packages of another Linux ship these; whether the machine's own people can use them is what counts, and then the packages must say so. None ships a shell so.
        const root = owner ? undefined : nestedRoot(tree, path);
        if (root !== undefined && !interpreters.test(name) && (!isReachable(tree, path) || await packages.ships(root, path))) {
          const others = nested.get(root) ?? { programs: [], count: 0, changed: 0 };
          if (nested.size < nestedMax || nested.has(root)) nested.set(root, others); else context.count('findings beyond the limit');
          others.count++;
          if (others.programs.length < programsMax) others.programs.push(`${octal(stat.mode)} ${stat.uid}:${stat.gid} ${path}`);
          others.changed = Math.max(others.changed, stat.changed);
          return;
        }
        const level: Level = toRoot ? isChromeSandbox(path, tree) ? 'medium' : (interpreters.test(name) || owner || /^\/(?:tmp|var\/tmp|dev\/shm|home|root|var\/www)\//.test(path) ? 'critical' : 'high') : 'medium';
        if (!provenance.known && !atLeast(level, 'critical')) return;
        yield finding('setuid', path, {
          kind: level === 'medium' && toRoot ? 'weakness' : 'intrusion', level, path,
          title: toRoot
            ? { zh: `${path} 让任何人以 root 身份运行它，而没有软件包这样装它`, en: `${path} runs as root for anybody, and no package ships it so` }
            : { zh: `${path} 以别人的身份运行，而没有软件包这样装它`, en: `${path} runs with another's rights, and no package ships it so` },
          evidence: [fact({ zh: '权限', en: 'mode' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid}`), ...(owner ? [fact({ zh: '所属软件包', en: 'package' }, `${owner.name} ${owner.version}, ${owner.state}`)] : [])],
          means: { zh: '留一个 root 的 SUID 程序，是拿到过 root 的人最省事的后门：普通账号一运行它就又是 root。', en: 'A set-uid program of root is the simplest back door of somebody who was root once: any account that runs it is root again.' },
          fix: { text: { zh: '先取消 SUID 位，再查它从何而来', en: 'take the bit away, then see where it came from' }, commands: [['chmod', 'u-s,g-s', path]], actions: lessRights(path, stat.mode, 0o6000) },
          refs: ['attack:T1548.001'],
          time: stat.changed,
        });
      },
      async *end() { for (const [root, inside] of nested) yield aboutNested(root, inside, isReachable(tree, `${root}/bin`)); },
    };
  },
};

/** Browsers of npm and Playwright bring their sandbox, which is to be set-uid root. By its name and by the words of its own protocol; told all the same. */
function isChromeSandbox(path: string, tree: Tree): boolean {
  if (!/\/chrome[-_]sandbox$/.test(path)) return false;
  const bytes = tree.read(path, 1 << 20)?.bytes;
  return bytes?.includes('SBX_CHROME_API') === true && bytes.includes('SBX_HELPER_PID');
}

const nestedMax = 1000;
const programsMax = 10;

interface Nested { programs: string[]; count: number; /** The latest change, Unix ms. */ changed: number }

function aboutNested(root: string, { programs, count, changed }: Nested, isOpen: boolean): Finding {
  return finding('setuid', `${root}\0nested`, {
    kind: isOpen ? 'weakness' : 'notice', level: isOpen ? 'medium' : 'info', path: root, time: changed,
    title: isOpen
      ? { zh: `${root} 里是另一套 Linux，本机账号能用到其中 ${count} 个 SUID/SGID 程序`, en: `${root} holds another Linux, of which accounts of this machine can reach ${count} set-uid or set-gid programs` }
      : { zh: `${root} 里是另一套 Linux，有 ${count} 个 SUID/SGID 程序，只有 root 够得着`, en: `${root} holds another Linux with ${count} set-uid or set-gid programs that root alone can reach` },
    evidence: programs.map((program) => fact({ zh: '程序', en: 'program' }, program)),
    means: { zh: '容器层、chroot 和解开的镜像都是这样。它们没有本机的更新，旧的 SUID 程序可能带着已知漏洞。', en: 'Layers of containers, chroots and unpacked images are like this. They miss the machine’s updates: an old set-uid program may have a known hole.' },
    ...(isOpen && { fix: { text: { zh: '只让 root 进得去；里面的内容用 moat scan --root 另查', en: 'let root alone in; look at what is inside with moat scan --root' }, commands: [['chmod', 'o-x', root], ['moat', 'scan', '--root', root]] } }),
    refs: ['attack:T1548.001'],
  });
}

/** Folders that the program itself has the loader search for libraries, and that others may fill: the library then runs as its owner. */
function* searched(path: string, stat: FileStat, tree: Tree): Iterable<Finding> {
  const file = tree.open(path);
  if (!file) return;
  let folders: string[] | undefined;
  try { folders = readElf(file)?.searched; } finally { file.close(); }
  for (const folder of new Set(folders)) {
    // $ORIGIN is the program's own folder; the loader ignores it for such programs outside trusted ones.
    const at = folder.replace(/^\$(?:ORIGIN|\{ORIGIN\})/, path.slice(0, path.lastIndexOf('/')));
    const there = at.startsWith('/') ? tree.stat(tree.real(at) ?? at) : undefined;
    const open = !at.startsWith('/') || /^\/(?:tmp|var\/tmp|dev\/shm|home)(?:\/|$)/.test(at) || (there?.kind === 'folder' && ((there.mode & 0o002) !== 0 || there.uid !== 0));
    if (!open) continue;
    yield finding('setuid', `${path}\0rpath\0${folder}`, {
      kind: 'weakness', level: 'high', path, time: stat.changed,
      title: { zh: `SUID 程序 ${path} 会到别人能写的 ${folder || '当前目录'} 找库`, en: `the set-uid program ${path} searches libraries in ${folder || 'the current folder'}, which others may fill` },
      evidence: [fact({ zh: 'ELF 里的搜索目录（RPATH/RUNPATH）', en: 'searched folders (RPATH, RUNPATH)' }, (folders ?? []).join(':')), ...(there ? [fact({ zh: '目录权限', en: 'mode of the folder' }, `${octal(there.mode)} ${there.uid}:${there.gid}`)] : [])],
      means: { zh: '往那里放一个库，它就以程序主人（多半是 root）的身份运行。', en: 'A library put there runs with the rights of the program’s owner, mostly root.' },
      fix: { text: { zh: '取消 SUID 位，或重新编译去掉搜索目录', en: 'take the bit away, or have the program built without these folders' }, commands: [['chmod', 'u-s', path]] },
      refs: ['attack:T1574.006', 'attack:T1548.001'],
    });
  }
}
