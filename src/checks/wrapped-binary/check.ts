/** Programs put in place of others: `foo` beside `foo.original`, a script where a package shipped a program. */
import type { Finding, FindingKind } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import { isElf } from '../../linux/elf.ts';
import type { Owner } from '../../linux/provenance.ts';
import { judgeFile } from '../command.ts';
import { readText } from '../look.ts';
import { fact, finding } from '../finding.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { isShipped } from '../processes.ts';
import { isGuarded, shadowing } from '../shadowing.ts';

const folders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/lib/openssh', '/usr/libexec/openssh', '/usr/libexec'];
const headBytes = 512;
/** What the true program is called once another has taken its place. */
const kept = /^(?:(.+?)(?:[.\-_](?:original|orig|real|old|bak|backup|true|sys|distrib|save|moved|copy)|~)|[.](.+?)(?:[.\-_](?:original|orig|real|old|bak))?)$/;

export const wrappedBinary: PlaceCheck = {
  id: 'wrapped-binary',
  title: { zh: '被包了一层的程序', en: 'programs put in place of others' },
  blind: { zh: '真身挪到别的目录、替身又不是脚本时看不出来，由摘要核对发现', en: 'not seen when the true program was moved to another folder and its double is no script; digests tell that' },
  group: 'files',
  scope: 'tree',
  everyMinutes: 6 * 60,
  async *run(context) {
    const { tree, provenance } = context;
    const seen = new Set<string>();
    for (const folder of folders) {
      const real = tree.real(folder);
      if (real === undefined || seen.has(real)) continue;
      seen.add(real);
      const names = tree.list(real) ?? [];
      const all = new Set(names);
      for (const name of names) {
        const path = `${real}/${name}`;
        if (tree.stat(path)?.kind !== 'file') continue;
        const match = kept.exec(name);
        const base = match?.[1] ?? match?.[2];
        if (base !== undefined && all.has(base)) yield* pair(`${real}/${base}`, path, context);
        const head = tree.read(path, 4)?.bytes;
        if (head?.[0] !== 0x23 || head[1] !== 0x21) continue;
        // A script: was it one when it was shipped?
        const owner = await provenance.owner(path);
        if (owner?.state === 'modified') yield* script(path, owner, context);
        if (owner === undefined) yield* shadow(name, path, context);
      }
    }
  },
};

async function* pair(path: string, other: string, context: ScanContext): AsyncIterable<Finding> {
  const { tree, provenance } = context;
  const [owner, otherOwner] = [await provenance.owner(path), await provenance.owner(other)];
  if (isShipped(owner) || !provenance.known) return; // a copy somebody kept
  if (isShipped(otherOwner) && owner === undefined && tree.link(path) !== undefined) return;
  const head = tree.read(path, headBytes)?.bytes;
  const runs = tree.read(path, 64 * 1024)?.bytes.includes(Buffer.from(other.slice(other.lastIndexOf('/') + 1))) === true;
  const local = path.startsWith('/usr/local/') || path.startsWith('/usr/libexec/');
  // An administrator who gives a program an option of his own has dpkg keep the true one.
  const plain = runs && isDiverted(path, other, context) && isPlainCall(tree.read(path, headBytes + 1)?.bytes, other);
  const [kind, level]: [FindingKind, Level] = owner ? ['intrusion', 'critical'] : local || plain ? ['notice', 'low'] : runs ? ['intrusion', 'high'] : ['intrusion', 'medium'];
  const stat = tree.stat(path);
  yield finding('wrapped-binary', path, {
    kind, level, path,
    title: { zh: `${path} 被换成了别的程序，真身留在 ${other}`, en: `another program stands in place of ${path}; the true one was kept as ${other}` },
    evidence: [
      fact({ zh: '替身', en: 'double' }, head && isElf(head) ? 'ELF' : firstLines(head)), ...(runs ? [fact({ zh: '替身会运行', en: 'the double runs' }, other)] : []),
      ...(owner ? [fact({ zh: '所属软件包', en: 'package' }, `${owner.name} ${owner.version} (${owner.state})`)] : []),
    ],
    means: { zh: '替身先做自己的事（记下密码、藏起进程、开后门），再运行真身，使用者毫无察觉。', en: 'The double does its own work first (keeps passwords, hides processes, opens a door) and then runs the true program, so that nobody notices.' },
    fix: { text: { zh: '先留样本，再把真身放回去', en: 'keep a copy, then put the true program back' }, commands: [['cp', '-a', path, `${path}.evidence`], ['mv', other, path]] },
    refs: ['attack:T1554', 'attack:T1036.005', 'matrix:替换程序'],
    ...(stat && { time: stat.changed }),
  });
}

