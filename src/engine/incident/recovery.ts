/** What a story took away: files that its processes wrote over or removed, the folders they went through, and what only a person can put right. */
import type { Story, StoryEdge, StoryNode } from '../../core/incident.ts';
import type { Text } from '../../core/text.ts';
import { table } from './plan-table.ts';

/** `last`: when a process of the story touched it last, Unix ms. `made`: nothing had this name before, as far as was seen. */
export interface LostFile { path: string; first: number; last: number; removed: boolean; made: boolean; package: string | undefined }

export interface Losses {
  files: LostFile[];
  /** So many of their files were changed that they are looked through whole. */
  folders: string[];
  /** Beyond the bound. */
  left: number;
  /** Of members of the story, `pid:started`: what they wrote is not "written by others since". */
  writers: ReadonlySet<string>;
}

const filesMax = 20_000;
/** A process that changed so many files of a folder went through it. */
const massFiles = 20;
const folderFiles = 3;
const foldersMax = 50;
/** Too much lies below these to be looked through for one of their folders. */
const broad = new Set(['/', '/bin', '/boot', '/dev', '/etc', '/home', '/lib', '/lib64', '/media', '/mnt', '/opt', '/proc', '/root', '/run', '/sbin', '/srv', '/sys', '/tmp', '/usr', '/usr/local', '/usr/share', '/usr/lib', '/var', '/var/lib', '/var/log', '/var/tmp', '/var/www', '/dev/shm']);
const passing = /^\/(?:proc|sys|dev|run|tmp|var\/tmp|var\/run|var\/log|var\/cache)\//;

/** Pure. */
export function lossesOf(story: Story): Losses {
  const byId = new Map(story.nodes.map((node) => [node.id, node]));
  const isAuthor = (node: StoryNode | undefined): node is StoryNode => node?.kind === 'process' && node.facts['chain'] !== true && node.facts['weak'] !== true;
  const writers = new Set(story.nodes.filter(isAuthor).map(({ facts }) => `${String(facts['pid'])}:${String(facts['started'])}`));
  const files = new Map<string, LostFile>();
  const byWriter = new Map<string, Map<string, number>>();
  let left = 0;
  for (const edge of story.edges) {
    const node = byId.get(edge.to);
    if (node === undefined) continue;
    // A check found it; what a package has is known to be another than it was shipped.
    const isFound = edge.deed === 'tells' && typeof node.facts['package'] === 'string';
    if (!isFound && ((edge.deed !== 'wrote' && edge.deed !== 'removed' && edge.deed !== 'planted') || !isAuthor(byId.get(edge.from)))) continue;
    const path = node.facts['path'];
    if ((node.kind !== 'file' && node.kind !== 'persistence') || typeof path !== 'string' || node.facts['container'] !== undefined || node.facts['line'] !== undefined || node.facts['trace'] === true || node.facts['place'] === 'accounts') continue;
    if (!files.has(path) && files.size >= filesMax) { left++; continue; }
    files.set(path, together(files.get(path), path, node, edge));
    if (isFound || passing.test(path)) continue;
    const folders = byWriter.get(edge.from) ?? new Map<string, number>();
    byWriter.set(edge.from, folders);
    const folder = folderOf(path);
    folders.set(folder, (folders.get(folder) ?? 0) + 1);
  }
  const found = new Set<string>();
  for (const folders of byWriter.values()) {
    const total = [...folders.values()].reduce((a, b) => a + b, 0);
    if (total < massFiles) continue;
    const shared = [...folders.keys()].reduce(commonFolder);
    if (!broad.has(shared)) { found.add(shared); continue; }
    for (const [folder, count] of folders) if (count >= folderFiles && !broad.has(folder)) found.add(folder);
  }
  const outermost = [...found].sort((a, b) => a.length - b.length).filter((one, i, all) => !all.slice(0, i).some((above) => one.startsWith(`${above}/`)));
  return { files: [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1)), folders: outermost.slice(0, foldersMax), left: left + Math.max(0, outermost.length - foldersMax), writers };
}

function together(known: LostFile | undefined, path: string, { facts }: StoryNode, { deed, first, last }: StoryEdge): LostFile {
  return {
    path, first: Math.min(known?.first ?? first, first), last: Math.max(known?.last ?? 0, last), removed: known?.removed === true || deed === 'removed',
    made: facts['made'] === true, package: typeof facts['package'] === 'string' ? facts['package'] : undefined,
  };
}

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';

function commonFolder(a: string, b: string): string {
  const one = a.split('/'), other = b.split('/');
  let n = 0;
  while (n < one.length && n < other.length && one[n] === other[n]) n++;
  return one.slice(0, n).join('/') || '/';
}

