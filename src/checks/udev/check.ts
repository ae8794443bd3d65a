/** Programs that udev starts when a device comes or goes. */
import { readHook, commandFindings, isShipped, listHook, writableFinding, type HookCommand, type Place } from '../hooks.ts';
import type { PlaceCheck } from '../port.ts';
import { linesOf } from '../hooks.ts';

const folders = ['/etc/udev/rules.d', '/run/udev/rules.d', '/usr/local/lib/udev/rules.d', '/usr/lib/udev/rules.d', '/lib/udev/rules.d'];
const programFolders = ['/usr/lib/udev', '/lib/udev', '/usr/local/lib/udev', '/usr/bin', '/usr/sbin', '/bin', '/sbin'];

const place: Place = {
  check: 'udev', name: { zh: 'udev 规则', en: 'udev rule' },
  means: { zh: '每当有设备出现，udev 就以 root 运行规则里的程序；开机时必有设备出现。', en: 'Whenever a device appears, and some do at each boot, udev runs the rule\'s program as root.' },
  refs: ['attack:T1546.017'],
};

export const udev: PlaceCheck = {
  id: 'udev',
  title: { zh: 'udev 规则', en: 'udev rules' },
  blind: { zh: '规则只启动 systemd 单元时，由 systemd 检查去看那个单元', en: 'a rule that only asks for a systemd unit is told by the check of units' },
  group: 'persistence',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    const seen = new Set<string>();
    for (const path of folders.flatMap((folder) => listHook(context, folder))) {
      const real = context.tree.real(path) ?? path;
      if (!path.endsWith('.rules') || seen.has(real) || await isShipped(context, path)) continue;
      seen.add(real);
      const file = readHook(context, path);
      if (!file) continue;
      const open = writableFinding(place, context, path, file.stat);
      if (open) yield open;
      yield* commandFindings(place, context, file, programsOfRules(file.text));
    }
  },
};

const keys = /\b(?:RUN(?:\{program\})?|PROGRAM|IMPORT\{program\})\s*(?:\+=|:=|==|!=|=)\s*(e?)"((?:[^"\\]|\\.){0,8192})"/g;

/** Commands of RUN, PROGRAM and IMPORT{program}; udev splits them itself, with single quotes. */
export function* programsOfRules(text: string): Iterable<HookCommand> {
  for (const { line, text: rule } of linesOf(text, /^\s*#/)) {
    for (const [, escaped, value = ''] of rule.matchAll(keys)) {
      const words = split(escaped ? value.replaceAll(/\\(["\\])/g, '$1') : value.replaceAll('\\"', '"'));
      if (words.length > 0) yield { line, text: rule.trim(), command: words, how: { path: programFolders } };
    }
  }
}

function split(value: string): string[] {
  const words: string[] = [];
  for (const found of value.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)) words.push((found[1] ?? found[2] ?? found[3]!).replaceAll('%%', '%').replaceAll('$$', '$'));
  return words;
}