/** A script of nobody that stands in front of a program by which people look for intruders or give passwords to, and hides or keeps something. */
function* shadow(name: string, path: string, context: ScanContext): Iterable<Finding> {
  if (!isGuarded(name)) return;
  const text = readText(context, path, 64 * 1024) ?? '';
  const sign = shadowing(name, text.split('\n').filter((line) => !line.trimStart().startsWith('#')).join('\n'));
  if (!sign) return;
  yield finding('wrapped-binary', `shadow\0${path}`, {
    kind: sign.kind, level: sign.level, path,
    title: { zh: `${path}：${sign.text.zh}`, en: `${path}: ${sign.text.en}` },
    evidence: [fact({ zh: '开头', en: 'begins' }, text.split('\n').slice(0, 6).join('\n').slice(0, 500))],
    means: { zh: '它排在真正的程序前面：敲这个命令的人运行的是它。', en: 'It comes before the true program: whoever types the command runs this one.' },
    fix: { text: { zh: '先留样本，再移走它', en: 'keep a copy, then move it away' }, commands: [] },
    refs: ['attack:T1574.007', ...sign.attack.map((id) => `attack:${id}`)],
    time: context.tree.stat(path)?.changed,
  });
}

async function* script(path: string, owner: Owner, context: ScanContext): AsyncIterable<Finding> {
  if (owner.config) return;
  const { reasons } = await judgeFile(path, context);
  const stat = context.tree.stat(path);
  yield finding('wrapped-binary', `script\0${path}`, {
    kind: 'intrusion', level: 'high', path,
    title: { zh: `${path} 现在是一个脚本，与软件包 ${owner.name} 装的不同`, en: `${path} is a script that is not as ${owner.name} shipped it` },
    evidence: [fact({ zh: '开头', en: 'begins' }, firstLines(context.tree.read(path, headBytes)?.bytes)), fact({ zh: '所属软件包', en: 'package' }, `${owner.name} ${owner.version} (${owner.state})`), ...reasons.slice(0, 5).map(({ evidence }) => evidence)],
    means: { zh: '把系统程序换成一段脚本，是最省事的替换手法：先做坏事，再调用真身。', en: 'A script in place of a program of the system is the simplest double: it does its harm and then calls the true one.' },
    fix: { text: { zh: '先留样本，再重装软件包', en: 'keep a copy, then install the package again' }, commands: [['cp', '-a', path, `${path}.evidence`], owner.manager === 'rpm' ? ['dnf', 'reinstall', owner.name] : ['apt-get', 'install', '--reinstall', owner.name]] },
    refs: ['attack:T1554'],
    ...(stat && { time: stat.changed }),
  });
}

/** Does dpkg know that the one was moved to the other? */
function isDiverted(path: string, other: string, context: ScanContext): boolean {
  const lines = (readText(context, '/var/lib/dpkg/diversions') ?? '').split('\n');
  return lines.some((line, i) => i % 3 === 0 && context.tree.real(line) === path && lines[i + 1] !== undefined && context.tree.real(lines[i + 1]!) === other);
}

/** Nothing but one `exec TRUE-PROGRAM options "$@"`. */
function isPlainCall(head: Buffer | undefined, other: string): boolean {
  if (!head || head.length > headBytes) return false;
  const lines = head.toString('utf8').split('\n').slice(1).map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#') && line !== 'set -e');
  const [first = ''] = lines;
  return lines.length === 1 && first.startsWith(`exec ${other} `) && /^[\w\s./=:,@+-]*\s"\$@"$/.test(first);
}

const firstLines = (head: Buffer | undefined): string => (head?.toString('utf8') ?? '').split('\n').slice(0, 4).join('\n').slice(0, 300);
