/** Programs that the kernel itself starts as root: dump handlers, module loader, device helper, foreign binaries, keys. */
import type { Finding } from '../../core/finding.ts';
import { judgeCommand, judged, judgeFile, joinJudgements, type Judgement, type Reason } from '../command.ts';
import { fact, finding, lineFact, withoutLine } from '../finding.ts';
import { attempt, isOwned, isShipped, judgedFinding, linesOf, listHook, readHook, readUnshipped, type Place } from '../hooks.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { baseName } from '../shell-words.ts';
import { readBinfmt, readRegistered, type Binfmt } from './binfmt.ts';

const sysctlFiles = ['/etc/sysctl.conf'];
const sysctlFolders = ['/etc/sysctl.d', '/run/sysctl.d', '/usr/local/lib/sysctl.d', '/usr/lib/sysctl.d', '/lib/sysctl.d'];
const binfmtFolders = ['/etc/binfmt.d', '/run/binfmt.d', '/usr/local/lib/binfmt.d', '/usr/lib/binfmt.d'];
const registered = '/proc/sys/fs/binfmt_misc';

const place: Place = {
  check: 'kernel-helpers', name: { zh: '内核调用的程序', en: 'program that the kernel calls' },
  means: { zh: '内核以 root 身份、在所有容器之外运行它：崩溃一个程序或插一个设备就能触发。', en: 'The kernel runs it as root and outside all containers: a crash or a device is enough to start it.' },
  refs: ['attack:T1546'],
};

/** A switch of the kernel that names a program; `expected` are the programs that belong there. */
interface Switch { key: string; file: string; piped?: boolean; expected: RegExp }
/** What systems have of themselves. */
const usual: Readonly<Record<string, string>> = { 'kernel.core_pattern': 'core', 'kernel.modprobe': '/sbin/modprobe' };
const switches: readonly Switch[] = [
  { key: 'kernel.core_pattern', file: '/proc/sys/kernel/core_pattern', piped: true, expected: /^\/usr\/(?:lib|libexec|share)\/(?:systemd\/systemd-coredump|apport\/apport|abrt-hook-ccpp)|^\/(?:wsl-capture-crash|lib\/systemd\/systemd-coredump)|^\/usr\/sbin\/(?:unikernel-coredump|chroot)$|^\/bin\/(?:false|true)$/ },
  { key: 'kernel.modprobe', file: '/proc/sys/kernel/modprobe', expected: /^(?:\/usr)?\/s?bin\/modprobe$|^\/nix\/store\/|^\/bin\/(?:true|false)$/ },
  { key: 'kernel.hotplug', file: '/proc/sys/kernel/hotplug', expected: /^\/sbin\/(?:hotplug|mdev)$/ },
  { key: 'kernel.uevent_helper', file: '/sys/kernel/uevent_helper', expected: /^\/sbin\/(?:hotplug|mdev)$/ },
  { key: 'kernel.poweroff_cmd', file: '/proc/sys/kernel/poweroff_cmd', expected: /^(?:\/usr)?\/s?bin\/poweroff\b/ },
];

export const kernelHelpers: PlaceCheck = {
  id: 'kernel-helpers',
  title: { zh: '内核调用的程序（core_pattern、modprobe、binfmt 等）', en: 'programs that the kernel calls (core_pattern, modprobe, binfmt)' },
  blind: { zh: '其他容器自己登记的 binfmt 看不到', en: 'cannot see binfmt registrations of other user namespaces' },
  group: 'persistence',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    for (const one of switches) {
      const file = readHook(context, one.file, 4096);
      const value = file?.text.trim() ?? '';
      if (file && value !== '') yield* switched(one, value, one.file, { line: 1, text: value }, file.stat.changed, context);
    }
    for (const path of [...sysctlFiles, ...sysctlFolders.flatMap((folder) => listHook(context, folder).filter((file) => file.endsWith('.conf')))]) yield* sysctl(path, context);
    for (const path of listHook(context, registered)) if (!/\/(?:register|status)$/.test(path)) yield* live(path, context);
    for (const path of binfmtFolders.flatMap((folder) => listHook(context, folder))) if (path.endsWith('.conf')) yield* planned(path, context);
    for (const path of ['/etc/request-key.conf', ...listHook(context, '/etc/request-key.d')]) yield* requestKey(path, context);
    for (const folder of ['/sys/fs/cgroup', ...(attempt(context, '/sys/fs/cgroup', () => context.tree.list('/sys/fs/cgroup')) ?? []).map((name) => `/sys/fs/cgroup/${name}`)]) yield* release(`${folder}/release_agent`, context);
  },
};

async function* switched({ key, piped, expected }: Switch, value: string, path: string, at: { line: number; text: string }, time: number, context: ScanContext): AsyncIterable<Finding> {
  if (piped && !value.startsWith('|')) return;
  const command = piped ? value.slice(1).trim() : value;
  const program = command.split(/\s+/)[0]!;
  if (program === '' || (expected.test(program) && await isTrusted(context, program))) return;
  const judgement = await judgeCommand(command, context);
  const owner = judgement.programs[0]?.owner;
  const extra: Reason[] = owner && owner.state !== 'modified' ? [] : [{ level: piped ? 'medium' : 'high', text: { zh: `${key} 指向一个不属于任何软件包的程序`, en: `${key} names a program that no package ships` }, evidence: fact({ zh: '程序', en: 'program' }, program), attack: ['T1546', 'T1611'] }];
  const found = judgedFinding(place, {
    path, key, judged: extra.length > 0 && (context.provenance.known || !expected.test(program)) ? joinJudgements([judgement, judged(extra)]) : judgement, evidence: [lineFact(path, at.line, `${key}=${value}`)], time, user: 'root',
    fix: { zh: `把 ${key} 改回系统原来的值`, en: `set ${key} back to the value of the system` }, commands: path.startsWith('/proc/sys/') ? [['sysctl', '-w', `${key}=${key === 'kernel.modprobe' ? '/sbin/modprobe' : key === 'kernel.core_pattern' ? 'core' : ''}`]] : [],
    ...(path.startsWith('/proc/sys/') ? usual[key] !== undefined && { actions: [{ action: 'change-setting', input: { kind: 'sysctl', key, value: usual[key] } }] } : { actions: withoutLine(path, at.line, at.text) }),
  });
  if (found) yield found;
}

