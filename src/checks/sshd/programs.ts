/** The programs of SSH: replaced, wrapped, or a second daemon beside the first. */
import type { Finding } from '../../core/finding.ts';
import { fact, finding, lineFact } from '../finding.ts';
import { attempt, filesOf, linesOf, readText, targetStat } from '../look.ts';
import type { ScanContext } from '../port.ts';
import { baseName, commandsOf } from '../shell-words.ts';

const programs = ['/usr/sbin/sshd', '/usr/bin/ssh', '/usr/bin/scp', '/usr/bin/sftp', '/usr/bin/ssh-agent', '/usr/bin/ssh-add', '/usr/bin/ssh-keygen', '/usr/lib/openssh/sftp-server', '/usr/lib/openssh/sshd-session', '/usr/lib/openssh/sshd-auth', '/usr/libexec/openssh/sftp-server', '/usr/libexec/openssh/sshd-session', '/usr/libexec/openssh/sshd-auth'];
/** Built from source into /usr/local: nobody's package, and ordinary. */
const ownBuilds = ['/usr/local/sbin/sshd', '/usr/local/bin/ssh'];
const leftovers = /^\.?(?:sshd?|sftp-server|sshd-session)[._-]?(?:orig(?:inal)?|real|old|bak|back|backup|bin|hidden|save[d]?|copy|1|0)$|^\.sshd?$|^(?:orig|real|old)[._-]sshd?$/;
const unitFolders = ['/etc/systemd/system', '/run/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system', '/usr/local/lib/systemd/system'];
const optionFiles = ['/etc/default/ssh', '/etc/default/sshd', '/etc/sysconfig/sshd', '/etc/conf.d/sshd'];
const scanMax = 8 << 20;
/** What sniffers put into a daemon: format strings that write accounts with passwords, and where they keep them. */
const sniffs = ['%s:%s\n', 'user: %s', 'pass: %s', 'password: %s\n', 'Password-Auth: %s', '/var/tmp/.', '/dev/shm/.', '/tmp/.', '/usr/include/.', '/usr/lib/.', '/usr/share/.', 'magic password', 'backdoor'];

export async function* sshPrograms(context: ScanContext): AsyncIterable<Finding> {
  for (const path of programs) yield* program(path, context);
  for (const path of ownBuilds) {
    const stat = targetStat(context, path);
    if (stat?.kind === 'file' && !(await context.provenance.owner(path))) {
      yield finding('sshd', path, {
        kind: 'notice', level: 'low', path, time: stat.changed, title: { zh: `${path} 不属于任何软件包：自己编译的要自己更新`, en: `${path} is of no package: what is built by hand must be updated by hand` },
        evidence: [fact({ zh: '大小', en: 'size' }, String(stat.size))], refs: [],
      });
    }
  }
  for (const folder of ['/usr/sbin', '/usr/bin', '/usr/lib/openssh', '/usr/libexec/openssh']) {
    for (const path of filesOf(context, folder)) {
      if (!leftovers.test(baseName(path)) || await context.provenance.owner(path)) continue;
      const stat = targetStat(context, path);
      yield finding('sshd', path, {
        kind: 'intrusion', level: context.provenance.known ? 'high' : 'medium', path, time: stat?.changed,
        title: { zh: `${path}：SSH 程序被挪开的原件，前面多半套了一层`, en: `${path}: an SSH program that was moved aside, most likely to wrap it` },
        evidence: [fact({ zh: '大小', en: 'size' }, String(stat?.size ?? 0))],
        means: { zh: '常见手法：把原来的 sshd 改名，换上会记下密码、留有暗门的同名程序，再去调用原件。', en: 'A common way: the real sshd is renamed and one of the same name, which keeps passwords or has a back door, calls it.' },
        fix: { text: { zh: '核对同名的正式程序，重装 openssh 软件包，改掉所有密码', en: 'compare the program of that name, install openssh again, change all passwords' }, commands: [['apt-get', 'install', '--reinstall', 'openssh-server', 'openssh-client']] },
        refs: ['attack:T1554'],
      });
    }
  }
}

