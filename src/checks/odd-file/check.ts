/** Files that do not belong where they lie: programs in temporary folders, files in /dev, locked files, programs with borrowed times. */
import type { Finding, FindingKind } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import { isElf } from '../../linux/elf.ts';
import type { FileStat } from '../../linux/tree.ts';
import { judgeFile } from '../command.ts';
import { fact, finding, octal } from '../finding.ts';
import { nestedRoot } from '../nested-root.ts';
import type { ScanContext, Visitor, WalkCheck, WalkedFile } from '../port.ts';
import { isHiddenPath, isShipped } from '../processes.ts';

const temporary = /^\/(?:tmp|var\/tmp|dev\/shm|run\/shm|dev\/mqueue|run\/lock|var\/lock|var\/crash|run\/user\/\d+)\//;
/** Programs that tools and builds leave in their own folders there. */
const toolFolders = /\/(?:node_modules|\.git|venv|\.venv|site-packages|go-build[^/]*|cargo-install\w*|rust\w*|pip-[\w-]+|npm-[^/]+|_MEI\w+|systemd-private-[^/]+|build\w*|snap-private-tmp|\.mount_\w+|target|cc\w{6}|CMakeFiles)\//;
const programs = /^\/(?:usr\/)?(?:s?bin|lib|lib64|libexec|local\/s?bin)\/[^/]+$/;
/** Settings of the system that an intruder makes unchangeable so that nobody takes his work out. */
const locked = /^\/(?:etc\/(?:cron|ld\.so\.preload|init\.d|rc|systemd|profile|sudoers|ssh\/|pam\.d|udev|hosts$|passwd$|shadow$|group$|gshadow$|anacrontab)|var\/spool\/cron|root\/|home\/|tmp\/|var\/tmp\/|dev\/shm\/|usr\/(?:local\/)?(?:s?bin|lib)\/|s?bin\/|lib\/|opt\/|var\/www\/|boot\/|lib\/systemd|usr\/lib\/systemd)/;
const findingsMax = 300;
const programsMax = 50_000;
const heapMax = 5000;
const dayMs = 86_400_000;

export const oddFile: WalkCheck = {
  id: 'odd-file',
  title: { zh: '放错地方的文件', en: 'files in odd places' },
  blind: { zh: '没有创建时间的文件系统上看不出改过的时间', en: 'changed times are not seen on file systems that keep no time of birth' },
  group: 'hiding',
  scope: 'tree',
  everyMinutes: 6 * 60,
  walk(context): Visitor {
    const told: Record<string, number> = {};
    const within = (what: string): boolean => { told[what] = (told[what] ?? 0) + 1; if (told[what] <= findingsMax) return true; context.count(`odd files beyond those listed (${what})`); return false; };
    /** Programs in temporary folders that nothing else speaks against, by the first folder below. */
    const heaps = new Map<string, string[]>();
    /** Times of packaged and other programs by folder, for those that copy one. */
    const times = new Map<string, { mtime: number; path: string }[]>();
    return {
      wants: ({ path, stat }) => inDevices(path, stat) || (stat.kind === 'file' && ((temporary.test(path) && !toolFolders.test(path) && (runs(stat) || path.startsWith('/dev/') || isModule(path))) || isLockable(path, stat) || (programs.test(path) && runs(stat)))),
      async *look(file) {
        const { path, stat } = file;
        if (inDevices(path, stat)) { if (within('device')) yield* device(file, context); return; }
        if (temporary.test(path) && !toolFolders.test(path) && (runs(stat) || isModule(path))) {
          for await (const found of dropped(file, context)) {
            // A build or an unpacked archive is one thing to read, not hundreds.
            if (found.level !== 'low') { if (within(`temporary, ${found.level}`)) yield found; continue; }
            const heap = path.split('/', path.startsWith('/tmp/') ? 3 : 4).join('/');
            const paths = heaps.get(heap) ?? [];
            if (heaps.size < findingsMax || paths.length > 0) heaps.set(heap, paths);
            if (paths.length < heapMax) paths.push(path);
          }
        }
        if (isLockable(path, stat) && context.tree.flags(path)?.immutable === true && within('immutable')) yield* immutable(file, context);
        if (programs.test(path) && runs(stat)) {
          const folder = path.slice(0, path.lastIndexOf('/'));
          const list = times.get(folder) ?? [];
          times.set(folder, list);
          if (list.length < programsMax) list.push({ mtime: stat.modified, path });
          yield* future(file, context);
        }
      },
      async *end() {
        for (const [heap, paths] of heaps) yield left(heap, paths);
        for (const list of times.values()) yield* borrowed(list, context);
      },
    };
  },
};

