/** How somebody came in: the earliest beginning of the trees of a story that tells of a way in. */
import type { StoryEntry } from '../../core/incident.ts';
import type { Event } from '../../core/gen/event.ts';
import type { FileTouch, OriginKind, ProcessNode } from '../../core/lineage.ts';
import { maskSecrets } from '../../core/secrets.ts';
import type { Text } from '../../core/text.ts';
import { pageOfUrl, urlsOfFile } from '../origin/pages.ts';
import { cellsOf } from './matrix.ts';
import { fileId } from './story-files.ts';
import { packageOf } from './story-package.ts';
import { lineOf } from './story-scope.ts';
import { processId } from './story-sketch.ts';
import type { Teller } from './story-teller.ts';
import type { StoryWorld } from './story-world.ts';

/** Ways that begin outside come first; a job or service was made by somebody; unknown says nothing. */
const ranks: Record<OriginKind, number> = { login: 0, web: 0, package: 0, container: 1, cloud: 0, console: 0, service: 1, cron: 2, timer: 2, kernel: 3, unknown: 4 };
const requestMs = 60_000;
const requestMax = 500;
const fixed = /\.(?:css|js|mjs|map|png|jpe?g|gif|svg|webp|ico|woff2?|ttf|eot|mp4|webm|txt|xml)$/i;

/** `file`: what a server wrote that is of the story; `time` is when. */
interface Candidate { node: ProcessNode; isWeak: boolean; rank: number; time: number; file?: string }

/** What each way in is called. */
export const entryTechniques: Readonly<Record<OriginKind, readonly string[]>> = {
  login: ['T1078'], web: ['T1190'], service: ['T1190'], cron: ['T1053.003'], timer: ['T1053.006'], container: ['T1610'], package: ['T1195.002'], cloud: ['T1651'], console: ['T1078.003'], kernel: [], unknown: [],
};

export function entryOf(teller: Teller): StoryEntry | undefined {
  let best: Candidate | undefined;
  for (const [node, strength] of teller.members) best = better(best, candidate(node, strength === 'weak'));
  // A server that carried the story's work and was itself the alarm.
  for (const node of teller.seeds) if (teller.chained.has(node)) best = better(best, uploaded(teller, node) ?? candidate(node, false));
  if (best === undefined) return heardEntry(teller);
  const { node, isWeak } = best;
  const { origin } = node;
  const root = lineOf(node)[0]!;
  const request = origin.kind === 'web' ? requestOf(teller, best) : undefined;
  // Whoever runs the manager is not who got in: the package is.
  const bad = packageOf(node);
  const runBy = origin.kind === 'package' ? origin.source_ip : undefined;
  const address = origin.kind === 'package' ? undefined : origin.source_ip ?? text(request?.source_ip) ?? onlyCaller(teller, root);
  const { name, user } = origin;
  const line = request === undefined ? undefined : maskSecrets(`${request.http_method ?? 'GET'} ${request.url_path ?? ''}${request.url_query === undefined ? '' : `?${request.url_query}`}`).slice(0, requestMax);
  const said = sayEntry(origin.kind, { address: address ?? runBy, user, name, line, bad: bad?.name });
  const attack = origin.kind === 'service' && origin.name !== undefined && /^sshd?(?:@|$)/.test(origin.name) ? ['T1133'] : entryTechniques[origin.kind];
  return {
    kind: origin.kind, attack, matrix: cellsOf(attack), time: request?.time ?? best.time, node: processId(teller.sketch.has(processId(root)) ? root : node),
    ...(address !== undefined && { address }), ...(user !== undefined && { user }), ...(name !== undefined && { service: name }), ...(line !== undefined && { request: line }), ...(bad && { package: bad.name }),
    text: isWeak ? { zh: `可能：${said.zh}`, en: `perhaps: ${said.en}` } : said,
  };
}

/** As the alerts kept it, where the graph does not reach back so far. */
function heardEntry({ heard }: Teller): StoryEntry | undefined {
  const best = heard.toSorted((a, b) => ranks[a.kind] - ranks[b.kind] || a.time - b.time || (a.node < b.node ? -1 : 1))[0];
  if (best === undefined || best.kind === 'unknown') return undefined;
  const { kind, ip: address, user, time, node } = best;
  const attack = entryTechniques[kind];
  return { kind, time, node, attack, matrix: cellsOf(attack), ...(kind !== 'package' && address !== undefined && { address }), ...(user !== undefined && { user }), text: sayEntry(kind, { address, user, name: undefined, line: undefined, bad: undefined }) };
}

function candidate(node: ProcessNode, isWeak: boolean): Candidate {
  const { origin } = node;
  return { node, isWeak, rank: ranks[origin.kind], time: origin.kind === 'web' || origin.kind === 'service' || origin.kind === 'container' ? node.started || origin.since : origin.since };
}

/** A way that begins outside tells more than certainty about a job that somebody must have planted. */
function better(a: Candidate | undefined, b: Candidate): Candidate {
  if (a === undefined) return b;
  const [x, y] = [a.rank * 2 + Number(a.isWeak), b.rank * 2 + Number(b.isWeak)];
  return y < x || (y === x && b.time < a.time) ? b : a;
}

/** A worker of a web server that wrote a file of the story: what it was asked then was the way in, not what it did before. */
function uploaded({ sketch }: Teller, node: ProcessNode): Candidate | undefined {
  if (node.origin.kind !== 'web') return undefined;
  let first: FileTouch | undefined;
  for (const touch of node.wrote) if (touch.action !== 'delete' && sketch.has(fileId(touch.what)) && (first === undefined || touch.first < first.first)) first = touch;
  return first && { ...candidate(node, false), time: first.first, file: first.what };
}