async function* program(path: string, context: ScanContext): AsyncIterable<Finding> {
  const real = attempt(context, path, () => context.tree.real(path));
  if (real === undefined) return;
  const owner = await context.provenance.owner(path);
  if (owner ? owner.state !== 'modified' : !context.provenance.known) return;
  const read = attempt(context, path, () => context.tree.read(path, scanMax));
  if (!read) return;
  const script = read.bytes.subarray(0, 2).toString('latin1') === '#!';
  const shows = sniffs.filter((text) => read.bytes.includes(text));
  const stat = targetStat(context, path);
  yield finding('sshd', path, {
    kind: 'intrusion', level: owner || script || shows.length > 1 ? 'critical' : 'high', path, time: stat?.changed,
    title: script ? { zh: `${path} 被换成了脚本`, en: `a script stands in the place of ${path}` }
      : owner ? { zh: `${path} 不是软件包 ${owner.name} 装的那个`, en: `${path} is not the one that the package ${owner.name} ships` }
        : { zh: `${path} 不属于任何软件包`, en: `${path} is of no package` },
    evidence: [
      ...(owner ? [fact({ zh: '所属软件包', en: 'package' }, `${owner.name} ${owner.version}, ${owner.state}`)] : []),
      ...(script ? [fact({ zh: '开头', en: 'beginning' }, read.bytes.subarray(0, 300).toString('utf8'))] : []),
      ...(shows.length > 0 ? [fact({ zh: '里面的字样', en: 'strings in it' }, shows.join(' | '))] : []),
    ],
    means: { zh: '被替换的 sshd 或 ssh 会收集每个人的密码，还能凭暗门密码放人进来。', en: 'A replaced sshd or ssh gathers everybody\'s passwords and lets in whoever knows its own.' },
    fix: { text: { zh: '留证后重装软件包，改掉所有密码和密钥', en: 'keep it as evidence, install the package again, change all passwords and keys' }, commands: [['cp', '-a', path, '/root/evidence-ssh'], ['apt-get', 'install', '--reinstall', owner?.name ?? 'openssh-server']] },
    refs: ['attack:T1554', 'attack:T1556'],
  });
}

export interface Daemon { path: string; line: number; text: string; words: string[]; program: string; /** -f */ config: string | undefined; /** -o and -p as lines of a configuration. */ options: string[] }

/** Command lines that start an SSH daemon, in units and option files that are not as some package ships them. */
export async function daemonsOf(context: ScanContext): Promise<Daemon[]> {
  const paths = new Set<string>(optionFiles);
  for (const folder of unitFolders) {
    for (const path of filesOf(context, folder)) if (path.endsWith('.service')) paths.add(path);
    const names = attempt(context, folder, () => context.tree.list(folder)) ?? [];
    for (const name of names.filter((one) => one.endsWith('.service.d'))) for (const path of filesOf(context, `${folder}/${name}`)) paths.add(path);
  }
  const out: Daemon[] = [];
  for (const path of paths) {
    const text = readText(context, path);
    if (text === undefined || !/sshd|dropbear|SSHD_OPTS|OPTIONS/.test(text)) continue;
    if ((await context.provenance.owner(path))?.state === 'intact') continue;
    for (const line of linesOf(context, path, text, { joined: true })) {
      const command = /^\s*(?:Exec(?:Start|StartPre|StartPost|Reload)\s*=\s*[-+!:@]*|SSHD_OPTS=|OPTIONS=|DROPBEAR_EXTRA_ARGS=)(.*)$/.exec(line.text);
      if (!command) continue;
      const isOptions = !/^\s*Exec/.test(line.text);
      const words = commandsOf(isOptions ? `sshd ${command[1]!.replaceAll(/["']/g, '')}` : command[1]!)[0] ?? [];
      const program = words.find((word) => /(?:^|\/)\.?(?:sshd|dropbear)[\w.-]*$/.test(word));
      if (program === undefined || (isOptions && words.length < 2)) continue;
      const given = optionsOf(words.slice(words.indexOf(program) + 1));
      if (given.some(({ option }) => option === 't' || option === 'T')) continue; // a test of the configuration
      const options = given.flatMap(({ option, value }) => (option === 'o' ? [value] : option === 'p' ? [`Port ${value}`] : []));
      out.push({ path, line: line.number, text: line.text.trim(), words, program, config: given.findLast(({ option }) => option === 'f')?.value, options });
    }
  }
  return out;
}

/** Options of sshd that take a value. */
const withValue = new Set('CEbcfghkopu');

/** As getopt takes them apart: letters may stand together, and the value right behind its letter or in the next word. */
function optionsOf(words: readonly string[]): { option: string; value: string }[] {
  const out: { option: string; value: string }[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === '--') break;
    if (!word.startsWith('-') || word === '-') continue;
    for (let at = 1; at < word.length; at++) {
      const option = word[at]!;
      if (!withValue.has(option)) { out.push({ option, value: '' }); continue; }
      out.push({ option, value: at + 1 < word.length ? word.slice(at + 1) : words[++i] ?? '' });
      break;
    }
  }
  return out;
}

export const daemonFact = ({ path, line, text }: Daemon): Finding['evidence'][number] => lineFact(path, line, text);
