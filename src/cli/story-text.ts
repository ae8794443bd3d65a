/** A story on a terminal: how they came in, how far it reaches, what happened in order, who started whom, and of which times nobody knows. */
import type { StoryDeed, StoryNode, Story, StoryStep } from '../core/incident.ts';
import type { Lang, Text } from '../core/text.ts';
import { cellByName } from '../engine/incident/matrix.ts';
import { techniqueText } from '../engine/incident/technique-names.ts';
import { quietOf } from '../engine/incident/story-quiet.ts';
import { stepsOf } from '../engine/incident/story-steps.ts';
import { colour } from './colour.ts';
import { levelWord, safe } from './terminal.ts';
import { cutAt, widthOf, wrap } from './wrap.ts';

export interface StoryTextOptions {
  lang: Lang;
  /** Of the terminal. */
  columns: number;
  /** Everything, not only the first and the last of what is long. */
  full: boolean;
  timeline: boolean;
  tree: boolean;
}

const widest = 140, narrowest = 40;
const stepsShown = 60, treeShown = 80, listShown = 6, gapsShown = 8;
/** A command is shown so far; all of it with --full. */
const sentenceMax = 400, sentenceWhole = 4000;

/** Escaped; a line break within a command is one that can be seen. */
const shown = (text: string): string => safe(text.replaceAll('\n', ' ⏎ '));

const two = (n: number): string => String(n).padStart(2, '0');
const dayOf = (ms: number): string => { const d = new Date(ms); return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`; };
const timeOf = (ms: number): string => { const d = new Date(ms); return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`; };
/** Local time, the day only when it is another than `beside`. */
const momentOf = (ms: number, beside?: number): string => (beside !== undefined && dayOf(ms) === dayOf(beside) ? timeOf(ms) : `${dayOf(ms)} ${timeOf(ms)}`);

function spanText(ms: number, lang: Lang): string {
  const minutes = Math.round(ms / 60_000);
  if (ms < 90_000) return lang === 'zh' ? `${Math.max(1, Math.round(ms / 1000))} 秒` : `${Math.max(1, Math.round(ms / 1000))} s`;
  if (minutes < 120) return lang === 'zh' ? `${minutes} 分钟` : `${minutes} min`;
  if (minutes < 2880) return lang === 'zh' ? `${Math.floor(minutes / 60)} 小时 ${minutes % 60} 分` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return lang === 'zh' ? `${Math.round(minutes / 1440)} 天` : `${Math.round(minutes / 1440)} days`;
}

/** Lines no wider than the terminal; all words of the story are escaped. */
export function storyLines(story: Story, options: StoryTextOptions): string[] {
  const { lang, timeline, tree } = options;
  const width = Math.min(widest, Math.max(narrowest, options.columns));
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const lines: string[] = [];
  const head = (text: string): void => { lines.push('', colour.bold(text)); };
  const para = (text: string, indent = 2): void => { lines.push(...wrap(text, width - indent).map((line) => ' '.repeat(indent) + line)); };

  head(t('怎么进来的（最早可知）', 'How they came in (the earliest known)'));
  lines.push(...entryLines(story, lang, width));
  if (story.reached) {
    head(t('波及范围', 'How far it reaches'));
    for (const line of reachLines(story, lang, options.full)) para(line);
  }
  const gaps = story.gaps.filter(({ from, to }) => to >= from);
  if (gaps.length > 0) {
    head(t('看不到的时间', 'What could not be seen'));
    const some = options.full ? gaps : gaps.slice(0, gapsShown);
    for (const { from, to, what } of some) for (const line of wrap(`! ${momentOf(from)} – ${momentOf(to, from)}${to > from ? ` (${spanText(to - from, lang)})` : ''}  ${safe(what[lang])}`, width - 2, 2)) lines.push(`  ${colour.yellow(line)}`);
    if (some.length < gaps.length) para(colour.dim(t(`… 另有 ${gaps.length - some.length} 段：--full`, `… ${gaps.length - some.length} more: --full`)));
  }
  const steps = timeline ? stepsOf(story, options.full) : [];
  if (timeline) {
    head(t('经过（按时间，本机时区）', 'What happened, in order (local time)'));
    lines.push(...timelineLines(steps, story, lang, width, options.full));
  }
  if (tree) {
    head(t('进程树：谁启动了谁，各做了什么', 'Who started whom, and what each did'));
    lines.push(...treeLines(story, lang, width, options.full));
  }
  if (story.left > 0) lines.push('', colour.yellow(t(`还有 ${story.left} 项因数量上限没有收入`, `${story.left} more found no room and are not shown`)));
  return lines;
}

