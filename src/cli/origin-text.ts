/** A story of the origin graph as an indented tree for a terminal. All names in it come from outside and are escaped. */
import type { Origin, PeerTouch, Touch } from '../core/lineage.ts';
import type { Lang } from '../core/text.ts';
import type { AddressStory, Branch, Brief, BriefTouch, BriefWriter, FileStory, Listed, NameStory, ProcessStory, Story } from '../engine/origin/story.ts';
import { originText } from '../engine/origin/text.ts';
import { colour } from './colour.ts';
import { clock, safe } from './terminal.ts';

const wordMax = 160;
const shownOfList = 20;
const shownOfTree = 60;

interface Say { lang: Lang; now: number; t: (zh: string, en: string) => string }

export function storyLines(story: Story, lang: Lang, now: number): string[] {
  const say: Say = { lang, now, t: (zh, en) => (lang === 'zh' ? zh : en) };
  switch (story.kind) {
    case 'process': return processLines(story, say);
    case 'path': return fileLines(story, say);
    case 'address': return addressLines(story, say);
    case 'name': return nameLines(story, say);
  }
}

const cut = (text: string): string => safe(text.length > wordMax ? `${text.slice(0, wordMax)}…` : text);
const what = (one: Brief): string => cut(one.cmdline || one.path || one.name || '?');
const time = (ms: number, { t }: Say): string => (ms > 0 ? clock(ms) : t('时间不明', 'time unknown'));
const origin = (from: Origin, { lang, now }: Say): string => safe(originText(from, lang, now));

/** `2026-11-22 02:27:01  pid 4242  root  bash -i  (ended 02:30:00)` */
function line(one: Brief, say: Say): string {
  const ended = one.ended === undefined ? '' : colour.dim(`  ${say.t('已结束', 'ended')} ${time(one.ended, say)}`);
  return `${colour.dim(time(one.started, say))}  ${colour.bold(String(one.pid))}  ${one.user === undefined ? '' : `${cut(one.user)}  `}${what(one)}${ended}`;
}

function processLines(story: ProcessStory, say: Say): string[] {
  const { t } = say;
  const { process } = story;
  const out = [`${colour.bold(t('来由', 'Origin'))}  ${origin(process.origin, say)}`, ''];
  story.chain.forEach((one, depth) => out.push(`${'  '.repeat(Math.min(depth, 20))}${line(one, say)}`));
  out.push(`${'  '.repeat(Math.min(story.chain.length, 20))}${colour.yellow('▶')} ${line(process, say)}`);
  const facts = [
    ...(process.path === undefined ? [] : [`${t('程序', 'program')} ${cut(process.path)}`]),
    ...(process.cwd === undefined ? [] : [`${t('目录', 'folder')} ${cut(process.cwd)}`]),
    ...(process.cgroup === undefined ? [] : [`${t('控制组', 'cgroup')} ${cut(process.cgroup)}`]),
    ...(process.terminal === undefined ? [] : [`${t('终端', 'terminal')} ${cut(process.terminal)}`]),
    ...(process.exit_code === undefined ? [] : [`${t('退出码', 'exit code')} ${process.exit_code}`]),
  ];
  if (facts.length > 0) out.push(`  ${colour.dim(facts.join('  ·  '))}`);
  if (story.written_by) out.push('', colour.bold(t('它的程序文件由谁写下', 'Its program was written by')), ...writerLines(story.written_by, say));
  section(out, t('此前它是', 'It was before'), story.was.map((was) => `${colour.dim(time(was.time, say))}  ${cut(was.cmdline || was.path || '?')}`), say);
  section(out, t('写过', 'It wrote'), story.wrote.map((touch) => `${times(touch, say)}  ${actionWord(touch.action, say)} ${cut(touch.what)}`), say);
  section(out, t('读过（受关注的文件）', 'It read (watched files)'), story.read.map((touch) => `${times(touch, say)}  ${cut(touch.what)}`), say);
  section(out, t('联系过', 'It spoke to'), story.spoke.map((touch) => peer(touch, say)), say);
  section(out, t('查询过的域名', 'It asked DNS for'), story.asked.map((touch) => `${times(touch, say)}  ${cut(touch.what)}`), say);
  if (process.forgotten > 0) out.push(colour.dim(t(`  另有 ${process.forgotten} 项因容量所限未保留`, `  ${process.forgotten} more were not kept for room`)));
  if (story.children.length > 0) {
    out.push('', colour.bold(t('它启动了', 'It started')));
    const tree: string[] = [];
    treeLines(story.children, story.more_children, 1, say, tree);
    out.push(...tree.slice(0, shownOfTree));
    if (tree.length > shownOfTree) out.push(colour.dim(t(`  ……另有 ${tree.length - shownOfTree} 行（--json 可看全部）`, `  … ${tree.length - shownOfTree} more lines (--json shows all)`)));
  }
  section(out, t('此进程号更早的进程', 'Earlier processes of this pid'), story.older.map((one) => line(one, say)), say);
  return out;
}

function treeLines(children: readonly Branch[], more: number, depth: number, say: Say, out: string[]): void {
  for (const child of children) {
    out.push(`${'  '.repeat(depth)}${line(child, say)}`);
    treeLines(child.children, child.more, depth + 1, say, out);
  }
  if (more > 0) out.push(`${'  '.repeat(depth)}${colour.dim(say.t(`……另有 ${more} 个`, `… ${more} more`))}`);
}

