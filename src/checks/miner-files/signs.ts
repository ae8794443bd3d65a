/** By what miners are known. */
import type { Tree } from '../../linux/tree.ts';

const minerName = /^\.?(?:xmrig(?:[-_.\d][\w.-]{0,30})?|xmr-?stak(?:-\w{1,10})?|minerd(?:64)?|cpuminer(?:-\w{1,20})?|ccminer|ethminer|nbminer|t-rex|lolminer|nanominer|phoenixminer|srbminer(?:-\w{1,10})?|teamredminer|kinsing\d?|kdevtmpfsi|watchbog|sysrv\d{0,4}|ddgs?\.\d{1,6}|pwnrig|dbused|xmr(?:64)?|moneroocean\w{0,20}|p2pool-miner|java-miner)$/i;
export const isMinerName = (name: string): boolean => minerName.test(name);

/** Threads of the kernel have no file. */
export const isThreadName = (name: string): boolean => /^\[?(?:kworker\/[\w:-]{1,20}|kworker|kthreadd|ksoftirqd(?:\/\d{1,3})?|kswapd\d|khugepaged|kdevtmpfs|kblockd|kintegrityd|rcu_(?:sched|bh|preempt)|khungtaskd|oom_reaper|kauditd)\]?$/.test(name) || /^\[[a-z][\w/:-]{2,30}\]$/.test(name);

const programWords = ['stratum+tcp://', 'stratum+ssl://', 'donate-level', 'randomx', 'RandomX', 'cryptonight', 'cn/half', 'rx/0', 'mining.subscribe', 'mining.authorize', 'nicehash', 'donate.v2.xmrig.com', 'hugepages-jit', 'argon2-impl', 'kawpow'];
const pieceMax = 1 << 20;
const pieces = 8;

/** Which of the words stand in the first 8 MiB of an ELF; undefined when it is none. */
export function programSigns(tree: Tree, path: string): { words: string[] } | undefined {
  const file = tree.open(path);
  if (!file) return undefined;
  try {
    const piece = Buffer.alloc(pieceMax + 64);
    const words = new Set<string>();
    for (let i = 0; i < pieces; i++) {
      const got = file.read(piece, i * pieceMax);
      if (i === 0 && (got < 4 || piece.readUInt32BE(0) !== 0x7f454c46)) return undefined;
      const seen = piece.subarray(0, got);
      for (const word of programWords) if (seen.includes(word)) words.add(word);
      if (got < pieceMax) break;
    }
    return { words: [...words] };
  } finally { file.close(); }
}

const wallet = /(?:^|[^0-9A-Za-z])([48][0-9AB][1-9A-HJ-NP-Za-km-z]{93})(?![0-9A-Za-z])/;
const pool = /stratum\+(?:tcp|ssl|tls|udp)[^\s:"']{0,8}:\/\/[\w.-]{3,200}|\b[\w.-]{1,100}(?:supportxmr|minexmr|nanopool|moneroocean|hashvault|c3pool|2miners|unmineable|herominers|xmrpool|skypool|crypto-pool|dwarfpool|nicehash)\.[a-z]{2,6}\b/i;
const option = /"donate-level"\s{0,8}:|--donate-level|"algo"\s{0,8}:\s{0,8}"(?:rx\/|cn\/|randomx|ghostrider|kawpow)|"(?:randomx|hugepages-jit|rig-id|nicehash)"\s{0,8}:|\b(?:xmrig|minerd|cpuminer|kdevtmpfsi|xmr-stak)\b/i;
const pools = /"pools"\s{0,8}:\s{0,8}\[/;

export interface TextSigns { sure: boolean; settings: boolean; lines: { line: number; text: string }[] }


/** Two of wallet, pool and a miner's own option make it one; in scripts that only kill miners the names stand without wallet or pool. */
export function textSigns(text: string, path: string): TextSigns | undefined {
  const found = new Map<string, { line: number; text: string }>();
  for (const [i, line] of text.split('\n').entries()) {
    for (const [name, form] of [['wallet', wallet], ['pool', pool], ['option', option], ['pools', pools]] as const) {
      if (found.has(name)) continue;
      const at = form.exec(line);
      if (at) found.set(name, { line: i + 1, text: line.slice(Math.max(0, at.index - 60), at.index + 240).trim() });
    }
    if (found.size === 4) break;
  }
  const settings = path.endsWith('.json') || /^\s*(?:\/\/[^\n]*\n\s*|\/\*[^*]{0,500}\*\/\s*){0,20}\{/.test(text);
  if (settings && !found.has('pools') && !found.has('wallet') && !found.has('pool')) return undefined;
  const strong = (found.has('wallet') ? 1 : 0) + (found.has('pool') ? 1 : 0) + (found.has('option') ? 1 : 0) + (found.has('pools') ? 1 : 0);
  // Lists of addresses to block name pools and nothing else.
  if (strong < 2 || (!found.has('wallet') && !found.has('pool') && !(settings && found.has('pools') && found.has('option')))) return undefined;
  return { sure: found.has('wallet') || (found.has('pools') && found.has('option')), settings, lines: [...found.values()].slice(0, 5) };
}
