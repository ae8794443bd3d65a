/** Scripts and variables that everybody who logs on runs: of the system and of each home. */
import { atLeast, type Level } from '../../core/level.ts';
import type { Finding, FindingKind } from '../../core/finding.ts';
import { judgeCommand, judgeFile, variableReasons, type How, type Reason } from '../command.ts';
import { fact, finding, lessRights, lineFact, octal } from '../finding.ts';
import { anyoneWrites, attempt, concealment, linesIn, linesOf, readText, statOf, targetStat, tellRest, type Line, cutOf } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { commandsIn } from './embedded.ts';
import { aliasesOf, assignmentsOf, debugTrap, functionName, loadsValue, recordsTyping, runsValue, variableSign } from './lines.ts';
import { places, templates, type Place } from './places.ts';
import { isGuarded, shadowing, type Sign } from '../shadowing.ts';

/** Of all functions of one file that stand for another program. */
const functionLinesMax = 20_000;
const lineMax = 64 * 1024;
/** Of each kind and level, so that slight ones do not crowd out a grave one. */
const findingsPerFileMax = 30;

export const loginScripts: PlaceCheck = {
  id: 'login-scripts',
  title: { zh: '登录脚本与环境变量', en: 'log-on scripts and variables' },
  blind: { zh: '运行时才拼出来的命令看不出来；改了位置的启动文件（ZDOTDIR、XDG_CONFIG_HOME）不会去找', en: 'cannot tell commands put together at run time; start files moved elsewhere (ZDOTDIR, XDG_CONFIG_HOME) are not looked for' },
  group: 'persistence',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    const shipped = await shippedLines(context);
    const seen = new Set<string>();
    for (const place of places(context)) {
      const real = attempt(context, place.path, () => context.tree.real(place.path));
      if (real === undefined || seen.has(real)) continue;
      seen.add(real);
      const owner = await context.provenance.owner(place.path);
      // What lies in a home is nobody's package; a system file as it was shipped says nothing.
      if (owner && owner.state === 'intact') continue;
      yield* modeOf(place, context);
      yield* judged(place, shipped, context);
    }
  },
};

async function* judged(place: Place, shipped: ReadonlySet<string>, context: ScanContext): AsyncIterable<Finding> {
  switch (place.kind) {
    case 'script': {
      const stat = targetStat(context, place.path);
      if (!stat || (stat.mode & 0o111) === 0) return;
      const { reasons } = await judgeFile(place.path, context, howOf(place));
      const worst = weighed(reasons, place)[0];
      if (worst) yield found(place, place.path, worst, [], reasons, stat.changed);
      return;
    }
    case 'desktop': {
      const text = readText(context, place.path) ?? '';
      for (const line of linesOf(context, place.path, text)) {
        const exec = /^\s*(?:Try)?Exec\s*=\s*(.+)$/.exec(line.text)?.[1];
        if (exec !== undefined) yield* byCommand(place, line, exec, context);
      }
      return;
    }
    case 'settings': yield* settings(place, context); return;
    case 'environment': case 'shell': yield* shellLines(place, shipped, context);
  }
}

/** Only what intruders put there: people fetch plug-ins and start tools of their own from here. */
async function* settings(place: Place, context: ScanContext): AsyncIterable<Finding> {
  for (const line of linesIn(context, place.path)) {
    if (line.text.length > lineMax) { cutOf(context, place.path)(); line.text = line.text.slice(0, lineMax); }
    for (const command of commandsIn(place.path, line.text)) yield* byCommand(place, line, command, context, true);
  }
}

