/** An origin and the way from it to a process as one line for a person. Names in it are the machine's own words: escape before a terminal. */
import type { Origin, ProcessNode } from '../../core/lineage.ts';
import type { Lang } from '../../core/text.ts';
import { baseName } from './roles.ts';

const stepsShown = 6;
const stepsMax = 64;
const wordMax = 120;

const two = (n: number): string => String(n).padStart(2, '0');

/** `02:27`, with the date in front when it is another day than `now`. Local time. */
export function shortTime(ms: number, now: number): string {
  const at = new Date(ms), today = new Date(now);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return at.toDateString() === today.toDateString() ? time : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

/** Such as “ssh log-on of root from 203.0.113.9 at 02:27”. */
export function originText(origin: Origin, lang: Lang, now: number): string {
  return lang === 'zh' ? zh(origin, now) : en(origin, now);
}

const short = (text: string): string => (text.length > wordMax ? `${text.slice(0, wordMax)}…` : text);

function en(origin: Origin, now: number): string {
  const { kind, name, user, source_ip: ip } = origin;
  const of = user === undefined ? '' : ` of ${user}`;
  const from = ip === undefined ? '' : ` from ${ip}`;
  const named = name === undefined ? '' : ` ${short(name)}`;
  const inContainer = containerWords(origin);
  const inside = inContainer === '' || kind === 'container' ? '' : ` in container ${inContainer}`;
  const at = ` at ${shortTime(origin.since, now)}`;
  switch (kind) {
    case 'login': return `${ip === undefined ? 'log-on' : 'ssh log-on'}${of}${from}${at}${inside}`;
    case 'web': return `web server${named}${ip === undefined ? '' : ` (request${from})`}${inside}`;
    case 'service': return ip === undefined ? `service${named}${inside}` : `connection${from} to${named}${at}, nobody logged on${inside}`;
    case 'cron': return `cron job${of}${name === undefined ? '' : `: ${short(name)}`}${inside}`;
    case 'timer': return `timer${named}${inside}`;
    case 'container': return `container ${inContainer}`;
    case 'package': return `package script of${named || ' a package manager'}${user === undefined ? '' : ` run by ${user}`}${from}${inside}`;
    case 'cloud': return `cloud assistant${named}${inside}`;
    case 'console': return `console${named}${user === undefined ? '' : ` (${user})`}${inside}`;
    case 'kernel': return 'the kernel';
    case 'unknown': return `unknown origin${inside}`;
  }
}

function zh(origin: Origin, now: number): string {
  const { kind, name, user, source_ip: ip } = origin;
  const named = name === undefined ? '' : ` ${short(name)}`;
  const inContainer = containerWords(origin);
  const inside = inContainer === '' || kind === 'container' ? '' : `（容器 ${inContainer} 内）`;
  const at = shortTime(origin.since, now);
  switch (kind) {
    case 'login': return `${user ?? '某账号'} 于 ${at} ${ip === undefined ? '登录' : `从 ${ip} 经 SSH 登录`}${inside}`;
    case 'web': return `Web 服务${named}${ip === undefined ? '' : `（来自 ${ip} 的请求）`}${inside}`;
    case 'service': return ip === undefined ? `服务${named}${inside}` : `${at} 来自 ${ip} 的${named === '' ? '' : `${named} `}连接，尚未登录${inside}`;
    case 'cron': return `${user === undefined ? '' : `${user} 的`}计划任务${name === undefined ? '' : `：${short(name)}`}${inside}`;
    case 'timer': return `定时器${named}${inside}`;
    case 'container': return `容器 ${inContainer}`;
    case 'package': return `${name === undefined ? '包管理器' : short(name)} 的安装脚本${user === undefined ? '' : `，由 ${user} 运行`}${ip === undefined ? '' : `，来自 ${ip}`}${inside}`;
    case 'cloud': return `云助手${named}${inside}`;
    case 'console': return `本机控制台${named}${user === undefined ? '' : `（${user}）`}${inside}`;
    case 'kernel': return '内核';
    case 'unknown': return `来由不明${inside}`;
  }
}

/** `shop (shop:1.4)`, or the short id. */
function containerWords({ container }: Origin): string {
  if (!container) return '';
  return `${container.name ?? container.id.slice(0, 12)}${container.image === undefined ? '' : ` (${short(container.image)})`}`;
}

/** The origin, then the programs on the way to the process: “ssh log-on of root from 203.0.113.9 at 02:27 → bash → /tmp/x”. */
export function storyLine(node: ProcessNode, lang: Lang, now: number): string {
  const steps: string[] = [];
  let last: string | undefined;
  for (let at: ProcessNode | undefined = node, n = 0; at !== undefined && n < stepsMax && at.origin === node.origin; at = at.parent, n++) {
    const word = stepOf(at, at === node);
    if (word === undefined) continue;
    // A shell that forked itself is one step.
    const name = baseName(word);
    if (name !== last) steps.unshift(word);
    last = name;
  }
  const shown = steps.length <= stepsShown ? steps : [...steps.slice(0, 2), '…', ...steps.slice(-(stepsShown - 2))];
  return [originText(node.origin, lang, now), ...shown].join(' → ');
}

/** The entrance itself (sshd, cron, the web server's own worker) is said by the origin. */
const entrances = new Set(['sshd', 'sshd-session', 'sshd-auth', 'dropbear', 'cron', 'crond', 'CRON']);

function stepOf(node: ProcessNode, isLast: boolean): string | undefined {
  const path = node.path ?? node.name;
  if (path === undefined) return undefined;
  const name = baseName(path);
  if (!isLast && (entrances.has(name) || (node.origin.name !== undefined && name.startsWith(node.origin.name)))) return undefined;
  return short(isLast ? path : name);
}