const isModule = (path: string): boolean => /\.ko(?:\.(?:gz|xz|zst))?$/.test(path);
/** Names that UPX writes behind the program's headers; builds and installers do not leave such. */
const isPacked = (tree: ScanContext['tree'], path: string): boolean => tree.read(path, 512)?.bytes.includes('UPX!') === true;
const runs = (stat: FileStat): boolean => (stat.mode & 0o111) !== 0;
const isLockable = (path: string, stat: FileStat): boolean => (stat.kind === 'file' && locked.test(path) && !/\/(?:node_modules|\.git|site-packages|share)\//.test(path) && (runs(stat) || !/^\/(?:opt|usr|var\/www)\//.test(path) || path.endsWith('.php')))
  || (stat.kind === 'file' && runs(stat) && isHiddenPath(path) && !/\/(?:node_modules|\.git|site-packages)\//.test(path));
const inDevices = (path: string, stat: FileStat): boolean => path.startsWith('/dev/') && !/^\/dev\/(?:shm|mqueue|hugepages|pts)\//.test(path) && stat.kind === 'file' && !/^\/dev\/(?:\.udev|\.lxc|\.initramfs|\.systemd|\.blkid)/.test(path);

async function* dropped(file: WalkedFile, context: ScanContext): AsyncIterable<Finding> {
  const { path, stat } = file;
  const head = context.tree.read(path, 256)?.bytes;
  const binary = head !== undefined && isElf(head);
  const script = head?.[0] === 0x23 && head[1] === 0x21;
  if (!binary && !script) return;
  if (isShipped(await context.provenance.owner(path))) return;
  const memory = /^\/(?:dev|run)\//.test(path);
  const { level: worth, reasons } = script ? await judgeFile(path, context) : { level: undefined, reasons: [] };
  // That it lies there is said already; what else speaks against a script counts.
  const beyond = reasons.filter(({ text }) => !/folder that anybody/.test(text.en));
  const hidden = isHiddenPath(path);
  const packed = binary && isPacked(context.tree, path);
  // The scripts of another Linux are what its own packages ship; look at it with --root.
  const nested = script && !memory && nestedRoot(context.tree, path) !== undefined;
  const [kind, level]: [FindingKind, Level] = packed ? ['intrusion', 'high'] : memory && binary ? ['intrusion', hidden ? 'high' : 'medium'] : beyond.length > 0 && worth === 'critical' ? ['intrusion', 'high'] : (hidden && binary) || isModule(path) ? ['intrusion', 'medium'] : ['notice', memory || (beyond.length > 0 && !nested) ? 'medium' : 'low'];
  yield finding('odd-file', path, {
    kind, level, path, time: stat.changed,
    title: { zh: `${path} 是放在临时目录里的${binary ? '程序' : '可执行脚本'}`, en: `${path} is a ${binary ? 'program' : 'script that may be run'} in a temporary folder` },
    evidence: [fact({ zh: '权限、主人、大小', en: 'mode, owner, size' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid} ${stat.size} bytes`), ...(packed ? [fact({ zh: '程序被加壳', en: 'the program is packed' }, 'UPX')] : []), ...beyond.slice(0, 4).map(({ evidence }) => evidence)],
    means: { zh: '被利用的服务往往只能写临时目录，投放的木马和矿机先落在这里。开发和安装也会留下一些。', en: 'A service that was broken into can often write to temporary folders only, so what is dropped lands there. Builds and installers leave some too.' },
    fix: { text: { zh: '不认识就先留样本，再移走', en: 'when nobody knows it, keep a copy and move it away' }, commands: [['chmod', '0000', path]] },
    refs: ['attack:T1036', 'attack:T1105'],
  });
}

const left = (heap: string, paths: readonly string[]): Finding => finding('odd-file', `heap\0${heap}`, {
  kind: 'notice', level: 'low', path: paths.length === 1 ? paths[0]! : heap,
  title: paths.length === 1
    ? { zh: `${paths[0]} 是放在临时目录里的程序`, en: `${paths[0]} is a program in a temporary folder` }
    : { zh: `${heap} 下有 ${paths.length}${paths.length >= heapMax ? '+' : ''} 个可执行的程序和脚本`, en: `${heap} holds ${paths.length}${paths.length >= heapMax ? ' or more' : ''} programs and scripts that may be run` },
  evidence: paths.slice(0, 10).map((path) => fact({ zh: '文件', en: 'file' }, path)),
  means: { zh: '被利用的服务往往只能写临时目录，投放的木马和矿机先落在这里。开发和安装也会留下一些。', en: 'A service that was broken into can often write to temporary folders only, so what is dropped lands there. Builds and installers leave some too.' },
  refs: ['attack:T1105'],
});

async function* device(file: WalkedFile, { provenance }: ScanContext): AsyncIterable<Finding> {
  const { path, stat } = file;
  if (isShipped(await provenance.owner(path))) return;
  yield finding('odd-file', `device\0${path}`, {
    kind: 'intrusion', level: runs(stat) ? 'high' : 'medium', path, time: stat.changed,
    title: { zh: `/dev 里有一个普通文件 ${path}`, en: `${path} is an ordinary file in /dev` },
    evidence: [fact({ zh: '权限、主人、大小', en: 'mode, owner, size' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid} ${stat.size} bytes`)],
    means: { zh: '/dev 里只该有设备。老牌 rootkit 喜欢把东西藏在这里；有时只是写错了设备名（如 > /dev/nul）。', en: '/dev holds devices only. Rootkits like to hide things here; now and then somebody has mistyped a device (> /dev/nul).' },
    fix: { text: { zh: '看里面是什么，再移走', en: 'see what it holds, then move it away' }, commands: [['file', path]] },
    refs: ['attack:T1564.001'],
  });
}

async function* immutable(file: WalkedFile, { tree, provenance }: ScanContext): AsyncIterable<Finding> {
  const { path, stat } = file;
  const accounts = /^\/etc\/(?:passwd|shadow|group|gshadow|hosts|sudoers)$/.test(path);
  const place = /^\/(?:tmp|var\/tmp|dev\/shm)\//.test(path) || isHiddenPath(path.replace(/\/\.(?:ssh|user\.ini|bash\w*|profile|htaccess)(?=\/|$)/g, ''));
  const start = /^\/(?:etc\/(?:cron|ld\.so\.preload|init\.d|rc|systemd|profile|sudoers\.d|udev|anacrontab)|var\/spool\/cron|(?:usr\/)?lib\/systemd)|\/\.ssh\/authorized_keys/.test(path);
  const program = programs.test(path) && runs(stat);
  const shipped = isShipped(await provenance.owner(path));
  // Panels lock .user.ini, resolv.conf is locked against DHCP: ordinary.
  if (/\/(?:\.user\.ini|resolv\.conf|\.htaccess)$/.test(path)) return;
  const [kind, level]: [FindingKind, Level] = accounts || shipped ? ['notice', 'info'] : place || program ? ['intrusion', 'high'] : start ? ['intrusion', 'medium'] : ['notice', 'low'];
  const flags = tree.flags(path);
  yield finding('odd-file', `immutable\0${path}`, {
    kind, level, path, time: stat.changed,
    title: { zh: `${path} 被 chattr +i 锁住，谁也改不了、删不掉`, en: `${path} is locked by chattr +i: nobody can change or remove it` },
    evidence: [fact({ zh: '标志', en: 'flags' }, `immutable${flags?.appendOnly ? ', append only' : ''}`), fact({ zh: '权限、主人', en: 'mode, owner' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid}`)],
    means: { zh: '挖矿木马锁住自己的计划任务和公钥，让管理员删不掉。也有管理员用它保护账户文件。', en: 'Miners lock their cron jobs and keys so that nobody can take them out. Administrators protect account files with it too.' },
    fix: { text: { zh: '解锁后再处理', en: 'unlock it, then deal with it' }, commands: [['chattr', '-i', path]] },
    refs: ['attack:T1222.002', 'matrix:文件锁定'],
  });
}

/** A program of nobody whose time of change is that of a neighbour to the second: `touch -r`. */
async function* borrowed(list: readonly { mtime: number; path: string }[], context: ScanContext): AsyncIterable<Finding> {
  const { tree, provenance } = context;
  if (!provenance.known) return;
  const byTime = new Map<number, string[]>();
  for (const { mtime, path } of list) byTime.set(mtime, [...byTime.get(mtime) ?? [], path]);
  for (const [mtime, paths] of byTime) {
    if (paths.length < 2) continue;
    const owners = paths.map((path) => provenance.packageOf(path));
    const twin = paths.find((_, i) => owners[i] !== undefined);
    if (twin === undefined) continue;
    for (const [i, path] of paths.entries()) {
      const stat = tree.stat(path);
      if (owners[i] !== undefined || !stat || stat.links > 1 || tree.link(path) !== undefined) continue;
      // An image is built with one time for all; there many have it.
      if (paths.length > 50) continue;
      yield finding('odd-file', `time\0${path}`, {
        kind: 'intrusion', level: 'medium', path, time: stat.changed,
        title: { zh: `${path} 不属于任何软件包，修改时间却与 ${twin} 一模一样`, en: `no package owns ${path}, and its time of change is exactly that of ${twin}` },
        evidence: [
          fact({ zh: '修改时间（可以随意设）', en: 'changed (anybody may set it)' }, new Date(mtime).toISOString()), fact({ zh: 'inode 变动时间（改不了）', en: 'inode changed (cannot be set)' }, new Date(stat.changed).toISOString()),
          ...(stat.born === undefined ? [] : [fact({ zh: '创建时间', en: 'born' }, new Date(stat.born).toISOString())]),
        ],
        means: { zh: '用 touch -r 抄别的程序的时间，是为了按时间查找时不被发现。', en: 'Times are copied with touch -r so that nobody who searches by time finds the file.' },
        fix: { text: { zh: '看 inode 变动时间前后还改了什么', en: 'see what else changed about when the inode did' }, commands: [['stat', path]] },
        refs: ['attack:T1070.006'],
      });
    }
  }
}

async function* future({ path, stat }: WalkedFile, context: ScanContext): AsyncIterable<Finding> {
  const ahead = stat.modified > context.now() + dayMs;
  // Unpacking keeps the time a file was built; before 1990 nobody built one.
  const ancient = stat.modified > 0 && stat.modified < Date.UTC(1990, 0) && stat.modified > dayMs && stat.changed - stat.modified > 365 * dayMs;
  if ((!ahead && !ancient) || !context.provenance.known || context.provenance.packageOf(path) !== undefined) return;
  yield finding('odd-file', `clock\0${path}`, {
    kind: 'notice', level: 'low', path, time: stat.changed,
    title: ahead ? { zh: `${path} 的修改时间在将来`, en: `${path} was changed in the future, by its time` } : { zh: `${path} 的修改时间早得不可能`, en: `${path} was changed impossibly long ago, by its time` },
    evidence: [fact({ zh: '修改时间', en: 'changed' }, new Date(stat.modified).toISOString()), fact({ zh: 'inode 变动时间', en: 'inode changed' }, new Date(stat.changed).toISOString())],
    refs: ['attack:T1070.006'],
  });
}
