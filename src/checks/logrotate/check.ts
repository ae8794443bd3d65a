/** Scripts that logrotate runs before and after it turns logs. */
import type { Finding } from '../../core/finding.ts';
import { judgeFile, judgeText } from '../command.ts';
import { lineFact } from '../finding.ts';
import { isShipped, judgedFinding, listHook, attempt, readHook, writableFinding, type Place } from '../hooks.ts';
import { tellIncludes } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';

const places = ['/etc/logrotate.conf', '/etc/logrotate.d'];
const filesMax = 5000;

const place: Place = {
  check: 'logrotate', name: { zh: '日志轮转脚本', en: 'script of logrotate' },
  means: { zh: 'logrotate 每天以 root 运行它。', en: 'logrotate runs it as root every day.' },
  refs: ['attack:T1053'],
};

export const logrotate: PlaceCheck = {
  id: 'logrotate',
  title: { zh: '日志轮转脚本', en: 'scripts of logrotate' },
  blind: { zh: '只看 /etc/logrotate.conf 和它包含的文件，用别的配置手工运行的看不到', en: 'follows /etc/logrotate.conf and what it includes, no other configuration given by hand' },
  group: 'persistence',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    const left = [...places];
    const seen = new Set<string>();
    while (left.length > 0) {
      const path = left.shift()!;
      const real = attempt(context, path, () => context.tree.real(path));
      if (real === undefined || seen.has(real)) continue;
      if (seen.size >= filesMax) { tellIncludes(context, path, filesMax); return; }
      seen.add(real);
      if (attempt(context, path, () => context.tree.stat(real))?.kind === 'folder') left.push(...listHook(context, path));
      else yield* read(path, context, left);
    }
  },
};

const begins = /(?:^|\{)\s*(?:prerotate|postrotate|firstaction|lastaction|preremove)\b/;
const commandSetting = /^\s*(?:compresscmd|uncompresscmd|shredcycles_cmd)\s*=?\s*(\S+)/;

export interface Script { line: number; text: string }

/** Scripts, programs and further files that a configuration names. */
export function readRotation(text: string): { scripts: Script[]; programs: Script[]; includes: string[] } {
  const scripts: Script[] = [];
  const programs: Script[] = [];
  const includes: string[] = [];
  let open: { line: number; lines: string[] } | undefined;
  for (const [i, line] of text.split('\n').entries()) {
    if (open) {
      if (/(?:^|\s)endscript\b/.test(line)) { scripts.push({ line: open.line, text: open.lines.join('\n') }); open = undefined; } else open.lines.push(line);
      continue;
    }
    if (/^\s*#/.test(line)) continue;
    if (begins.test(line)) { open = { line: i + 2, lines: [] }; continue; }
    const include = /^\s*include\s+=?\s*["']?(\/[^"'\s]+)/.exec(line);
    if (include) includes.push(include[1]!);
    const program = commandSetting.exec(line);
    if (program) programs.push({ line: i + 1, text: program[1]! });
  }
  // A script that never ends is run to the end of the file.
  if (open) scripts.push({ line: open.line, text: open.lines.join('\n') });
  return { scripts, programs, includes };
}

async function* read(path: string, context: ScanContext, left: string[]): AsyncIterable<Finding> {
  const shipped = await isShipped(context, path);
  const file = readHook(context, path);
  if (!file) return;
  const { scripts, programs, includes } = readRotation(file.text);
  left.push(...includes);
  if (shipped) return;
  const open = writableFinding(place, context, path, file.stat);
  if (open) yield open;
  for (const { line, text } of scripts) {
    const found = judgedFinding(place, { path, key: text, judged: await judgeText(text, context), evidence: [lineFact(path, line, text)], time: file.stat.changed, user: 'root', fix: { zh: `检查 ${path} 第 ${line} 行起的脚本`, en: `look at the script from line ${line} of ${path} on` } });
    if (found) yield found;
  }
  for (const { line, text } of programs) {
    const found = judgedFinding(place, { path, key: text, judged: await judgeFile(text, context), evidence: [lineFact(path, line, text)], time: file.stat.changed, user: 'root', fix: { zh: `检查 ${path} 第 ${line} 行`, en: `look at line ${line} of ${path}` } });
    if (found) yield found;
  }
}
