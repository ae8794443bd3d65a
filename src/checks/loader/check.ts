/** Which libraries the loader takes for every program: where it looks, and whether the most important ones are as shipped. */
import type { Finding } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import { isElf, readElf } from '../../linux/elf.ts';
import { filesIn } from '../../linux/tree.ts';
import { expand } from '../expand.ts';
import { fact, finding, lessRights, lineFact, octal } from '../finding.ts';
import { readText, tellIncludes } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { inOpenFolder, isHiddenPath, isShipped } from '../processes.ts';

const mainFile = '/etc/ld.so.conf';
const includesMax = 5000;
const libraryFolders = ['/lib', '/lib64', '/lib32', '/usr/lib', '/usr/lib64', '/usr/lib32', '/usr/libx32', ...['x86_64', 'aarch64', 'i386', 'riscv64', 'powerpc64le', 's390x'].flatMap((cpu) => [`/lib/${cpu}-linux-gnu`, `/usr/lib/${cpu}-linux-gnu`]), '/usr/lib/arm-linux-gnueabihf'];
/** Libraries that every program, every login or every encrypted connection goes through. */
const weighty = /^(?:ld-(?:linux|musl)[\w.-]*\.so[\d.]*|ld-[\d.]+\.so|libc[.-][\w.-]*so[\d.]*|lib(?:pthread|dl|m|rt|crypt|resolv|util|nss_\w+|pam(?:_misc|c)?|crypto|ssl|selinux|audit|keyutils|lzma|systemd|gssapi_krb5|krb5|wrap|cap|procps|proc2?|utempter)(?:-[\d.]+)?\.so[\d.]*)$/;
/** Programs whose loader is looked at: what starts everything and lets people in. */
const programs = ['/bin/sh', '/bin/bash', '/bin/ls', '/bin/ps', '/usr/sbin/sshd', '/usr/bin/ssh', '/usr/bin/sudo', '/bin/su', '/bin/login', '/sbin/init', '/usr/lib/systemd/systemd', '/usr/sbin/cron', '/bin/netstat', '/usr/bin/ss', '/usr/bin/top', '/usr/bin/lsof', '/usr/bin/passwd'];

export const loader: PlaceCheck = {
  id: 'loader',
  title: { zh: '动态加载器与基础库', en: 'the dynamic loader and the libraries of every program' },
  blind: { zh: '没有软件包摘要的系统（自己编译的 libc）无法判断库是否被换过', en: 'where no package has digests (a libc of one’s own) nobody can tell whether a library was replaced' },
  group: 'persistence',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    yield* searchFolders(context);
    yield* libraries(context);
    yield* interpreters(context);
  },
};

/** Folders of ld.so.conf and what it includes. */
async function* searchFolders(context: ScanContext): AsyncIterable<Finding> {
  const { tree, provenance } = context;
  const files = new Set([mainFile, ...filesIn(tree, '/etc/ld.so.conf.d').filter((path) => path.endsWith('.conf')), ...filesIn(tree, '/etc').filter((path) => /\/ld-musl-[\w-]+\.path$/.test(path))]);
  for (const path of files) {
    const text = readText(context, path);
    if (text === undefined) continue;
    const stat = tree.stat(path);
    if (stat && ((stat.mode & 0o022) !== 0 || stat.uid !== 0) && stat.kind === 'file') {
      yield finding('loader', `${path}\0mode`, {
        kind: 'weakness', level: 'high', path, time: stat.changed,
        title: { zh: `${path} 不只 root 能改：改它就能让所有程序装入别的库`, en: `others than root may change ${path}, and with it the libraries of every program` },
        evidence: [fact({ zh: '权限', en: 'mode' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid}`)],
        fix: { text: { zh: '收回写权限', en: 'take the right to write away' }, commands: [['chown', 'root:root', path], ['chmod', '644', path]], actions: lessRights(path, stat.mode, 0o022, 'root:root') },
        refs: ['attack:T1574.006'],
      });
    }
    const owner = await provenance.owner(path);
    if (owner?.state === 'intact') continue;
    for (const [i, raw] of text.split(/[\n:]/).entries()) {
      const line = raw.replace(/#.*/, '').trim();
      const included = /^include\s+(.*)$/.exec(line)?.[1];
      if (included !== undefined) {
        // What does not begin at the root counts from the folder of the file that includes it.
        for (const word of included.split(/\s+/).filter(Boolean)) {
          for (const one of expand(context, word.startsWith('/') ? word : `${path.slice(0, path.lastIndexOf('/'))}/${word}`)) {
            if (files.size < includesMax) files.add(one);
            else if (!files.has(one)) tellIncludes(context, path, includesMax);
          }
        }
        continue;
      }
      const folder = line.replace(/=.*/, '').replace(/\/+$/, '');
      if (!folder.startsWith('/')) continue;
      const found = searched(folder, path, i + 1, raw, stat?.changed, context);
      if (found) yield found;
    }
  }
}

function searched(folder: string, file: string, line: number, text: string, time: number | undefined, { tree }: ScanContext): Finding | undefined {
  const stat = tree.stat(tree.real(folder) ?? folder);
  const open = inOpenFolder(`${folder}/`), hidden = isHiddenPath(folder);
  const writable = stat?.kind === 'folder' && ((stat.mode & 0o002) !== 0 || (stat.uid !== 0 && !folder.startsWith('/opt/')));
  if (!open && !hidden && !writable) return undefined;
  return finding('loader', `${file}\0${folder}`, {
    kind: open || hidden ? 'intrusion' : 'weakness', level: open ? 'high' : 'medium', path: file,
    title: open || hidden
      ? { zh: `加载器会到 ${folder} 找库，那里${open ? '任何人都能写' : '藏在隐藏目录里'}`, en: `the loader searches ${folder}, ${open ? 'where anybody may write' : 'behind a hidden name'}` }
      : { zh: `加载器会到 ${folder} 找库，而那里不只 root 能写`, en: `the loader searches ${folder}, where others than root may write` },
    evidence: [lineFact(file, line, text.trim()), ...(stat ? [fact({ zh: '目录权限', en: 'mode of the folder' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid}`)] : [])],
    means: { zh: '谁能往这里放一个同名的库，谁的代码就进到所有程序里，包括以 root 运行的。', en: 'Whoever puts a library of the right name there has his code in every program, those of root too.' },
    fix: { text: { zh: `去掉这一行，再运行 ldconfig`, en: 'take the line out, then run ldconfig' }, commands: [['ldconfig']] },
    refs: ['attack:T1574.006'],
    ...(time !== undefined && { time }),
  });
}

