/** What runs before the system: boot entries and the kernel's command line, scripts that make and are put into the initramfs. */
import type { Finding } from '../../core/finding.ts';
import { judgeCommand, judged, judgeFile, joinJudgements, type Judgement, type Reason } from '../command.ts';
import { fact, lineFact } from '../finding.ts';
import { attempt, foldersOf, judgedFinding, linesOf, listHook, readHook, readUnshipped, scriptFindings, writableFinding, type HookFile, type Place } from '../hooks.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { entriesOf, kernelWords, weakWords, type Entry } from './command-line.ts';
import { cutOf, firstOf } from '../look.ts';

const generated = ['/boot/grub/grub.cfg', '/boot/grub2/grub.cfg', '/boot/efi/EFI/centos/grub.cfg', '/boot/efi/EFI/redhat/grub.cfg', '/boot/efi/EFI/rocky/grub.cfg', '/boot/efi/EFI/almalinux/grub.cfg', '/boot/efi/EFI/debian/grub.cfg', '/boot/efi/EFI/ubuntu/grub.cfg', '/boot/grub/custom.cfg', '/boot/grub2/custom.cfg', '/boot/grub/grubenv', '/boot/grub2/grubenv', '/boot/extlinux/extlinux.conf', '/boot/syslinux/syslinux.cfg'];
const settings = ['/etc/default/grub', '/etc/kernel/cmdline', '/etc/kernel/cmdline.d', '/etc/sysconfig/kernel'];
const entryFolders = ['/boot/loader/entries', '/boot/efi/loader/entries', '/efi/loader/entries'];
const scriptFolders = ['init-top', 'init-premount', 'init-bottom', 'local-top', 'local-block', 'local-premount', 'local-bottom', 'nfs-top', 'nfs-premount', 'nfs-bottom', 'panic'];
const initramfs = ['/etc/initramfs-tools', '/usr/share/initramfs-tools'].flatMap((base) => [`${base}/hooks`, `${base}/scripts`, `${base}/conf-hooks.d`, `${base}/conf.d`, ...scriptFolders.map((name) => `${base}/scripts/${name}`)]);
const dracutFolders = ['/usr/lib/dracut/modules.d', '/usr/share/dracut/modules.d', '/etc/dracut/modules.d'];
const grubFolders = ['/etc/grub.d', '/etc/initramfs/post-update.d', '/etc/mkinitcpio.d', '/etc/initcpio/hooks', '/etc/initcpio/install'];

const place: Place = {
  check: 'boot', name: { zh: '引导', en: 'boot' },
  means: { zh: '它早于系统里的一切防护，并决定内核带着哪些保护启动。', en: 'It comes before every guard of the system and decides which protections the kernel starts with.' },
  refs: ['attack:T1542'],
};

export const boot: PlaceCheck = {
  id: 'boot',
  title: { zh: '引导：内核命令行、GRUB、initramfs', en: 'boot: kernel command line, GRUB, initramfs' },
  blind: { zh: '不看引导程序本身，只看它的配置；initramfs 的内容由 initramfs 检查项看', en: 'does not open the boot loader itself, only its settings; what the initramfs holds is seen by the check initramfs' },
  group: 'persistence',
  scope: 'tree',
  everyMinutes: 360,
  async *run(context) {
    const planned = new Set<string>();
    const defaults = [...settings.flatMap((path) => (attempt(context, path, () => context.tree.stat(path))?.kind === 'folder' ? listHook(context, path) : [path])), ...listHook(context, '/etc/default/grub.d').filter((path) => path.endsWith('.cfg'))];
    for (const path of defaults) {
      const file = readHook(context, path);
      for (const { words } of file ? entriesOf(path, file.text) : []) for (const word of words) planned.add(word);
    }
    for (const path of [...defaults, ...generated, ...entryFolders.flatMap((folder) => listHook(context, folder)), '/proc/cmdline']) yield* entries(path, context, planned);
    for (const path of [...grubFolders, ...initramfs].flatMap((folder) => listHook(context, folder))) if (!/\/(?:README|functions)$/.test(path)) yield* imageScript({ ...place, name: { zh: '生成引导的脚本', en: 'script of the boot image' } }, context, path);
    for (const folder of dracutFolders.flatMap((base) => foldersOf(context, base))) for (const path of listHook(context, folder)) yield* imageScript({ ...place, name: { zh: 'dracut 模块', en: 'module of dracut' } }, context, path);
    for (const path of ['/etc/dracut.conf', ...['/etc/dracut.conf.d', '/usr/lib/dracut/dracut.conf.d'].flatMap((folder) => listHook(context, folder))]) yield* dracut(path, context);
  },
};

