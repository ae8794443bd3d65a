/** A story as a person reads it: its deeds in order of time, each in a sentence, with what ATT&CK and the cloud server matrix call it. */
import { isPublic } from '../../core/address.ts';
import type { Story, StoryEcho, StoryEdge, StoryNode, StoryStep } from '../../core/incident.ts';
import type { Level } from '../../core/level.ts';
import { placeById, type PlaceId } from '../../core/places.ts';
import type { Text } from '../../core/text.ts';
import { baseName } from '../origin/roles.ts';
import { cellsOf } from './matrix.ts';
import { type Quiet, quietOf } from './story-quiet.ts';

/** More than so many things of one kind done by one process are one step. */
const single = 3;
const named = 5;
const quietNamed = 12;
const fetchers = new Set(['curl', 'wget', 'scp', 'sftp', 'ftp', 'tftp', 'rsync', 'aria2c', 'axel', 'fetch', 'lwp-download']);
const owners = new Set(['chmod', 'chown', 'chgrp', 'chattr', 'setfacl', 'touch']);
const unpackers = new Set(['tar', 'unzip', 'gunzip', 'gzip', 'xz', 'bzip2', '7z', 'base64', 'openssl']);
const databasePorts: Readonly<Record<number, string>> = { 1433: 'SQL Server', 1521: 'Oracle', 3306: 'MySQL', 5432: 'PostgreSQL', 6379: 'Redis', 9200: 'Elasticsearch', 11211: 'memcached', 27017: 'MongoDB' };
/** What this port usually is a database of. */
export const databaseAt = (port: unknown): string | undefined => (typeof port === 'number' ? databasePorts[port] : undefined);

/** What stands first of two in one moment. */
const order: readonly StoryStep['deed'][] = ['request', 'failed-log-on', 'log-on', 'session', 'logged-on', 'privilege', 'started', 'became', 'asked', 'spoke', 'wrote', 'planted', 'ran', 'read', 'removed', 'tells', 'finding', 'alert'];