function section(out: string[], title: string, lines: readonly string[], { t }: Say): void {
  if (lines.length === 0) return;
  out.push('', colour.bold(title), ...lines.slice(0, shownOfList).map((text) => `  ${text}`));
  if (lines.length > shownOfList) out.push(`  ${colour.dim(t(`……另有 ${lines.length - shownOfList} 项（--json 可看全部）`, `… ${lines.length - shownOfList} more (--json shows all)`))}`);
}

function writerLines({ path, time: at, process }: BriefWriter, say: Say): string[] {
  return [`  ${colour.dim(time(at, say))}  ${cut(path)}`, `  ← ${line(process, say)}`, `    ${origin(process.origin, say)}`];
}

/** When, and how often. */
function times(touch: Touch, say: Say): string {
  return `${colour.dim(time(touch.first, say))}${touch.count > 1 ? colour.dim(` ×${touch.count} ${say.t('至', 'until')} ${clock(touch.last)}`) : ''}`;
}

const actionWords: Readonly<Record<string, [zh: string, en: string]>> = {
  write: ['写入', 'write'], create: ['新建', 'create'], rename: ['改名为', 'rename to'], delete: ['删除', 'delete'], chmod: ['改权限', 'chmod'],
  chown: ['改属主', 'chown'], link: ['链接', 'link'], setxattr: ['改属性', 'setxattr'], read: ['读取', 'read'],
};

function actionWord(action: string, { t }: Say): string {
  const words = actionWords[action];
  return words === undefined ? cut(action) : t(words[0], words[1]);
}

function peer(touch: PeerTouch, say: Say): string {
  const address = touch.ip.includes(':') ? `[${touch.ip}]` : touch.ip;
  const where = touch.direction === 'outbound' ? `→ ${address}:${touch.port}` : say.t(`← ${address}（连入本机 ${touch.port} 端口）`, `← ${address} (into our port ${touch.port})`);
  const host = touch.host === undefined ? '' : ` ${cut(touch.host)}`;
  const sent = touch.sent === undefined ? '' : `  ${colour.dim(cut(JSON.stringify(touch.sent)))}`;
  return `${times(touch, say)}  ${where}${host}${sent}`;
}

/** Each process of a list with the origin it came from. */
const withOrigin = (list: readonly Brief[], say: Say): string[] => list.map((one) => `${line(one, say)}\n    ${origin(one.origin, say)}`);

const withTouch = (list: readonly BriefTouch[], say: Say): string[] => list.map((one) => `${times(one.touch, say)}\n    ${line(one, say)}\n    ${origin(one.origin, say)}`);

function fileLines(story: FileStory, say: Say): string[] {
  const { t } = say;
  const out = [`${colour.bold(t('文件', 'File'))}  ${cut(story.path)}`];
  if (story.writer) out.push('', colour.bold(t('最后由谁写下', 'Written last by')), ...writerLines(story.writer, say));
  section(out, t('写过它的进程', 'Processes that wrote it'), withTouch(story.wrote, say), say);
  section(out, t('读过它的进程', 'Processes that read it'), withTouch(story.read, say), say);
  section(out, t('运行过它的进程', 'Processes that ran it'), withOrigin(story.ran, say), say);
  return more(out, story.more, say);
}

function addressLines(story: AddressStory, say: Say): string[] {
  const { t } = say;
  const out = [`${colour.bold(t('地址', 'Address'))}  ${story.address}`];
  section(out, t('由它而来的会话与连接', 'Sessions and connections that came from it'), withOrigin(story.sessions, say), say);
  section(out, t('与它通信过的进程', 'Processes that spoke to it'), withTouch(story.spoke, say), say);
  return more(out, story.more, say);
}

function nameLines(story: NameStory, say: Say): string[] {
  const { t } = say;
  const out = [`${colour.bold(t('域名', 'Name'))}  ${cut(story.name)}`];
  section(out, t('查询过它的进程', 'Processes that asked for it'), withTouch(story.asked, say), say);
  section(out, t('与它通信过的进程', 'Processes that spoke to it'), withTouch(story.spoke, say), say);
  return more(out, story.more, say);
}

function more(out: string[], n: number, { t }: Say): string[] {
  if (n > 0) out.push('', colour.dim(t(`另有 ${n} 项未列出`, `${n} more are not listed`)));
  return out;
}

/** The process tree; the origin stands where it begins. */
export function treeOf(processes: readonly Listed[], lang: Lang, now: number): string[] {
  const say: Say = { lang, now, t: (zh, en) => (lang === 'zh' ? zh : en) };
  const children = new Map<number | undefined, number[]>();
  processes.forEach((one, place) => {
    // A parent stands before its child, so there are no rings.
    const parent = one.parent !== undefined && one.parent < place ? one.parent : undefined;
    const known = children.get(parent);
    if (known) known.push(place);
    else children.set(parent, [place]);
  });
  const out: string[] = [];
  const open = (children.get(undefined) ?? []).map((place): [number, number, string] => [place, 0, '']).reverse();
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [place, depth, above] = next;
    const one = processes[place]!;
    const from = origin(one.origin, say);
    const ended = one.ended === undefined ? '' : colour.dim(`  ${say.t('已结束', 'ended')} ${clock(one.ended)}`);
    const begins = from === above ? '' : `${colour.cyan(`[${from}]`)} `;
    out.push(`${String(one.pid).padStart(7)} ${(one.user === undefined ? '-' : cut(one.user).slice(0, 12)).padEnd(12)} ${'  '.repeat(Math.min(depth, 24))}${begins}${what(one)}${ended}`);
    for (const child of (children.get(place) ?? []).toReversed()) open.push([child, depth + 1, from]);
  }
  return out;
}