const lineMax = 8192;
/** How scripts of an initramfs name the real root, and what stands there that runs programs or lets people in. */
const realRoot = /(?:>{1,2}|\b(?:cp|mv|ln|install|tee|sed|rsync|dd|cat|touch|mkdir)\b[^\n;&|]{0,300}?)\s*["']?(?:of=)?["']?(?:\$\{?(?:rootmnt|ROOTMNT|NEWROOT)\}?|\/sysroot|\/new_root|\/root)["']?\/["']?(?:etc\/(?:cron|crontab|anacrontab|passwd|shadow|group|sudoers|systemd\/|init\.d|rc\.local|rc\d|ld\.so\.preload|profile|pam\.d|ssh\/|udev|bash\.bashrc)|(?:usr\/)?(?:local\/)?(?:s?bin|lib(?:64)?|libexec)\/|root\/\.|home\/|var\/spool\/cron)/;

async function* imageScript(named: Place, context: ScanContext, path: string): AsyncIterable<Finding> {
  yield* scriptFindings(named, context, [path]);
  const file = await readUnshipped(named, context, path);
  for (const { line, text } of file ? linesOf(file.text) : []) {
    if (text.length > lineMax) cutOf(context, path)();
    if (!realRoot.test(text.slice(0, lineMax))) continue;
    const found = judgedFinding(named, { path, key: `root\0${text.trim()}`, judged: judged([{ level: 'high', text: { zh: '开机时往真正的系统里写程序、任务或账号', en: 'it puts programs, jobs or accounts into the real system at each boot' }, evidence: lineFact(path, line, text.trim()), attack: ['T1542', 'T1543'] }]), evidence: [], time: file!.stat.changed, fix: { zh: '去掉这个脚本，重新生成 initramfs', en: 'take the script away and make the initramfs anew' }, commands: [['update-initramfs', '-u']] });
    if (found) { yield found; return; }
  }
}

async function* entries(path: string, context: ScanContext, planned: ReadonlySet<string>): AsyncIterable<Finding> {
  const file = readHook(context, path, 4 << 20);
  if (!file) return;
  if (!path.startsWith('/proc/') && !path.startsWith('/boot/efi/')) { const open = writableFinding(place, context, path, file.stat); if (open) yield open; }
  const told = new Set<string>();
  for (const entry of entriesOf(path, file.text, cutOf(context, path))) {
    for (const word of entry.words) {
      if (told.has(word)) continue;
      const judgement = await judgeWord(word, context);
      if (!judgement) continue;
      told.add(word);
      const hand = path.endsWith('/grub.cfg') && planned.size > 0 && !planned.has(word);
      const found = judgedFinding({ ...place, name: { zh: '内核命令行', en: 'kernel command line' } }, {
        path, key: word, judged: judgement, evidence: evidenceOf(file, entry, hand), time: file.stat.changed,
        fix: path === '/proc/cmdline' ? { zh: '改引导配置后重启', en: 'change the boot settings and restart' } : { zh: `从 ${path} 去掉 ${word}，重新生成引导配置`, en: `take ${word} out of ${path} and make the boot settings anew` },
        commands: path.endsWith('grub.cfg') ? [['update-grub']] : [],
      });
      if (found) yield found;
    }
    const images = imageReasons(entry, path);
    const found = judgedFinding(place, { path, key: `${entry.text}\0image`, judged: judged(images), evidence: evidenceOf(file, entry, false), time: file.stat.changed, fix: { zh: `检查 ${path} 的这一项`, en: `look at this entry of ${path}` } });
    if (found) yield found;
  }
}

const evidenceOf = ({ path }: HookFile, { line, text }: Entry, hand: boolean): Finding['evidence'] => [lineFact(path, line, text.trim()), ...(hand ? [fact({ zh: '直接改在生成的文件里', en: 'written into the generated file by hand' }, '/etc/default/grub')] : [])];

/** A kernel or initramfs behind a hidden name, or from a folder that anybody may write to. */
function imageReasons({ images, line, text }: Entry, path: string): Reason[] {
  return images.filter((image) => /\/\.[^./]|^\/(?:tmp|var\/tmp|dev\/shm|home)\//.test(image)).map(() => ({ level: 'high', text: { zh: '引导项的内核或 initramfs 在隐藏或任何人能写的地方', en: 'a boot entry takes its kernel or initramfs from a hidden or open place' }, evidence: lineFact(path, line, text.trim()), attack: ['T1542.003'] }));
}

/** What one word of a kernel command line is worth; undefined for an ordinary one. */
async function judgeWord(word: string, context: ScanContext): Promise<Judgement | undefined> {
  const equals = word.indexOf('=');
  const name = equals < 0 ? word : word.slice(0, equals);
  const value = equals < 0 ? '' : word.slice(equals + 1).replace(/^"(.*)"$/, '$1');
  if (name === 'init' || name === 'rdinit') {
    if (kernelWords.init.test(value)) return undefined;
    if (/\/(?:ba|da|a)?sh$/.test(value)) return judged([{ level: 'high', kind: 'weakness', text: { zh: '开机直接进入不要密码的 root shell', en: 'the machine boots into a root shell without a password' }, evidence: fact({ zh: '参数', en: 'argument' }, word), attack: ['T1542'] }]);
    const file = await judgeFile(value, context);
    const [first] = file.programs;
    if (first?.owner && first.owner.state !== 'modified') return undefined;
    // The first program of an initramfs lies in that, not here.
    if (name === 'rdinit' && !first?.there) return judged([{ level: 'low', kind: 'notice', text: { zh: 'initramfs 里的第一个程序不是通常的那个', en: 'the first program of the initramfs is not the usual one' }, evidence: fact({ zh: '参数', en: 'argument' }, word), attack: ['T1542'] }]);
    return joinJudgements([file, judged([{ level: context.provenance.known && name === 'init' ? 'high' : 'medium', text: { zh: '第一个进程被换成不属于任何软件包的程序', en: 'the first process is a program that no package ships' }, evidence: fact({ zh: '参数', en: 'argument' }, word), attack: ['T1542'] }])]);
  }
  if (name === 'systemd.run') return joinJudgements([await judgeCommand(value, context), judged([{ level: 'medium', text: { zh: '开机由内核命令行运行一条命令', en: 'the kernel command line has a command run at boot' }, evidence: fact({ zh: '参数', en: 'argument' }, word), attack: ['T1542'] }])]);
  const weak = weakWords.find(({ test }) => test.test(word));
  return weak && judged([{ level: weak.level, kind: 'weakness', text: weak.text, evidence: fact({ zh: '参数', en: 'argument' }, word), attack: ['T1562'] }]);
}

/** dracut.conf is a shell script; files that it puts into the image are programs of the earliest boot. */
async function* dracut(path: string, context: ScanContext): AsyncIterable<Finding> {
  const file = await readUnshipped(place, context, path);
  if (!file) return;
  yield* file.open;
  for (const { line, text } of linesOf(file.text)) {
    const installs = /^\s*(?:install_items|install_optional_items|early_microcode_image_dir|force_drivers|add_drivers)\+?=["']?([^"']*)/.exec(text);
    const parts = installs ? await Promise.all(firstOf(context, path, installs[1]!.split(/\s+/).filter((word) => word.startsWith('/')), 1000).map((word) => judgeFile(word, context))) : [await judgeCommand(text, context)];
    const found = judgedFinding(place, { path, key: text.trim(), judged: joinJudgements(parts), evidence: [lineFact(path, line, text.trim())], time: file.stat.changed, fix: { zh: `去掉 ${path} 第 ${line} 行`, en: `take out line ${line} of ${path}` } });
    if (found) yield found;
  }
}