/** `key` tells two of one incident apart, so that a second recovery asks for nothing twice. */
export interface PersonTask { key: string; title: Text }

const tasksMax = 100;
const keyFile = /(?:^|\/)(?:id_[a-z0-9]+|[^/]*\.(?:pem|key|p12|pfx|jks|ppk))$|\/\.ssh\//i;
const tokenFile = /\.(?:kube|docker|aws|aliyun|tccli|config\/gcloud|npmrc|pypirc|git-credentials|netrc)(?:\/|$)|token|\.env(?:\.|$)/i;
const databaseFile = /(?:wp-config|database|db|my\.cnf|\.pgpass|debian\.cnf|redis\.conf|application[^/]*\.(?:ya?ml|properties)|settings\.py|config\.(?:php|inc))[^/]*$/i;

/** What only a person can do, as the story shows it. Bounded; the last one says how many found no room. Titles are in both languages, for they are kept. */
export function tasksOf(story: Story): PersonTask[] {
  const tasks = new Map<string, Text>();
  const add = (key: string, title: Text): void => { if (!tasks.has(key)) tasks.set(key, title); };
  const chained = new Set(story.edges.filter(({ deed }) => deed === 'logged-on').map(({ from }) => from));
  for (const { kind, id, facts } of story.nodes) {
    const user = String(facts['user'] ?? ''), path = String(facts['path'] ?? '');
    if (kind === 'account') {
      if (facts['made'] === true) add(`account-gone:${user}`, { zh: `确认账号 ${user} 无人需要，然后删除（它是入侵者建的）`, en: `make sure that nobody needs the account ${user}, then delete it (the intruder made it)` });
      else if (chained.has(id) || facts['entered'] === true || facts['changed'] === true) {
        add(`password:${user}`, { zh: `更换账号 ${user} 的口令（它被用来登录），核对其 authorized_keys`, en: `change the password of ${user}, which was used to log on, and look through its authorized_keys` });
      }
    } else if (kind === 'package') {
      const name = String(facts['name'] ?? ''), manager = String(facts['manager'] ?? '');
      add(`package:${name}`, { zh: `从依赖清单、锁定文件和 ${manager} 的缓存中去掉软件包 ${name}，查明它是怎么进来的，并报告其来源`, en: `take the package ${name} out of the lists of dependencies, lock files and the cache of ${manager}, find out how it came to be there, and report it to where it came from` });
    } else if (kind === 'secret') {
      if (keyFile.test(path)) add(`key:${path}`, { zh: `更换密钥 ${path}（被读取过），并在用到它的地方撤销旧的`, en: `replace the key ${path}, which was read, and revoke the old one wherever it is trusted` });
      else if (databaseFile.test(path)) add(`database:${path}`, { zh: `更换 ${path} 中的数据库等口令（文件被读取过）`, en: `change the passwords of databases and the like in ${path}, which was read` });
      else if (tokenFile.test(path)) add(`token:${path}`, { zh: `吊销并重发 ${path} 中的令牌（被读取过）`, en: `revoke and renew the tokens in ${path}, which was read` });
      else if (/\/g?shadow-?$/.test(path)) add('passwords', { zh: '更换全部本地账号的口令：口令摘要文件被读取过', en: 'change the passwords of all local accounts: the file with their digests was read' });
      else add(`secret:${path}`, { zh: `更换 ${path} 中的凭据（被读取过）`, en: `replace the credentials in ${path}, which was read` });
    }
  }
  if (story.nodes.some((node) => node.kind === 'alert' && table.alert.nothing?.(node) === false)) add('data-left', { zh: '查明哪些数据已被传走、涉及哪些人，更换其中的凭据，通知该通知的人（已传走的数据无法收回）', en: 'find out which data was sent away and whom it concerns, replace credentials in it, tell those who must be told (what left cannot be brought back)' });
  if (story.entry?.kind === 'web') add('entry:web', { zh: `修补入口：${story.entry.text.zh}`, en: `close the way in: ${story.entry.text.en}` });
  else if (story.entry !== undefined && story.entry.kind !== 'unknown') add(`entry:${story.entry.kind}`, { zh: `堵住入口：${story.entry.text.zh}`, en: `close the way in: ${story.entry.text.en}` });
  const all = [...tasks].map(([key, title]) => ({ key, title }));
  if (all.length <= tasksMax) return all;
  return [...all.slice(0, tasksMax - 1), { key: 'more', title: { zh: `另有 ${all.length - tasksMax + 1} 项凭据或账号未列出：见 moat incident plan --json 的经过`, en: `${all.length - tasksMax + 1} more credentials or accounts found no room here: look through the story` } }];
}
