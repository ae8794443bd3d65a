/** Kernel command lines, in whichever file they stand. */
import type { Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';

/** `words` are arguments of the kernel, `images` the kernel and initramfs that the entry names. */
export interface Entry { line: number; text: string; words: string[]; images: string[] }

const entriesMax = 5000;

export const kernelWords = { init: /^(?:(?:\/usr)?\/s?bin\/(?:init|systemd|openrc-init|runit-init)|(?:\/usr)?\/lib\/systemd\/systemd|\/init|\/linuxrc)$/ };

/** Arguments that take a protection away. Administrators set some of them for speed: weaknesses, never signs of an intruder by themselves. */
export const weakWords: readonly { test: RegExp; level: Level; text: Text }[] = [
  { test: /^(?:rd\.)?systemd\.debug[-_]shell(?:=(?:1|yes|true|on|tty.*))?$/, level: 'high', text: { zh: '开机时在第 9 个终端开一个不要密码的 root shell', en: 'a root shell without a password is opened on terminal 9 at boot' } },
  { test: /^rd\.break(?:=.*)?$/, level: 'medium', text: { zh: '引导停在不要密码的 root shell', en: 'boot stops in a root shell without a password' } },
  { test: /^(?:single|systemd\.unit=(?:rescue|emergency)\.target)$/, level: 'low', text: { zh: '默认以单用户模式引导', en: 'the machine boots into single user mode' } },
  { test: /^module\.sig_enforce=0$/, level: 'medium', text: { zh: '内核接受没有签名的模块', en: 'the kernel takes modules without a signature' } },
  { test: /^lockdown=none$/, level: 'low', text: { zh: '内核锁定被关掉', en: 'lockdown of the kernel is off' } },
  { test: /^(?:apparmor=0|selinux=0|enforcing=0|security=none)$/, level: 'low', text: { zh: '强制访问控制（AppArmor/SELinux）被关掉', en: 'mandatory access control (AppArmor, SELinux) is off' } },
  { test: /^audit=(?:0|off)$/, level: 'low', text: { zh: '内核审计被关掉', en: 'auditing is off' } },
  { test: /^(?:mitigations=off|nopti|pti=off|nospectre_v[12]|spectre_v2=off|spec_store_bypass_disable=off|l1tf=off|mds=off)$/, level: 'low', text: { zh: '处理器漏洞的防护被关掉', en: 'protections against flaws of the processor are off' } },
  { test: /^(?:nokaslr|nosmep|nosmap|norandmaps|noexec=off|slub_debug=-|init_on_alloc=0)$/, level: 'medium', text: { zh: '内核的内存防护被关掉', en: 'a protection of the kernel\'s memory is off' } },
  { test: /^iomem=relaxed$/, level: 'medium', text: { zh: '放开了对物理内存的访问', en: 'access to the memory of devices is open' } },
];

/** Entries of a boot file by what it is: grub.cfg, /etc/default/grub, loader entries, extlinux, a bare line. `cut` is called when there are too many. */
export function entriesOf(path: string, text: string, cut: () => void = () => undefined): Entry[] {
  const entries: Entry[] = [];
  if (/\/(?:proc\/cmdline|etc\/kernel\/cmdline(?:\.d\/.*)?)$/.test(path)) return [{ line: 1, text, words: wordsOf(text), images: [] }];
  for (const [i, raw] of text.split('\n').entries()) {
    if (entries.length >= entriesMax) { cut(); break; }
    const line = raw.trim();
    if (line.startsWith('#') || line === '') continue;
    const setting = /^(?:export\s+)?(?:GRUB_CMDLINE_\w+|DEFAULT_APPEND|kernelopts)\s*\+?=\s*(.*)$/.exec(line);
    if (setting) { entries.push({ line: i + 1, text: line, words: wordsOf(setting[1]!.replace(/^(["'])(.*)\1.*$/, '$2')), images: [] }); continue; }
    const boot = /^(?:linux(?:16|efi)?|kernel|options|append|module2?|multiboot2?)\s+(.*)$/i.exec(line);
    if (boot) { const words = wordsOf(boot[1]!); const named = !/^(?:options|append)/i.test(line); entries.push({ line: i + 1, text: line, words: named ? words.slice(1) : words, images: named && words[0] !== undefined ? [words[0]] : [] }); continue; }
    const image = /^initrd(?:16|efi)?\s+(.*)$/i.exec(line);
    if (image) entries.push({ line: i + 1, text: line, words: [], images: wordsOf(image[1]!) });
  }
  return entries;
}

/** Split at blanks outside double quotes; what follows `--` is for the first process. */
function wordsOf(text: string): string[] {
  const words = [...text.matchAll(/(?:[^\s"]|"[^"]*"?)+/g)].map(([word]) => word);
  const dashes = words.indexOf('--');
  return dashes < 0 ? words : words.slice(0, dashes);
}