/** The usual program of a switch, not changed; where nobody knows of packages, the usual name is all there is. */
async function isTrusted(context: ScanContext, program: string): Promise<boolean> {
  if (!context.provenance.known || attempt(context, program, () => context.tree.real(program)) === undefined) return true;
  const { programs } = await judgeFile(program, context);
  return programs[0]?.owner !== undefined && programs[0].owner.state !== 'modified';
}

async function* sysctl(path: string, context: ScanContext): AsyncIterable<Finding> {
  const file = await readUnshipped(place, context, path);
  if (!file) return;
  yield* file.open;
  for (const { line, text } of linesOf(file.text)) {
    const found = /^\s*-?([\w./-]+)\s*=(.*)$/s.exec(text);
    const one = found && switches.find(({ key }) => key === found[1]!.replaceAll('/', '.'));
    if (one) yield* switched(one, found[2]!.trim(), path, { line, text }, file.stat.changed, context);
  }
}

async function* live(path: string, context: ScanContext): AsyncIterable<Finding> {
  const file = readHook(context, path, 8192);
  const one = file && readRegistered(baseName(path), file.text);
  if (one) yield* format(one, path, file.text.trim(), 1, file.stat.changed, context);
}

async function* planned(path: string, context: ScanContext): AsyncIterable<Finding> {
  if (await isShipped(context, path)) return;
  const file = readHook(context, path);
  if (!file) return;
  for (const { line, text } of linesOf(file.text)) {
    const one = readBinfmt(text.trim());
    if (one) yield* format(one, path, text.trim(), line, file.stat.changed, context);
  }
}

/** A program for a kind of file. One that takes over programs of this machine, with the rights of set-uid ones, is a back door. */
async function* format(one: Binfmt, path: string, text: string, line: number, time: number, context: ScanContext): AsyncIterable<Finding> {
  if (one.interpreter === '') return;
  const judgement: Judgement = await judgeFile(one.interpreter, context);
  const there = judgement.programs[0]?.there === true;
  const shipped = await isOwned(context, one.interpreter);
  const extra: Reason[] = [];
  const evidence = lineFact(path, line, text);
  const native = one.magic.startsWith('7f454c46') && (one.mask === '' || one.mask.startsWith('ffffffff')) && (one.magic.length <= 32 || /^7f454c46(?:0201.{24}0[23]00(?:3e00|b700)|0101.{24}0[23]000300)/.test(one.magic));
  const scripts = one.magic.startsWith('2321');
  if (there && !shipped && (native || scripts)) extra.push({ level: one.credentials ? 'critical' : 'high', text: { zh: '登记了一个程序来接管本机的可执行文件', en: 'a program is registered to take over the executables of this machine' }, evidence, attack: ['T1546'] });
  else if (there && !shipped && one.credentials && context.provenance.known) extra.push({ level: 'medium', text: { zh: '不属于任何软件包的解释器会带着 SUID 程序的权限运行（标志 C）', en: 'an interpreter that no package ships runs with the rights of set-uid files (flag C)' }, evidence, attack: ['T1548.001'] });
  const found = judgedFinding({ ...place, name: { zh: 'binfmt_misc 登记', en: 'registration of binfmt_misc' } }, { path, key: one.name, judged: extra.length > 0 ? joinJudgements([judgement, judged(extra)]) : judgement, evidence: [evidence], time, fix: { zh: '注销这个登记，再查它从何而来', en: 'take the registration back, then see where it came from' } });
  if (found) yield found;
}

/** `OP TYPE DESCRIPTION CALLOUT PROGRAM ARG…`: asked by the kernel for keys. */
async function* requestKey(path: string, context: ScanContext): AsyncIterable<Finding> {
  const file = await readUnshipped(place, context, path);
  if (!file) return;
  yield* file.open;
  for (const { line, text } of linesOf(file.text)) {
    const words = text.trim().split(/\s+/).slice(4);
    if (words.length === 0) continue;
    const found = judgedFinding(place, { path, key: text.trim(), judged: await judgeCommand(words.join(' ').replace(/^\|/, ''), context), evidence: [lineFact(path, line, text.trim())], time: file.stat.changed, user: 'root', fix: { zh: `去掉 ${path} 第 ${line} 行`, en: `take out line ${line} of ${path}` } });
    if (found) yield found;
  }
}

async function* release(path: string, context: ScanContext): AsyncIterable<Finding> {
  if (attempt(context, path, () => context.tree.stat(path)) === undefined) return;
  const file = readHook(context, path, 4096);
  const program = file?.text.trim() ?? '';
  if (!file || program === '' || program.endsWith('/systemd-cgroups-agent')) return;
  yield finding('kernel-helpers', path, {
    kind: 'intrusion', level: 'high', path, time: file.stat.changed, title: { zh: `cgroup 的 release_agent 指向 ${program}：常见的容器逃逸手法`, en: `release_agent of a control group names ${program}: a common way out of containers` },
    evidence: [fact({ zh: '程序', en: 'program' }, program)], means: place.means, refs: ['attack:T1611'],
  });
}