/** Oldest first; `full`: also each process that did nothing but run. Pure; the order in which nodes and edges stand changes nothing. Texts hold names as they are: whoever shows them escapes them. */
export function stepsOf(story: Story, full = false): StoryStep[] {
  const nodes = new Map(story.nodes.map((node) => [node.id, node]));
  const steps: StoryStep[] = [...entrySteps(story), ...alertSteps(story, nodes), ...processSteps(story, nodes, full ? nothingQuiet : quietOf(story), full), ...deedSteps(story, nodes), ...story.echoes.flatMap((echo) => echoStep(echo))];
  return steps.sort((a, b) => a.time - b.time || order.indexOf(a.deed) - order.indexOf(b.deed) || compare(a.from ?? '', b.from ?? '') || compare(a.to[0] ?? '', b.to[0] ?? '') || compare(a.text.en, b.text.en));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function entrySteps({ entry }: Story): StoryStep[] {
  if (entry === undefined) return [];
  const attack = entry.attack ?? [];
  return [{ time: entry.time, last: entry.time, count: 1, deed: 'logged-on', to: [entry.node], text: { zh: `进入：${entry.text.zh}`, en: `way in: ${entry.text.en}` }, attack, matrix: entry.matrix ?? cellsOf(attack), ...(entry.guessed && { source: entry.guessed }) }];
}

/** What tells of one thing by one rule is one step. */
function alertSteps({ nodes: all, edges }: Story, nodes: ReadonlyMap<string, StoryNode>): StoryStep[] {
  const told = new Map<string, string[]>();
  for (const { from, to, deed } of edges) {
    if (deed !== 'tells' || nodes.get(to)?.kind === 'alert') continue;
    const list = told.get(from);
    if (list) list.push(to);
    else told.set(from, [to]);
  }
  const steps = new Map<string, StoryStep>();
  for (const { id, kind, label, first, last, facts, attack = [], matrix = [] } of [...all].sort((a, b) => a.first - b.first || compare(a.id, b.id))) {
    if (kind !== 'alert' && kind !== 'finding') continue;
    const to = (told.get(id) ?? []).sort(compare);
    const key = `${kind} ${String(facts['rule'] ?? facts['check'] ?? label)}`;
    const known = steps.get(key);
    const title = { zh: String(facts['title'] ?? label), en: label };
    if (known === undefined) {
      steps.set(key, { time: first, last, count: 1, deed: kind, from: id, to: to.slice(0, named), text: kind === 'alert' ? { zh: `告警：${title.zh}`, en: `alert: ${title.en}` } : { zh: `检查发现：${title.zh}`, en: `found by a check: ${title.en}` }, attack, matrix: [...new Set([...cellsOf(attack), ...matrix])], level: facts['level'] as Level });
      continue;
    }
    known.last = Math.max(known.last, last);
    known.count++;
  }
  return [...steps.values()];
}

/** Every process of the story, and those that only have a tie to it. */
const nothingQuiet: Quiet = { byParent: new Map(), ids: new Set() };

/** Many commands that did nothing else are one step. */
function quietStep(parent: StoryNode, some: readonly StoryNode[]): StoryStep {
  const names = [...new Set(some.map((node) => programOf(node)))];
  const telling = [...new Set(some.flatMap((node) => [lookers[programOf(node)] ?? doers[programOf(node)]].filter((one) => one !== undefined)))].sort().slice(0, 3);
  const attack = telling.length > 0 ? telling : ['T1059.004'];
  const shown = names.slice(0, quietNamed).join(', '), more = names.length > quietNamed ? ' …' : '';
  return {
    time: some[0]!.first, last: Math.max(...some.map(({ last }) => last)), count: some.length, deed: 'started', from: parent.id, to: some.slice(0, named).map(({ id }) => id), attack, matrix: cellsOf(attack),
    text: { zh: `${nameOf(parent)} 另外运行了 ${some.length} 条没有留下什么的命令：${shown}${more}`, en: `${nameOf(parent)} ran ${some.length} more commands that left nothing behind: ${shown}${more}` },
  };
}

function processSteps({ nodes: all, edges }: Story, nodes: ReadonlyMap<string, StoryNode>, quiet: Quiet, full: boolean): StoryStep[] {
  const parents = new Map<string, string>();
  // The line or unit that started it says more than the process it stood in.
  const rank = (id: string): number => (nodes.get(id)?.kind === 'process' ? 1 : 0);
  for (const { from, to, deed } of edges) {
    if (deed !== 'started') continue;
    const known = parents.get(to);
    if (known === undefined || rank(from) - rank(known) < 0 || (rank(from) === rank(known) && compare(from, known) < 0)) parents.set(to, from);
  }
  const steps: StoryStep[] = [...quiet.byParent].flatMap(([id, some]) => { const parent = nodes.get(id); return parent === undefined ? [] : [quietStep(parent, some)]; });
  for (const node of all) {
    if (node.kind !== 'process' || node.facts['chain'] === true || quiet.ids.has(node.id)) continue;
    const parent = nodes.get(parents.get(node.id) ?? '');
    // A copy of itself that became nothing else: what it does is told all the same.
    if (!full && parent?.kind === 'process' && parent.label === node.label && node.lives !== true && node.facts['seed'] !== true) continue;
    const by = parent === undefined ? undefined : parent.kind === 'persistence' || parent.kind === 'unit' ? nameOf(parent) : undefined;
    const user = node.facts['user'];
    const who = typeof user === 'string' && user !== parent?.facts['user'] ? user : undefined;
    const weak = node.facts['weak'] === true;
    const attack = node.attack ?? techniquesOfProcess(node);
    steps.push({
      time: node.first, last: node.last, count: 1, deed: 'started', ...(parent && { from: parent.id }), to: [node.id], attack, matrix: [...new Set([...cellsOf(attack), ...node.matrix ?? []])],
      text: {
        zh: `${weak ? '（仅间接相关）' : ''}${who === undefined ? '' : `${who} `}运行 ${node.label}${by === undefined ? '' : `（由 ${by} 启动）`}`,
        en: `${weak ? '(indirect tie only) ' : ''}${who === undefined ? '' : `${who} `}ran ${node.label}${by === undefined ? '' : ` (started by ${by})`}`,
      },
    });
  }
  return steps;
}

type Class = 'file' | 'each';
const classOf = ({ kind }: StoryNode): Class => (kind === 'file' ? 'file' : 'each');

/** What the processes did: a thousand files written by one are one step. */
function deedSteps({ edges }: Story, nodes: ReadonlyMap<string, StoryNode>): StoryStep[] {
  const groups = new Map<string, { from: StoryNode; deed: StoryEdge['deed']; edges: StoryEdge[]; to: StoryNode[] }>();
  const called = new Map<string, StoryNode[]>();
  for (const edge of edges) {
    const from = nodes.get(edge.from), to = nodes.get(edge.to);
    if (from === undefined || to === undefined) continue;
    if (edge.deed === 'spoke' && to.kind === 'address') {
      const list = called.get(from.id);
      if (list) list.push(to);
      else called.set(from.id, [to]);
    }
    if (edge.deed === 'tells' || edge.deed === 'started' || edge.deed === 'became' || edge.deed === 'ran') continue;
    // Who logged on is said by the way in, and by what the logs tell.
    if (edge.deed === 'logged-on' || (edge.deed === 'spoke' && from.kind === 'address') || (from.facts['chain'] === true && edge.deed === 'spoke')) continue;
    // The line of a file says more than the file.
    if (edge.deed !== 'removed' && to.kind === 'persistence' && to.facts['line'] === undefined && hasLine(to, edge.from, edges, nodes)) continue;
    const key = `${edge.from}\0${edge.deed}\0${classOf(to) === 'file' ? 'file' : edge.to}`;
    const group = groups.get(key);
    if (group) { group.edges.push(edge); group.to.push(to); } else groups.set(key, { from, deed: edge.deed, edges: [edge], to: [to] });
  }
  for (const list of called.values()) list.sort((a, b) => compare(a.id, b.id));
  const steps: StoryStep[] = [];
  for (const { from, deed, edges: some, to } of groups.values()) {
    const sorted = some.map((edge, i) => ({ edge, node: to[i]! })).sort((a, b) => a.edge.first - b.edge.first || compare(a.node.id, b.node.id));
    if (sorted.length > single) { steps.push(stepOf(from, deed, sorted, called)); continue; }
    for (const one of sorted) {
      // What was fetched says from where.
      if (deed === 'spoke' && isFetcher(from) && some.length === 1 && (called.get(from.id) ?? []).length === 1 && edgesOf(edges, from.id, 'wrote')) continue;
      steps.push(stepOf(from, deed, [one], called));
    }
  }
  return steps;
}

const lined = new WeakMap<readonly StoryEdge[], Set<string>>();
/** Whether a line of this file is known to be of the same hand. */
function hasLine(file: StoryNode, from: string, edges: readonly StoryEdge[], nodes: ReadonlyMap<string, StoryNode>): boolean {
  let known = lined.get(edges);
  if (known === undefined) {
    known = new Set();
    for (const edge of edges) {
      const to = nodes.get(edge.to);
      if (to?.kind === 'persistence' && to.facts['line'] !== undefined) known.add(`${edge.from}\0${String(to.facts['path'])}`);
    }
    lined.set(edges, known);
  }
  return known.has(`${from}\0${String(file.facts['path'])}`);
}

const writers = new WeakMap<readonly StoryEdge[], Set<string>>();
function edgesOf(edges: readonly StoryEdge[], from: string, deed: StoryEdge['deed']): boolean {
  let known = writers.get(edges);
  if (known === undefined) writers.set(edges, known = new Set(edges.map((edge) => `${edge.from}\0${edge.deed}`)));
  return known.has(`${from}\0${deed}`);
}

const programOf = ({ label, facts }: StoryNode): string => baseName(typeof facts['path'] === 'string' ? facts['path'] : label.split(' ', 1)[0] ?? '');
const isFetcher = (node: StoryNode): boolean => node.kind === 'process' && fetchers.has(programOf(node));

/** As a sentence names it: without the command of a process, the command of a line. */
function nameOf({ kind, label, facts }: StoryNode): string {
  if (kind === 'process') return programOf({ label, facts } as StoryNode);
  return label;
}

function stepOf(from: StoryNode, deed: StoryEdge['deed'], things: readonly { edge: StoryEdge; node: StoryNode }[], called: ReadonlyMap<string, readonly StoryNode[]>): StoryStep {
  const [{ node }] = things as [{ edge: StoryEdge; node: StoryNode }];
  const time = Math.min(...things.map(({ edge }) => edge.first)), last = Math.max(...things.map(({ edge }) => edge.last));
  const attack = [...new Set(things.flatMap((one) => one.node.attack ?? techniquesOfDeed(deed, from, one.node)))].slice(0, 5);
  const matrix = [...new Set([...cellsOf(attack), ...things.flatMap((one) => one.node.matrix ?? [])])];
  const count = things.length > 1 ? things.length : things[0]!.edge.count;
  return { time, last, count, deed, from: from.id, to: things.slice(0, named).map((one) => one.node.id), text: sentence(from, deed, node, things, called.get(from.id) ?? []), attack, matrix };
}

function sentence(from: StoryNode, deed: StoryEdge['deed'], node: StoryNode, things: readonly { node: StoryNode }[], called: readonly StoryNode[]): Text {
  const who = nameOf(from);
  const what: Text = things.length > 1
    ? { zh: `${things.length} 个文件：${things.slice(0, named).map((one) => one.node.label).join('、')}${things.length > named ? ' 等' : ''}`, en: `${things.length} files: ${things.slice(0, named).map((one) => one.node.label).join(', ')}${things.length > named ? ', …' : ''}` }
    : { zh: node.label, en: node.label };
  const { facts } = node;
  switch (deed) {
    case 'wrote': {
      const [source] = called;
      if (isFetcher(from) && source !== undefined) return { zh: `${who} 从 ${source.label} 下载了 ${what.zh}`, en: `${who} downloaded ${what.en} from ${source.label}` };
      if (node.kind === 'persistence') return { zh: `${who} 改动了${placeName(node).zh} ${what.zh}`, en: `${who} changed ${placeName(node).en} ${what.en}` };
      if (owners.has(who)) return { zh: `${who} 改了 ${what.zh} 的权限或属性`, en: `${who} changed rights or attributes of ${what.en}` };
      return unpackers.has(who) ? { zh: `${who} 解出了 ${what.zh}`, en: `${who} unpacked ${what.en}` } : { zh: `${who} 写入了 ${what.zh}`, en: `${who} wrote ${what.en}` };
    }
    case 'planted': {
      if (node.kind === 'account') return facts['made'] === true ? { zh: `${who} 新建了账号 ${what.zh}`, en: `${who} made the account ${what.en}` } : { zh: `${who} 改动了账号 ${what.zh}`, en: `${who} changed the account ${what.en}` };
      if (node.kind === 'module') return { zh: `${who} 加载了内核模块 ${what.zh}`, en: `${who} loaded the kernel module ${what.en}` };
      if (node.kind === 'unit') return { zh: `${who} 安装了系统服务 ${what.zh}`, en: `${who} installed the service ${what.en}` };
      const { zh, en } = placeName(node);
      return { zh: `${who} 植入了${/^[a-z]/i.test(zh) ? ' ' : ''}${zh} ${what.zh}（${meaningOf(node).zh}）`, en: `${who} planted ${en}: ${what.en} (${meaningOf(node).en})` };
    }
    case 'removed': return { zh: `${who} 删除了 ${what.zh}`, en: `${who} removed ${what.en}` };
    case 'read': return { zh: `${who} 读取了凭据 ${what.zh}`, en: `${who} read the credential ${what.en}` };
    case 'asked': return { zh: `${who} 查询了域名 ${what.zh}`, en: `${who} asked for the name ${what.en}` };
    case 'spoke': {
      const port = facts['port'] === undefined ? '' : `:${String(facts['port'])}`;
      const database = databaseAt(facts['port']);
      if (facts['port'] === 22) return { zh: `${who} 用 SSH 连接了另一台机器 ${what.zh}`, en: `${who} went on by SSH to another machine, ${what.en}` };
      if (isPublic(String(facts['ip'] ?? ''))) return { zh: `${who} 连接了外部地址 ${what.zh}${port}`, en: `${who} connected to ${what.en}${port} on the internet` };
      return { zh: `${who} 连接了内网${database === undefined ? '机器' : `的 ${database}`} ${what.zh}${port}`, en: `${who} connected to ${database ?? 'a machine'} of the inner network, ${what.en}${port}` };
    }
    default: return { zh: `${who} → ${what.zh}`, en: `${who} → ${what.en}` };
  }
}

const isPlace = (value: unknown): value is PlaceId => typeof value === 'string' && Object.hasOwn(placeById, value);
const placeName = ({ facts }: StoryNode): Text => (isPlace(facts['place']) ? placeById[facts['place']].name : { zh: '自启动项', en: 'a self-start' });
const meaningOf = ({ facts }: StoryNode): Text => (isPlace(facts['place']) ? placeById[facts['place']].meaning : { zh: '会再次运行', en: 'runs again' });

const logFile = /^\/var\/log\/|\/(?:access|error)\.log/;
const interpreters = /^(?:ba|da|z|k|c|tc|fi|a)?sh$|^(?:python|perl|ruby|php|node|lua)[\d.]*$/;
const lookers: Readonly<Record<string, string>> = { id: 'T1033', whoami: 'T1033', w: 'T1033', who: 'T1033', last: 'T1033', uname: 'T1082', lscpu: 'T1082', nproc: 'T1082', hostname: 'T1082', ps: 'T1057', top: 'T1057', pgrep: 'T1057', netstat: 'T1049', ss: 'T1049', ip: 'T1016', ifconfig: 'T1016', ls: 'T1083', find: 'T1083', nmap: 'T1046', masscan: 'T1046', zmap: 'T1046' };
const doers: Readonly<Record<string, string>> = { chmod: 'T1222.002', chattr: 'T1222.002', chown: 'T1222.002', crontab: 'T1053.003', at: 'T1053.002', systemctl: 'T1543.002', useradd: 'T1136.001', adduser: 'T1136.001', insmod: 'T1547.006', modprobe: 'T1547.006', sudo: 'T1548.003', curl: 'T1105', wget: 'T1105', ssh: 'T1021.004', scp: 'T1570', base64: 'T1140', touch: 'T1070.006', shred: 'T1070.004', tar: 'T1560', zip: 'T1560', rm: 'T1070.004' };

/** What running this program is called when no alert says more. */
function techniquesOfProcess(node: StoryNode): readonly string[] {
  const program = programOf(node);
  const own = lookers[program] ?? doers[program];
  if (own !== undefined) return [own];
  if (interpreters.test(program)) return [/^(?:python|perl|ruby|php|node|lua)/.test(program) ? 'T1059' : 'T1059.004'];
  const { path } = node.facts;
  return typeof path === 'string' && /^\/(?:tmp|var\/tmp|dev\/shm)\/|\/\.[^/]+/.test(path) ? ['T1204.002'] : ['T1059'];
}

function techniquesOfDeed(deed: StoryEdge['deed'], from: StoryNode, to: StoryNode): readonly string[] {
  const { facts } = to;
  switch (deed) {
    case 'wrote': case 'planted':
      if (isPlace(facts['place'])) return [placeById[facts['place']].attack];
      if (to.kind === 'account') return [facts['made'] === true ? 'T1136.001' : 'T1098'];
      if (to.kind === 'module') return ['T1547.006'];
      if (to.kind === 'unit') return ['T1543.002'];
      if (owners.has(programOf(from))) return ['T1222.002'];
      return isFetcher(from) || facts['odd'] === true ? ['T1105'] : [];
    case 'removed': return [logFile.test(String(facts['path'] ?? '')) ? 'T1070.002' : 'T1070.004'];
    case 'read': {
      const path = String(facts['path'] ?? '');
      return [/\/(?:g?shadow|passwd)-?$/.test(path) ? 'T1003.008' : /\/\.ssh\//.test(path) || /\.(?:pem|key)$/.test(path) ? 'T1552.004' : 'T1552.001'];
    }
    case 'spoke': {
      if (facts['ip'] === '169.254.169.254' || facts['ip'] === '100.100.100.200') return ['T1552.005'];
      if (facts['port'] === 22) return ['T1021.004'];
      if (!isPublic(String(facts['ip'] ?? ''))) return ['T1021'];
      return [isFetcher(from) ? 'T1105' : facts['port'] === 80 || facts['port'] === 443 ? 'T1071.001' : 'T1571'];
    }
    case 'asked': return ['T1071.004'];
    default: return [];
  }
}

const echoTechniques: Readonly<Record<StoryEcho['kind'], readonly string[]>> = { 'log-on': ['T1078'], 'failed-log-on': ['T1110'], session: ['T1078'], privilege: ['T1548.003'], request: ['T1190'] };

function echoStep({ kind, from, first, last, count, user, address, what, bytes }: StoryEcho): StoryStep[] {
  const who = user ?? '?';
  const [zhFrom, enFrom] = address === undefined ? ['', ''] : [`从 ${address} `, ` from ${address}`];
  const times: [string, string] = count > 1 ? [` ${count} 次`, `, ${count} times`] : ['', ''];
  const attack = echoTechniques[kind];
  const text = ((): Text => {
    switch (kind) {
      case 'log-on': return { zh: `${who} ${zhFrom}登录成功${times[0]}${what === undefined ? '' : `（${what}）`}`, en: `${who} logged on${enFrom}${times[1]}${what === undefined ? '' : ` (${what})`}` };
      case 'failed-log-on': return { zh: `${zhFrom}登录失败${times[0]}（账号 ${who}）`, en: `log-on failed${enFrom}${times[1]} (account ${who})` };
      case 'session': return { zh: `${who} ${zhFrom}的登录会话${what === undefined ? '' : `（${what}）`}`, en: `session of ${who}${enFrom}${what === undefined ? '' : ` (${what})`}` };
      case 'privilege': return { zh: `${who} 用 sudo 或 su 运行${times[0]}：${what ?? '?'}`, en: `${who} used sudo or su${times[1]}: ${what ?? '?'}` };
      case 'request': return { zh: `${zhFrom}访问网站${times[0]}：${what ?? '?'}${bytes === undefined ? '' : `（回传 ${bytes} 字节）`}`, en: `web request${enFrom}${times[1]}: ${what ?? '?'}${bytes === undefined ? '' : ` (${bytes} bytes answered)`}` };
    }
  })();
  return [{ time: first, last, count, deed: kind, to: address === undefined ? [] : [`address:${address}`], text, attack, matrix: cellsOf(attack), ...(from !== 'history' && { source: from }) }];
}