/** The weighty libraries: as shipped, or at least of a package. */
async function* libraries(context: ScanContext): AsyncIterable<Finding> {
  const { tree, provenance } = context;
  if (!provenance.known) { context.blind('libc, ld.so', { zh: '没有软件包数据库，无法核对', en: 'no package database: they cannot be compared' }); return; }
  const seen = new Set<string>();
  for (const folder of libraryFolders) {
    for (const name of tree.list(folder) ?? []) {
      if (!weighty.test(name)) continue;
      const path = tree.real(`${folder}/${name}`);
      if (path === undefined || seen.has(path)) continue;
      seen.add(path);
      const owner = await provenance.owner(path);
      if (isShipped(owner)) continue;
      const stat = tree.stat(path);
      const head = tree.read(path, 4)?.bytes;
      if (!owner && (!head || !isElf(head))) continue; // libc.so of developers is a text
      // A library that came by another way, such as one built here, stands beside the shipped one under another number.
      const level: Level = owner ? 'critical' : /^(?:\/usr)?\/lib/.test(path) ? 'medium' : 'low';
      yield finding('loader', path, {
        kind: level === 'low' ? 'notice' : 'intrusion', level, path,
        title: owner
          ? { zh: `基础库 ${path} 被换过：与软件包 ${owner.name} 的不同`, en: `${path}, a library of every program, was replaced: it is not as ${owner.name} ships it` }
          : { zh: `基础库 ${path} 不属于任何软件包`, en: `no package owns ${path}, a library by the name of one that every program uses` },
        evidence: [fact({ zh: '路径', en: 'found as' }, `${folder}/${name}`), ...(owner ? [fact({ zh: '所属软件包', en: 'package' }, `${owner.name} ${owner.version} (${owner.state})`)] : [])],
        means: { zh: '换掉这样的库，登录密码、加密流量和每个程序看到的东西就都在别人手里。', en: 'Whoever replaces such a library holds passwords, encrypted traffic and what every program sees.' },
        fix: owner ? { text: { zh: '先留样本，再重装软件包', en: 'keep a copy, then install the package again' }, commands: [owner.manager === 'rpm' ? ['dnf', 'reinstall', owner.name] : ['apt-get', 'install', '--reinstall', owner.name]] } : { text: { zh: '先留样本，查它从何而来', en: 'keep a copy and see where it came from' }, commands: [] },
        refs: ['attack:T1554', 'attack:T1574.006'],
        ...(stat && { time: stat.changed }),
      });
    }
  }
}

/** A program may name a loader of its own, which then runs before everything. */
async function* interpreters(context: ScanContext): AsyncIterable<Finding> {
  const { tree, provenance } = context;
  for (const path of programs) {
    const real = tree.real(path);
    const file = real === undefined ? undefined : tree.open(real);
    if (!file) continue;
    let interpreter: string | undefined;
    try { interpreter = readElf(file)?.interpreter; } finally { file.close(); }
    if (interpreter === undefined || /^(?:\/usr)?\/lib(?:64|32|x32)?\/(?:ld-(?:linux|musl)[\w.-]*\.so[\d.]*|ld64\.so[\d.]*|ld\.so[\d.]*|[\w-]+\/ld-linux[\w.-]*)$/.test(interpreter)) continue;
    if (isShipped(await provenance.owner(interpreter)) || /^\/(?:nix|gnu)\/store\//.test(interpreter)) continue;
    yield finding('loader', `interpreter\0${real}`, {
      kind: 'intrusion', level: 'high', path: real!,
      title: { zh: `${real} 由一个不寻常的加载器 ${interpreter} 启动`, en: `${real} is started by an unusual loader: ${interpreter}` },
      evidence: [fact({ zh: 'ELF 解释器', en: 'ELF interpreter' }, interpreter)],
      means: { zh: '加载器在程序之前运行，换掉它等于换掉程序。', en: 'The loader runs before the program; whoever replaces it replaces the program.' },
      refs: ['attack:T1554'],
    });
  }
}