async function* shellLines(place: Place, shipped: ReadonlySet<string>, context: ScanContext): AsyncIterable<Finding> {
  const text = readText(context, place.path);
  if (text === undefined) return;
  if (text.slice(0, 4096).includes('\0')) { context.count('log-on scripts that are no text'); return; }
  const changed = targetStat(context, place.path)?.changed ?? 0;
  const lines = [...linesOf(context, place.path, text, { joined: true })];
  const told = new Map<string, number>();
  const budget = { functionLines: functionLinesMax };
  for (const [i, line] of lines.entries()) {
    if (shipped.has(line.text.trim())) continue;
    if (line.text.length > lineMax) { context.blind(place.path, { zh: `第 ${line.number} 行超过 ${lineMax} 个字符，后面的没看`, en: `line ${line.number} is longer than ${lineMax} characters, and what follows was not looked at` }); line.text = line.text.slice(0, lineMax); }
    for await (const one of oneLine(place, line, i, lines, changed, budget, context)) {
      const sort = `${one.kind} ${one.level}`;
      const n = (told.get(sort) ?? 0) + 1;
      told.set(sort, n);
      if (n > findingsPerFileMax) context.count('findings of a log-on script beyond the limit'); else yield one;
    }
  }
  if (told.size === 0 && /\/(?:\.ssh\/rc|etc\/ssh\/sshrc)$/.test(place.path)) {
    yield found(place, place.path, { kind: 'notice', level: 'low', text: { zh: '每次 SSH 登录都会运行它，平常服务器没有这个文件', en: 'it is run at each SSH log-on; ordinary servers have none' }, attack: ['T1098.004'] }, lines.slice(0, 10).map((line) => lineFact(place.path, line.number, line.text)), [], changed);
  }
}

interface FunctionBudget { functionLines: number }