function entryLines({ entry }: Story, lang: Lang, width: number): string[] {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  if (entry === undefined) return wrap(t('不知道：没有人看到这件事是怎么开始的', 'not known: nobody saw how this began'), width - 2).map((line) => `  ${line}`);
  const owner = [entry.country, entry.network].filter((one) => one !== undefined).map((one) => safe(one)).join(' ');
  const lines = wrap(`${momentOf(entry.time)}  ${safe(entry.text[lang])}`, width - 2, 2).map((line) => `  ${line}`);
  const fact = (zh: string, en: string, value: string | undefined): void => { if (value !== undefined && value !== '') lines.push(...wrap(`${t(zh, en)} ${safe(value)}`, width - 4, 2).map((line) => `    ${line}`)); };
  fact('地址', 'address', entry.address === undefined ? undefined : `${entry.address}${owner === '' ? '' : `（${owner}）`}`.replace('（', lang === 'zh' ? '（' : ' (').replace('）', lang === 'zh' ? '）' : ')'));
  fact('账号', 'account', entry.kind === 'login' || entry.kind === 'console' ? entry.user : undefined);
  fact('服务', 'service', entry.kind === 'login' ? undefined : entry.service);
  fact('软件包', 'package', entry.package);
  fact('网页请求', 'web request', entry.request);
  if (entry.kind === 'web' && entry.request === undefined) fact('网页请求', 'web request', t('访问日志中找不到，或同时有多个访客，无法确定', 'not in the access log, or several visitors at that moment: it cannot be told'));
  if (entry.guessed !== undefined) fact('依据', 'known from', sourceText(entry.guessed)[lang]);
  const words = techniques(entry.attack ?? [], entry.matrix ?? [], lang);
  if (words !== '') lines.push(...wrap(words, width - 4, 2).map((line) => `    ${colour.dim(line)}`));
  return lines;
}

function reachLines({ reached }: Story, lang: Lang, full: boolean): string[] {
  if (reached === undefined) return [];
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const list = (words: readonly string[]): string => {
    const some = full ? words : words.slice(0, listShown);
    return `${some.map((one) => shown(cutAt(one, full ? sentenceWhole : 160))).join(t('；', '; '))}${words.length > some.length ? t(` 等 ${words.length} 项`, ` … (${words.length})`) : ''}`;
  };
  const { processes, living, files, planted, secrets, accounts, containers, databases, neighbours, outside, volumes } = reached;
  const rows: [string, string, readonly string[]][] = [
    ['留下的后门与自启动', 'planted to come back', planted], ['账号', 'accounts', accounts], ['被读的凭据（须更换）', 'credentials read (replace them)', secrets],
    ['内网机器', 'machines of the inner network', neighbours], ['数据库', 'databases', databases], ['外部地址', 'addresses of the internet', outside], ['容器', 'containers', containers],
    ['磁盘', 'volumes', volumes.map(({ at, device, files: n, bytes }) => t(`${at}（${device}，${n} 个文件${bytes > 0 ? `，${sizeText(bytes)}` : ''}）`, `${at} (${device}, ${n} file${n === 1 ? '' : 's'}${bytes > 0 ? `, ${sizeText(bytes)}` : ''})`))],
  ];
  return [
    t(`${processes} 个进程${living > 0 ? `（其中 ${living} 个仍在运行）` : processes > 0 ? '（都已结束）' : ''}，${files} 个文件`, `${processes} process${processes === 1 ? '' : 'es'}${processes === 0 ? '' : ` (${living === 0 ? 'none still runs' : `${living} still running`})`}, ${files} file${files === 1 ? '' : 's'}`),
    ...rows.flatMap(([zh, en, words]) => (words.length > 0 ? [`${t(zh, en)}: ${list(words)}`] : [])),
  ];
}