/** The request that made a web server start or write this: of the known client, or the only one that can be meant. */
function requestOf({ world, sketch }: Teller, { node, time, file }: Candidate): Event | undefined {
  const { source_ip: ip } = node.origin;
  const from = file === undefined ? node.started : time;
  const ended = file === undefined ? node.ended ?? world.now : time;
  const itself = new Set(file === undefined ? [] : urlsOfFile(file));
  let best: Event | undefined, known: Event | undefined;
  const clients = new Set<string>(), alarmed = new Set<string>();
  const nearer = (a: Event | undefined, b: Event): Event => (a === undefined || distance(b, from, ended) < distance(a, from, ended) ? b : a);
  // It is logged when it is answered: a server waits for what it runs.
  for (const event of around(world, from, ended)) {
    const { source_ip: client, url_path: url } = event;
    if (client === undefined || (url !== undefined && fixed.test(url))) continue;
    if (ip !== undefined ? client !== ip : event.time < from - 1500) continue;
    // Before it was written nobody could ask for it.
    if (url !== undefined && itself.has(pageOfUrl(url) ?? '')) continue;
    clients.add(client);
    best = nearer(best, event);
    // An alert names this client: rather them than a visitor of that moment.
    if (sketch.facts(`address:${client}`)?.['alarmed'] !== true) continue;
    alarmed.add(client);
    known = nearer(known, event);
  }
  if (ip !== undefined || clients.size === 1) return best;
  return alarmed.size === 1 ? known : undefined;
}

/** When it was started, and when it ended: a request is logged when it is answered, which may be hours later. */
function* around(world: StoryWorld, started: number, ended: number): Iterable<Event> {
  const soon = Math.min(ended, started + 10 * requestMs) + 2000;
  yield* world.requests(started - requestMs, soon);
  if (ended > soon) yield* world.requests(Math.max(soon, ended - 2000), ended + 5000);
}

const distance = (event: Event, started: number, ended: number): number => Math.min(Math.abs(event.time - started), Math.abs(event.time - ended)) - (event.http_method === 'POST' ? 500 : 0);

/** A database or other service that one stranger alone spoke to, or one whom an alert names. */
function onlyCaller({ sketch }: Teller, { spoke, origin: { kind } }: ProcessNode): string | undefined {
  if (kind !== 'service' && kind !== 'container' && kind !== 'web') return undefined;
  const callers = new Set(spoke.flatMap(({ direction, ip }) => (direction === 'inbound' && !ip.startsWith('127.') && ip !== '::1' ? [ip] : [])));
  const alarmed = [...callers].filter((ip) => sketch.facts(`address:${ip}`)?.['alarmed'] === true);
  const [only] = callers.size === 1 ? callers : alarmed.length === 1 ? alarmed : [];
  return only;
}

function sayEntry(kind: OriginKind, { address, user, name, line, bad }: { address: string | undefined; user: string | undefined; name: string | undefined; line: string | undefined; bad: string | undefined }): Text {
  const from: Text = address === undefined ? { zh: '', en: '' } : { zh: `从 ${address} `, en: ` from ${address}` };
  switch (kind) {
    case 'login': return { zh: `${user ?? '某账号'} ${from.zh}远程登录`, en: `log-on of ${user ?? 'somebody'}${from.en}` };
    case 'web': return { zh: `${from.zh}经由网站服务 ${name ?? ''}${line === undefined ? '' : `：${line}`}`, en: `through the web server ${name ?? ''}${from.en}${line === undefined ? '' : `: ${line}`}` };
    case 'cron': return { zh: `${user ?? ''} 的计划任务：${name ?? ''}`, en: `cron job of ${user ?? 'somebody'}: ${name ?? ''}` };
    case 'timer': return { zh: `定时单元 ${name ?? ''}`, en: `timer ${name ?? ''}` };
    case 'service': return { zh: `${from.zh}经由服务 ${name ?? ''}`, en: `through the service ${name ?? ''}${from.en}` };
    case 'container': return address === undefined ? { zh: `在容器 ${name ?? ''} 中`, en: `in the container ${name ?? ''}` } : { zh: `${from.zh}经由容器 ${name ?? ''}`, en: `through the container ${name ?? ''}${from.en}` };
    case 'package': return {
      zh: `${name ?? '包管理器'} 安装${bad === undefined ? '软件包' : ` ${bad} `}时运行的脚本${user === undefined ? '' : `（由 ${user} ${from.zh}安装）`}`,
      en: `a script of ${bad === undefined ? 'a package' : `the package ${bad}`} that ${name ?? 'the package manager'} ran while it installed${user === undefined ? '' : ` (run by ${user}${from.en})`}`,
    };
    case 'cloud': return { zh: `云平台下发（${name ?? ''}）`, en: `sent by the cloud console (${name ?? ''})` };
    case 'console': return { zh: `${user ?? '某账号'} 在本机终端 ${name ?? ''}`, en: `${user ?? 'somebody'} at the console ${name ?? ''}` };
    case 'kernel': return { zh: '由内核启动', en: 'started by the kernel' };
    case 'unknown': return { zh: '来源不明', en: 'not known how' };
  }
}

const text = (value: string | undefined): string | undefined => value;