async function* oneLine(place: Place, line: Line, at: number, lines: readonly Line[], changed: number, budget: FunctionBudget, context: ScanContext): AsyncIterable<Finding> {
  const tell = (sign: Sign, reasons: readonly Reason[] = []): Finding => found(place, `${place.path}\0${line.text}\0${sign.text.en}`, sign, [lineFact(place.path, line.number, line.text.trim())], reasons, changed);
  const hidden = concealment(line.text);
  if (hidden) yield tell({ kind: 'intrusion', level: 'high', text: hidden, attack: ['T1564', 'T1546.004'] });
  const writable = (folder: string): boolean => {
    const stat = targetStat(context, folder);
    return stat?.kind === 'folder' && (stat.mode & 0o002) !== 0;
  };
  const variables = assignmentsOf(line.text, cutOf(context, place.path)).map((assignment) => ({ assignment, sign: variableSign(assignment, place.home === undefined, writable) }));
  if (place.kind === 'shell') {
    // What its variables say is told below.
    yield* byCommand(place, line, withDocument(lines, at), context, variables.some(({ assignment, sign }) => sign !== undefined && assignment.name === 'PATH'));
    // An alias names its body; a function's body is what follows.
    for (const sign of aliasSigns(line.text, place, context)) yield tell(sign);
    const name = functionName(line.text);
    const shadow = name !== undefined && isGuarded(name) ? shadowing(name, bodyFrom(lines, at, budget)) : undefined;
    if (budget.functionLines < 0) tellRest(context, place.path, functionLinesMax);
    if (shadow) yield tell(shadow);
    const trapped = debugTrap(line.text);
    if (trapped !== undefined) yield* byCommand(place, line, trapped, context);
    if (trapped !== undefined && recordsTyping(trapped)) yield tell({ kind: 'intrusion', level: 'high', text: { zh: '每条命令执行前把它发走', en: 'sends each command away before it runs' }, attack: ['T1056', 'T1546.005'] });
  }
  for (const { assignment, sign } of variables) {
    // In a shell script the rules for commands say it.
    if (sign && (place.kind === 'environment' || !assignment.name.includes('HIST'))) yield tell(sign);
    // A shell's own lines are judged as commands, with their variables.
    if (place.kind === 'environment' && !sign && !loadsValue.has(assignment.name) && !runsValue.has(assignment.name)) {
      const reasons = await variableReasons(assignment.name, assignment.value, context);
      const worst = weighed(reasons, place)[0];
      if (worst) yield tell(worst, reasons);
    }
    if (assignment.name === 'PATH') for (const sign of standIns(assignment.value, place, context)) yield tell(sign);
    if (loadsValue.has(assignment.name)) yield* loaded(assignment, tell, context);
    if (runsValue.has(assignment.name) && assignment.value !== '') {
      yield* byCommand(place, line, assignment.value.replaceAll(/\\(["$`])/g, '$1'), context);
      if (recordsTyping(assignment.value)) yield tell({ kind: 'intrusion', level: 'high', text: { zh: '每条命令都被发走', en: 'sends each command away' }, attack: ['T1056', 'T1546.004'] });
    }
  }
}

/** Programs that are given the password of whoever calls them. */
const asksPassword = ['sudo', 'su', 'doas', 'pkexec', 'passwd'];

/** A folder in front of the system's in which a program lies that goes by the name of one of these. */
function* standIns(value: string, { home }: Place, context: ScanContext): Iterable<Sign> {
  const parts = value.split(':');
  const before = parts.slice(0, Math.max(0, parts.findIndex((part) => /\$\{?PATH/.test(part) || part === '/usr/bin' || part === '/bin')));
  for (const part of before.slice(0, 40)) {
    const folder = home === undefined ? part : part.replace(/^(?:~|\$HOME|\$\{HOME\})(?=\/|$)/, home);
    if (!folder.startsWith('/') || folder.includes('$') || /^\/usr\/local\/s?bin$|^\/usr\/sbin$|^\/sbin$/.test(folder)) continue;
    for (const name of asksPassword) {
      if (targetStat(context, `${folder}/${name}`)?.kind !== 'file') continue;
      yield { kind: 'intrusion', level: 'high', text: { zh: `PATH 里排在前面的 ${folder} 有一个冒充的 ${name}`, en: `a ${name} lies in ${folder}, which stands in front in PATH` }, attack: ['T1574.007', 'T1056'] };
    }
  }
}

function aliasSigns(line: string, place: Place, context: ScanContext): Sign[] {
  return aliasesOf(line, cutOf(context, place.path)).flatMap(({ name, value }) => shadowing(name, value) ?? []);
}

function bodyFrom(lines: readonly Line[], at: number, budget: FunctionBudget): string {
  const body: string[] = [];
  let depth = 0;
  let opened = false;
  for (let i = at; i < lines.length; i++) {
    if (--budget.functionLines < 0) break;
    const { text } = lines[i]!;
    body.push(text);
    opened ||= text.includes('{');
    for (const c of text) depth += c === '{' ? 1 : c === '}' ? -1 : 0;
    if (depth <= 0 && (body.length > 1 || text.includes('}')) && opened) break;
  }
  const whole = body.join('\n');
  const open = whole.indexOf('{');
  return open < 0 ? whole : whole.slice(open + 1);
}

/** A line with the text that `<<WORD` hands to it. */
function withDocument(lines: readonly Line[], at: number): string {
  const { text } = lines[at]!;
  const word = /<<-?\s*["']?(\w{1,60})["']?/.exec(text)?.[1];
  if (word === undefined) return text;
  const end = lines.slice(at + 1, at + functionLinesMax).findIndex((line) => line.text.trim() === word);
  return end < 0 ? text : lines.slice(at, at + end + 2).map((line) => line.text).join('\n');
}

async function* loaded({ name, value }: { name: string; value: string }, tell: (sign: Sign) => Finding, context: ScanContext): AsyncIterable<Finding> {
  for (const library of value.split(/[\s:]+/).filter((part) => part !== '' && !part.startsWith('$'))) {
    const owner = library.startsWith('/') ? await context.provenance.owner(library) : undefined;
    const open = anyoneWrites.test(library) || /\/\.[^/]/.test(library);
    if (owner?.state === 'intact') yield tell({ kind: 'notice', level: 'low', text: { zh: `${name} 让登录的人的程序都加载软件包 ${owner.name} 的 ${library}`, en: `${name} loads ${library} of the package ${owner.name} into what people start` }, attack: [] });
    else yield tell({ kind: 'intrusion', level: open ? 'critical' : 'high', text: { zh: `${name} 让登录的人启动的每个程序都加载 ${library}`, en: `${name} loads ${library} into every program of those who log on` }, attack: ['T1574.006'] });
  }
}

const howOf = ({ home, users }: Place): How => (home === undefined ? {} : { home, user: users[0] ?? 'nobody' });

async function* byCommand(place: Place, line: Line, command: string, context: ScanContext, onlyIntrusion = false): AsyncIterable<Finding> {
  const { reasons } = await judgeCommand(command, context, howOf(place));
  const worst = weighed(reasons, place)[0];
  if (worst && (worst.kind === 'intrusion' || !onlyIntrusion)) yield found(place, `${place.path}\0${line.text}\0command`, worst, [lineFact(place.path, line.number, line.text.trim())], reasons, targetStat(context, place.path)?.changed ?? 0);
}

/** What a judgement is worth here: people keep tools behind hidden names in their own home and in /usr/local, and their history as they like. */
function weighed(reasons: readonly Reason[], { home, users }: Place): Sign[] {
  const forRoot = home === undefined || users.includes('root');
  const signs = reasons.flatMap(({ level, kind: judged, text, attack, sign, program = '' }): Sign[] => {
    const as = (kind: FindingKind, at: Level): Sign[] => [{ kind, level: at, text, attack }];
    switch (sign) {
      case undefined:
        if (judged === 'notice') return [];
        if (judged === 'weakness') return as('weakness', level);
        return atLeast(level, 'high') ? as('intrusion', level) : as('weakness', level);
      case 'open-place': return forRoot ? as('intrusion', 'high') : as('intrusion', 'medium');
      case 'hidden': return /^\/(?:root|home\/[^/]+|opt|usr\/local|srv|var\/lib)\//.test(program) ? [] : as('intrusion', 'medium');
      case 'changed': return as('notice', 'medium');
      case 'unowned': return [];
      case 'rewritable': return as('weakness', forRoot ? 'high' : 'medium');
    }
  });
  return signs.sort((a, b) => Number(b.kind === 'intrusion') - Number(a.kind === 'intrusion') || (atLeast(a.level, b.level) ? -1 : 1));
}

function* modeOf(place: Place, context: ScanContext): Iterable<Finding> {
  const stat = targetStat(context, place.path);
  if (!stat || stat.kind !== 'file') return;
  const everybody = place.home === undefined;
  if ((stat.mode & (everybody ? 0o022 : 0o002)) === 0) return;
  // A group of its own for each person makes 0664 ordinary in a home; in /etc the group is root's.
  if (everybody && (stat.mode & 0o002) === 0 && stat.gid === 0) return;
  yield finding('login-scripts', `${place.path}\0mode`, {
    kind: 'weakness', level: 'high', path: place.path, time: stat.changed,
    title: { zh: `${place.path} 别人也能改，登录的人都会运行它`, en: `others may change ${place.path}, which is run at log-on` },
    evidence: [fact({ zh: '权限', en: 'mode' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid}`)],
    fix: { text: { zh: '收回写权限', en: 'take the right to write away' }, commands: [['chmod', 'go-w', place.path]], actions: lessRights(place.path, stat.mode, 0o022) },
    refs: ['attack:T1546.004', 'dengbao:8.1.4.2'],
  });
}

/** Lines of the files that the distribution puts into homes and /etc/profile. */
async function shippedLines(context: ScanContext): Promise<Set<string>> {
  const lines = new Set<string>();
  for (const path of templates) {
    // Whoever changes /etc/skel plants in every new home: only what is as shipped counts.
    if (statOf(context, path)?.kind !== 'file' || (await context.provenance.owner(path))?.state !== 'intact') continue;
    const text = readText(context, path) ?? '';
    for (const { text: line } of linesOf(context, path, text)) lines.add(line.trim());
  }
  return lines;
}

function found(place: Place, key: string, sign: Sign, evidence: Finding['evidence'], reasons: readonly Reason[], time: number): Finding {
  const who = place.home === undefined ? undefined : place.users[0];
  return finding('login-scripts', key, {
    kind: sign.kind, level: sign.level, path: place.path, time, user: who,
    title: { zh: `${place.path}：${sign.text.zh}`, en: `${place.path}: ${sign.text.en}` },
    evidence: [...evidence, ...reasons.map((one) => one.evidence)],
    means: { zh: place.home === undefined ? '任何人登录都会执行它，root 也不例外：攻击者靠它重新进来或偷密码。' : '这个账号每次登录都会执行它：攻击者靠它重新进来或偷密码。', en: place.home === undefined ? 'It runs whenever anybody logs on, root too: a way to come back or to take passwords.' : 'It runs whenever this account logs on: a way to come back or to take passwords.' },
    fix: { text: { zh: '核对这一行是谁加的，不认识就删掉；碰过密码的要改密码', en: 'ask who added it and take it out if nobody did; change passwords that passed through it' }, commands: [] },
    refs: [...new Set([...(sign.kind === 'intrusion' ? ['attack:T1546.004'] : []), ...sign.attack.map((id) => `attack:${id}`)])],
  });
}
