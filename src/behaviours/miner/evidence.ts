/** The pieces of evidence, what each is worth and how it is told, and what they add up to. */
import type { Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';

interface Words { text: Text; strong: boolean; /** It talks to somebody, or that it works. */ part?: 'speaks' | 'works' }

/** Strong: honest programs do not have it. The others are what a miner has in common with many a program. */
const words = {
  stratum: { strong: true, part: 'speaks', text: { zh: '流量中有矿池协议（{stratum}）', en: 'mining protocol in its traffic ({stratum})' } },
  listed: { strong: true, part: 'speaks', text: { zh: '情报名单：{listed}', en: 'on an intelligence list: {listed}' } },
  pool: { strong: true, part: 'speaks', text: { zh: '矿池 {pool}', en: 'pool {pool}' } },
  asked: { strong: true, part: 'speaks', text: { zh: '查询矿池域名 {asked}', en: 'asked DNS for the pool {asked}' } },
  wallet: { strong: true, text: { zh: '钱包 {wallet}', en: 'wallet {wallet}' } },
  options: { strong: true, text: { zh: '挖矿参数 {options}', en: 'miner\'s options {options}' } },
  name: { strong: true, text: { zh: '挖矿程序名 {name}', en: 'name of a miner: {name}' } },
  config: { strong: true, text: { zh: '写入挖矿配置 {config}', en: 'wrote the miner\'s configuration {config}' } },
  pages: { strong: true, text: { zh: '设置大页内存 {pages}', en: 'set huge pages {pages}' } },
  msr: { strong: true, text: { zh: '改写 CPU 寄存器（{msr}）', en: 'wrote CPU registers ({msr})' } },
  disguise: { strong: true, text: { zh: '名称冒充 {disguise}', en: 'poses as {disguise}' } },
  cpu: { strong: false, part: 'works', text: { zh: 'CPU 占用 {cpu}', en: 'CPU at {cpu}' } },
  all: { strong: false, part: 'works', text: { zh: '占满全部核心（{all}）', en: 'takes all cores ({all})' } },
  steady: { strong: false, part: 'works', text: { zh: '长时间平稳占用 CPU（{steady}）', en: 'steady CPU load for long ({steady})' } },
  unowned: { strong: false, text: { zh: '不属于任何软件包', en: 'owned by no package' } },
  changed: { strong: false, text: { zh: '软件包的文件被改动', en: 'the package\'s file was changed' } },
  place: { strong: false, text: { zh: '位于临时或隐藏目录', en: 'in a temporary or hidden folder' } },
  memory: { strong: false, text: { zh: '只在内存中', en: 'only in memory' } },
  deleted: { strong: false, text: { zh: '文件已删除', en: 'its file is deleted' } },
  origin: { strong: false, text: { zh: '由 Web、数据库或安装脚本启动', en: 'started below a web server, a database or an install script' } },
  downloaded: { strong: false, text: { zh: '文件由 {downloaded} 写入', en: 'its file was written by {downloaded}' } },
  lone: { strong: false, part: 'speaks', text: { zh: '只有一条长期外连 {lone}', en: 'one long-lived connection only, {lone}' } },
  port: { strong: false, part: 'speaks', text: { zh: '连接矿池常用端口 {port}', en: 'a port that pools use, {port}' } },
  proxy: { strong: false, part: 'speaks', text: { zh: '经 Tor 或代理外连 {proxy}', en: 'through Tor or a proxy, {proxy}' } },
} satisfies Record<string, Words>;

export type PieceKind = keyof typeof words;
const table: Readonly<Record<PieceKind, Words>> = words;

export interface Piece { kind: PieceKind; weight: number; what: string; time: number }

export interface Verdict { score: number; level: Level; pieces: Piece[]; text: Text; group: Record<string, string> }

const alarmScore = 70;
const told = 12;

/**
 * What the pieces add up to; undefined when that is not enough. `isHonest`: nothing speaks against the program
 * itself but what it does, and honest programs do that too (a known tool, a server, a package's own program).
 */
export function judge(pieces: readonly Piece[], isHonest: boolean): Verdict | undefined {
  let strong = 0, weak = 0, named = 0, works = false, speaks = false;
  for (const { kind, weight } of pieces) {
    const { strong: isStrong, part } = table[kind];
    if (isStrong) strong += weight;
    else weak += weight;
    if (kind === 'disguise') named = weight;
    works ||= part === 'works';
    speaks ||= part === 'speaks';
  }
  // Nothing of mining itself: it must work as a miner does, and talk to somebody or go by a false name.
  if (strong - named < 25 && (isHonest || !works || (!speaks && named < 35))) return undefined;
  // Signs that are strong but slight signs of a program that is above suspicion say little together with its load.
  const score = strong + (isHonest ? Math.min(weak, 20) : weak);
  if (score < alarmScore) return undefined;
  const ordered = pieces.toSorted((a, b) => b.weight - a.weight).slice(0, told);
  const place = pieces.some(({ kind }) => kind === 'place' || kind === 'memory' || kind === 'deleted' || kind === 'origin');
  const level = strong >= 60 && score >= 90 ? 'critical' : strong >= 35 || place ? 'high' : 'medium';
  return {
    score: Math.min(100, Math.round(score)), level, pieces: ordered,
    text: { zh: ordered.map(({ kind }) => table[kind].text.zh).join('；'), en: ordered.map(({ kind }) => table[kind].text.en).join('; ') },
    group: Object.fromEntries(ordered.map(({ kind, what }) => [kind, what])),
  };
}

export const isStrong = (kind: PieceKind): boolean => table[kind].strong;
