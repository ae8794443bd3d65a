/** What the older ways of starting run: init.d, rc.local, runlevels, inittab, upstart, OpenRC, and the settings they source. */
import type { Finding } from '../../core/finding.ts';
import { judgeText } from '../command.ts';
import { fact, finding, lineFact } from '../finding.ts';
import { attempt, commandFindings, configFindings, isShipped, judgedFinding, linesOf, listHook, readHook, readUnshipped, scriptFindings, type HookCommand, type Place } from '../hooks.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';

const scriptFolders = ['/etc/init.d', '/etc/rc.d/init.d', '/etc/local.d'];
const scripts = ['/etc/rc.local', '/etc/rc.d/rc.local', '/etc/rc.d/rc.sysinit', '/etc/rc.d/rc', '/etc/rc.local.shutdown', '/etc/init.d/boot.local', '/etc/boot.local', '/etc/rc.boot'];
const runlevels = ['0', '1', '2', '3', '4', '5', '6', 'S'].flatMap((level) => [`/etc/rc${level}.d`, `/etc/rc.d/rc${level}.d`]);
const sourced = ['/etc/default', '/etc/sysconfig', '/etc/conf.d'];

const place: Place = {
  check: 'init', name: { zh: '启动脚本', en: 'start script' },
  means: { zh: '它在每次开机时以 root 运行。', en: 'It runs as root at each boot.' },
  refs: ['attack:T1037.004'],
};

export const init: PlaceCheck = {
  id: 'init',
  title: { zh: '启动脚本（init.d、rc.local、inittab）', en: 'start scripts (init.d, rc.local, inittab)' },
  blind: { zh: '不判断脚本启动的程序本身是好是坏，只看它的来历和位置', en: 'judges the programs that scripts start by whose they are and where they lie only' },
  group: 'persistence',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    const seen = new Set<string>();
    const fresh = (path: string): boolean => { const real = attempt(context, path, () => context.tree.real(path)); if (real === undefined || seen.has(real)) return false; seen.add(real); return true; };
    for (const path of [...scripts, ...scriptFolders.flatMap((folder) => listHook(context, folder))]) if (!/\/(?:README|\.depend\.\w+|functions)$/.test(path) && fresh(path)) yield* scriptFindings(place, context, [path]);
    for (const folder of runlevels) for (const path of listHook(context, folder)) yield* runlevel(path, context, fresh);
    for (const folder of sourced) for (const path of listHook(context, folder)) if (fresh(path)) yield* settings(path, context);
    yield* configFindings(place, context, '/etc/inittab', processesOf);
    for (const path of listHook(context, '/etc/init')) if (path.endsWith('.conf')) yield* upstart(path, context);
  },
};

/** Links of a runlevel lead to init.d; a file of its own, or a link elsewhere, is read as a script. */
async function* runlevel(path: string, context: ScanContext, fresh: (path: string) => boolean): AsyncIterable<Finding> {
  if (path.endsWith('/README')) return;
  const real = attempt(context, path, () => context.tree.real(path));
  if (real === undefined || /^\/etc\/(?:rc\.d\/)?init\.d\//.test(real) || !fresh(path)) return;
  yield* scriptFindings(place, context, [path]);
  const stat = context.tree.stat(path);
  if (stat?.kind !== 'link' || await isShipped(context, path)) return;
  yield finding('init', `${path}\0elsewhere`, {
    kind: 'notice', level: 'low', path, time: stat.changed, title: { zh: `运行级别里的链接指向 init.d 之外：${path}`, en: `a link of a runlevel leads out of init.d: ${path}` },
    evidence: [fact({ zh: '指向', en: 'leads to' }, real)], means: place.means, refs: place.refs,
  });
}

/** Files of settings that start scripts source: whatever they hold is run. */
async function* settings(path: string, context: ScanContext): AsyncIterable<Finding> {
  const file = await readUnshipped(place, context, path);
  if (!file || file.text.includes('\0')) return;
  yield* file.open;
  const judged = await judgeText(file.text, context, { file: path });
  const found = judgedFinding({ ...place, name: { zh: '启动脚本读入的设置', en: 'settings that start scripts source' } }, { path, key: 'settings', judged, evidence: [], time: file.stat.changed, fix: { zh: `检查 ${path}`, en: `look at ${path}` } });
  if (found) yield found;
}

/** `id:runlevels:action:process`. */
function* processesOf(text: string): Iterable<HookCommand> {
  for (const { line, text: entry } of linesOf(text, /^\s*#/)) {
    const found = /^[^:]*:[^:]*:([^:]*):(.*)$/.exec(entry);
    if (found && found[1] !== 'initdefault' && found[2]!.trim() !== '') yield { line, text: entry, command: found[2]!.replace(/^[+@]+/, '') };
  }
}

/** `exec LINE` and `script … end script`. */
async function* upstart(path: string, context: ScanContext): AsyncIterable<Finding> {
  if (await isShipped(context, path)) return;
  const file = readHook(context, path);
  if (!file) return;
  const lines = file.text.split('\n');
  let script: { from: number; lines: string[] } | undefined;
  for (const [i, line] of lines.entries()) {
    const exec = /^\s*(?:(?:pre|post)-(?:start|stop)\s+)?exec\s+(.*)$/.exec(line);
    if (script) {
      if (!/^\s*end script/.test(line)) { script.lines.push(line); continue; }
      const judged = await judgeText(script.lines.join('\n'), context);
      const found = judgedFinding(place, { path, key: String(script.lines), judged, evidence: [lineFact(path, script.from, script.lines.join('\n'))], time: file.stat.changed, fix: { zh: `检查 ${path}`, en: `look at ${path}` } });
      if (found) yield found;
      script = undefined;
    } else if (/^\s*(?:(?:pre|post)-(?:start|stop)\s+)?script\s*$/.test(line)) script = { from: i + 1, lines: [] };
    else if (exec) yield* commandFindings(place, context, file, [{ line: i + 1, text: line, command: exec[1]! }]);
  }
}