const sizeText = (bytes: number): string => (bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : bytes >= 2 ** 20 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : bytes >= 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${bytes} B`);

function sourceText(source: NonNullable<StoryStep['source']>): Text {
  switch (source) {
    case 'history': return { zh: 'Moat 的历史', en: 'the history of Moat' };
    case 'journal': return { zh: '系统日志 journal', en: 'the journal' };
    default: return { zh: source, en: source };
  }
}

/** `T1059.004 shell command · execution: …`. */
function techniques(attack: readonly string[], matrix: readonly string[], lang: Lang): string {
  // What only the Chinese name of a rule says is left to Chinese.
  const cells = lang === 'zh' ? matrix : matrix.filter((one) => cellByName(one).en !== one);
  return [...attack.slice(0, 3).map((one) => techniqueText(one)[lang]), ...cells.slice(0, 1).map((one) => cellByName(one)[lang])].map((one) => safe(one)).join(' · ');
}

type Row = { at: number; step: StoryStep } | { at: number; gap: Story['gaps'][number] };

function timelineLines(steps: readonly StoryStep[], { gaps }: Story, lang: Lang, width: number, full: boolean): string[] {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  // What lasts from long before the first step is said above; here stand those that begin in between.
  const first = steps[0]?.time ?? 0;
  const rows: Row[] = [...steps.map((step): Row => ({ at: step.time, step })), ...gaps.flatMap((gap): Row[] => (gap.from > first && gap.kind !== 'forgotten' ? [{ at: gap.from, gap }] : []))].sort((a, b) => a.at - b.at);
  const fold = !full && rows.length > stepsShown;
  // What matters stays when it is long: alarms, the way in, what was planted.
  const chosen = fold ? important(rows) : rows;
  const lines: string[] = [];
  let day = '', skipped = 0;
  const skip = (): void => { if (skipped > 0) lines.push(colour.dim(`  … ${t(`略 ${skipped} 步`, `${skipped} step${skipped === 1 ? '' : 's'} folded`)}`)); skipped = 0; };
  const kept = new Set(chosen);
  for (const row of rows) {
    if (!kept.has(row)) { skipped++; continue; }
    skip();
    if (dayOf(row.at) !== day) { day = dayOf(row.at); lines.push(`  ${colour.underline(day)}`); }
    if ('gap' in row) {
      lines.push(...wrap(`${timeOf(row.gap.from)} – ${momentOf(row.gap.to, row.gap.from)}  ░ ${safe(row.gap.what[lang])}`, width - 2, 10).map((line) => `  ${colour.yellow(line)}`));
      continue;
    }
    lines.push(...stepLines(row.step, lang, width, full));
  }
  skip();
  if (fold) lines.push(colour.dim(`  ${t('全部：--full', 'all of it: --full')}`));
  return lines.length === 0 ? [`  ${t('没有', 'nothing')}`] : lines;
}

const telling = new Set<StoryStep['deed']>(['logged-on', 'planted', 'alert', 'finding', 'log-on', 'session', 'read', 'removed']);
function important(rows: readonly Row[]): Row[] {
  const weight = (row: Row): number => ('gap' in row ? 1 : row.step.level === 'critical' || row.step.level === 'high' ? 0 : telling.has(row.step.deed) ? 1 : row.step.deed === 'spoke' || row.step.deed === 'wrote' ? 2 : 3);
  // Of equals the beginning tells most, then the end.
  return rows.map((row, i) => ({ row, weight: weight(row), nth: i < rows.length / 2 ? i : rows.length + (rows.length - i) })).sort((a, b) => a.weight - b.weight || a.nth - b.nth).slice(0, stepsShown).map(({ row }) => row);
}

function stepLines({ time, last, count, text, attack, matrix, level, source }: StoryStep, lang: Lang, width: number, full: boolean): string[] {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const times = [...(count > 1 ? [`×${count}`] : []), ...(last - time > 60_000 && count > 1 ? [t(`至 ${momentOf(last, time)}`, `until ${momentOf(last, time)}`)] : []), ...(source === undefined ? [] : [`[${sourceText(source)[lang]}]`])];
  const said = cutAt(shown(text[lang]), full ? sentenceWhole : sentenceMax);
  const [first = '', ...rest] = wrap([said, ...times].join('  '), width - 12);
  const mark = level === undefined ? colour.dim(timeOf(time)) : colour.red(timeOf(time));
  const lines = [`  ${mark}  ${level === undefined ? first : colour.bold(first)}`, ...rest.map((line) => `${' '.repeat(12)}${line}`)];
  const words = [...(level === undefined ? [] : [levelWord(level, lang)]), ...[techniques(attack, matrix, lang)].filter((one) => one !== '')];
  if (words.length > 0) lines.push(...wrap(words.join(' '), width - 12, 0).map((line) => `${' '.repeat(12)}${colour.dim(line)}`));
  return lines;
}

const deedWords: Record<Exclude<StoryDeed, 'started' | 'became' | 'tells' | 'logged-on'>, Text> = {
  wrote: { zh: '写入', en: 'wrote' }, planted: { zh: '植入', en: 'planted' }, removed: { zh: '删除', en: 'removed' }, read: { zh: '读取凭据', en: 'read the credential' }, spoke: { zh: '连接', en: 'spoke to' }, asked: { zh: '查询域名', en: 'asked for' }, ran: { zh: '运行文件', en: 'ran' },
};
const deedsShown = 4;

interface Branch { node: StoryNode; children: Branch[] }

/** Who started whom; below each what it did. Deeper than the terminal is wide is drawn flat. */
function treeLines({ nodes, edges }: Story, lang: Lang, width: number, full: boolean): string[] {
  const t = (zh: string, en: string): string => (lang === 'zh' ? zh : en);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const isBranch = (id: string): boolean => byId.get(id)?.kind === 'process';
  const branches = new Map<string, Branch>(nodes.flatMap((node) => (node.kind === 'process' ? [[node.id, { node, children: [] as Branch[] }] as const] : [])));
  const hasParent = new Set<string>();
  const deeds = new Map<string, Map<keyof typeof deedWords, StoryNode[]>>();
  const started = new Map<string, StoryNode>();
  for (const { from, to, deed } of edges) {
    const target = byId.get(to), source = byId.get(from);
    if (target === undefined || source === undefined) continue;
    if (deed === 'started' && isBranch(from) && isBranch(to)) {
      if (hasParent.has(to) || from === to) continue;
      hasParent.add(to);
      branches.get(from)!.children.push(branches.get(to)!);
    } else if (deed === 'started' && isBranch(to)) started.set(to, source);
    else if (isBranch(from) && deed in deedWords) {
      const known = deeds.get(from) ?? new Map<keyof typeof deedWords, StoryNode[]>();
      const list = known.get(deed as keyof typeof deedWords);
      if (list) list.push(target);
      else known.set(deed as keyof typeof deedWords, [target]);
      deeds.set(from, known);
    }
  }
  const quiet = full ? undefined : quietOf({ nodes, edges });
  const lines: string[] = [];
  let count = 0, left = 0;
  const room = full ? Infinity : treeShown;
  // No calls within calls: an intruder may start as deep a tree as there are processes.
  const open: { branch: Branch; lead: string; tail: string }[] = [...branches.values()].filter(({ node }) => !hasParent.has(node.id)).sort(byTime).reverse().map((branch) => ({ branch, lead: '', tail: '' }));
  const drawn = new Set<string>();
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { branch: { node, children }, lead, tail } = next;
    if (drawn.has(node.id)) continue;
    drawn.add(node.id);
    if (count >= room) { left++; continue; }
    count++;
    const { facts, lives, label } = node;
    const marks = [String(facts['pid']), ...(typeof facts['user'] === 'string' ? [facts['user']] : []), timeOf(node.first), ...(lives === true ? [t('运行中', 'running')] : []), ...(facts['chain'] === true ? [t('入口', 'way in')] : []), ...(facts['weak'] === true ? [t('仅间接相关', 'indirect tie only')] : []), ...(facts['seed'] === true ? [t('触发告警', 'alarmed')] : []), ...(started.has(node.id) ? [t(`由 ${started.get(node.id)!.label} 启动`, `started by ${started.get(node.id)!.label}`)] : [])];
    const paint = facts['chain'] === true ? colour.dim : facts['seed'] === true ? colour.red : (text: string): string => text;
    const inner = Math.max(8, width - 2 - widthOf(lead));
    const words = shown(`${cutAt(label, full ? sentenceWhole : 200)}  (${marks.join(', ')})`);
    for (const [i, line] of wrap(words, inner).entries()) lines.push(`  ${colour.dim(i === 0 ? lead : tail)}${paint(line)}`);
    const below = children.filter((child) => quiet?.ids.has(child.node.id) !== true).sort(byTime);
    // As far in as half of the line; deeper trees are drawn at one depth.
    const stem = widthOf(tail) + 3 > width / 2 ? tail : `${tail}${below.length > 0 ? '│  ' : '   '}`;
    for (const [deed, targets] of deeds.get(node.id) ?? []) {
      const some = full ? targets : targets.slice(0, deedsShown);
      for (const target of some) if (deed !== 'ran' || !label.includes(target.label)) for (const [i, line] of wrap(shown(`${deedWord(deed, lang)} ${cutAt(target.label, full ? sentenceWhole : 200)}${gone(target, lang)}`), Math.max(8, width - 4 - widthOf(stem)), 2).entries()) lines.push(`  ${colour.dim(stem)}${i === 0 ? '· ' : '  '}${deed === 'planted' || deed === 'read' ? colour.yellow(line) : line}`);
      if (some.length < targets.length) lines.push(`  ${colour.dim(`${stem}  … ${deedWord(deed, lang)} ${t(`另外 ${targets.length - some.length} 项`, `${targets.length - some.length} more`)}`)}`);
    }
    const silent = quiet?.byParent.get(node.id);
    if (silent) for (const [i, line] of wrap(shown(t(`另外 ${silent.length} 条没有留下什么的命令：${namesOf(silent)}`, `${silent.length} more commands that left nothing behind: ${namesOf(silent)}`)), Math.max(8, width - 6 - widthOf(stem)), 2).entries()) lines.push(`  ${colour.dim(`${stem}${i === 0 ? '… ' : '  '}${line}`)}`);
    const flat = widthOf(tail) + 3 > width / 2;
    for (const [i, child] of [...below.entries()].reverse()) {
      const isLast = i === below.length - 1;
      open.push({ branch: child, lead: flat ? `${tail}» ` : `${tail}${isLast ? '└─ ' : '├─ '}`, tail: flat ? tail : `${tail}${isLast ? '   ' : '│  '}` });
    }
  }
  if (left > 0) lines.push(colour.dim(`  … ${t(`略 ${left} 个进程，全部：--full`, `${left} process${left === 1 ? '' : 'es'} folded, all of them: --full`)}`));
  return lines.length === 0 ? [`  ${t('没有看到进程：只有告警、文件或检查发现', 'no process was seen: there are only alerts, files or findings')}`] : lines;
}

const namesOf = (some: readonly StoryNode[]): string => { const names = [...new Set(some.map(({ label, facts }) => String(facts['path'] ?? label.split(' ', 1)[0]).replace(/^.*\//, '')))]; return `${names.slice(0, 10).join(', ')}${names.length > 10 ? ' …' : ''}`; };
const deedWord = (deed: keyof typeof deedWords, lang: Lang): string => deedWords[deed][lang];
const byTime = (a: Branch, b: Branch): number => a.node.first - b.node.first || (a.node.id < b.node.id ? -1 : 1);
const gone = ({ kind, lives }: StoryNode, lang: Lang): string => ((kind === 'file' || kind === 'persistence') && lives === false ? (lang === 'zh' ? '（已不在）' : ' (gone by now)') : '');
