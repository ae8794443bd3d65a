/**
 * What gives a miner away in one text: traffic, host names, command lines, program names. Each sign has a weight;
 * what it is worth together with the others, the behaviours decide. 100 is proof by itself.
 */
import { tlsServerName } from './first-bytes.ts';
import { baseName } from './program-kind.ts';
import { proxyTarget } from './proxy.ts';
import { wallets } from './wallet.ts';

export type SignKind = 'stratum' | 'pool' | 'wallet' | 'options' | 'port' | 'proxy' | 'name' | 'disguise';

export interface Sign { kind: SignKind; weight: number; what: string }

/** Ports that pools commonly serve; a hint only. */
export const poolPorts: ReadonlySet<number> = new Set([2222, 3333, 3334, 3335, 3357, 4444, 5555, 5556, 7777, 7778, 8888, 9999, 10_128, 10_343, 13_333, 14_433, 14_444, 18_081, 20_128, 33_333, 45_560, 45_700, 55_555]);
/** Where Tor and SOCKS proxies listen. */
export const proxyPorts: ReadonlySet<number> = new Set([1080, 9050, 9150]);

const methods = ['"mining.subscribe"', '"mining.authorize"', '"mining.configure"', '"mining.hello"', '"mining.extranonce.subscribe"', '"mining.submit"', '"mining.notify"', '"eth_submitlogin"', '"eth_submitwork"', '"eth_submithashrate"', '"eth_getwork"'];
const agents = ['xmrig', 'xmr-stak', 'cpuminer', 'ccminer', 'srbminer', 'cgminer', 'bfgminer', 'ethminer', 'nbminer', 'lolminer', 't-rex/', 'teamred', 'gminer', 'nanominer', 'wildrig', 'bzminer', 'onezerominer', 'rigel/'];

/** JSON may write any letter as \\u0061. */
const unescaped = (text: string): string => text.includes('\\u') ? text.replace(/\\u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) : text;

/** Signs in the first bytes of a flow (latin1), whichever end sent them. */
export function trafficSigns(payload: string, isPool: IsPool = unlisted): Sign[] {
  const signs: Sign[] = [];
  const said = stratumSign(payload);
  if (said !== undefined) signs.push(said);
  const target = proxyTarget(payload);
  const name = target?.host ?? tlsServerName(payload);
  const pool = name === undefined ? undefined : poolName(name, isPool);
  if (pool !== undefined) signs.push(pool);
  if (target !== undefined && poolPorts.has(target.port)) signs.push({ kind: 'port', weight: 15, what: `${target.host}:${target.port}` });
  if (target?.host.endsWith('.onion')) signs.push({ kind: 'proxy', weight: 25, what: target.host });
  for (const { text: address, coin, verified } of wallets(payload).slice(0, 2)) signs.push({ kind: 'wallet', weight: walletWeight(coin, verified), what: `${coin} ${address}` });
  return signs;
}

/** What only a miner or its pool says, in the first bytes of a flow. */
export function stratumSign(payload: string): Sign | undefined {
  // All of it stands in quotes, and nearly no traffic has any.
  if (!payload.includes('"') && !payload.includes('\\u')) return undefined;
  const text = unescaped(payload).toLowerCase();
  const method = text.includes('"') ? methods.find((word) => text.includes(word)) : undefined;
  if (method !== undefined) return { kind: 'stratum', weight: 100, what: method.slice(1, -1) };
  if (/"method"\s{0,4}:\s{0,4}"login"/.test(text) && text.includes('"login"')) {
    const agent = agents.find((name) => text.includes(name));
    if (agent !== undefined) return { kind: 'stratum', weight: 100, what: `login, ${agent}` };
    if (text.includes('"pass"') && (text.includes('"agent"') || text.includes('"algo"') || text.includes('"rigid"'))) return { kind: 'stratum', weight: 95, what: 'login' };
    if (wallets(text).length > 0 || /"login"\s{0,4}:\s{0,4}"[48][0-9a-z]{93}/.test(text)) return { kind: 'stratum', weight: 100, what: 'login' };
  }
  if (/"get_?block_?template"/.test(text)) return { kind: 'stratum', weight: 45, what: 'getblocktemplate' };
  return undefined;
}

function walletWeight(coin: string, verified: boolean): number {
  switch (coin) {
    case 'Monero': case 'Zephyr': case 'Wownero': return verified ? 55 : 40;
    // Web shops and wallets of all kinds hand these about.
    case 'Ethereum': return verified ? 20 : 15;
    case 'Bitcoin': return 25;
    default: return verified ? 35 : 20;
  }
}

/** Tells whether a name is a listed pool's (`intelligence`). */
export type IsPool = (host: string) => boolean;
const unlisted: IsPool = () => false;

const coins = new Set(['xmr', 'monero', 'rvn', 'ravencoin', 'kawpow', 'randomx', 'cryptonight', 'ethash', 'etchash', 'etc', 'eth', 'zec', 'btc', 'ltc', 'kas', 'kaspa', 'ergo', 'zeph', 'zephyr', 'verus', 'vrsc', 'dero', 'wow', 'wownero', 'conflux', 'cfx', 'doge', 'clore', 'salvium', 'xel', 'qubic']);
/** Short names that mean other things too. */
const ambiguous = new Set(['etc', 'eth', 'kas', 'wow', 'btc', 'ltc', 'ergo', 'xel', 'clore', 'conflux', 'doge']);
const works = new Set(['mine', 'miner', 'miners', 'mining', 'hash', 'hashrate', 'stratum', 'solo']);

/** What a host name's wording says: pools name themselves much alike. */
export function poolName(host: string, isPool: IsPool = unlisted): Sign | undefined {
  const name = host.toLowerCase().replace(/\.$/, '');
  if (!name.includes('.') || name.length > 253 || name.endsWith('.arpa') || name.endsWith('ntp.org')) return undefined;
  const sign = (weight: number): Sign => ({ kind: 'pool', weight, what: name });
  if (isPool(name)) return sign(60);
  // The last label is no word: xmr.example.mining
  const words = name.slice(0, name.lastIndexOf('.')).split(/[.\-_\d]+/, 24).filter(Boolean);
  const saysPool = words.some((word) => word === 'pool' || word === 'pools' || word.endsWith('pool'));
  const isWork = words.some((word) => works.has(word));
  const coin = words.find((word) => coins.has(word) || (word.endsWith('pool') && coins.has(word.slice(0, -4))) || word.startsWith('xmr') || word.startsWith('monero'));
  if (words.includes('stratum')) return sign(60);
  if (coin !== undefined && (saysPool || isWork)) return sign(50);
  if (saysPool && isWork) return sign(45);
  if (coin !== undefined && !ambiguous.has(coin)) return sign(35);
  if (words[0] === 'pool' || words[0] === 'mine' || words[0] === 'miner') return sign(20);
  return undefined;
}

const algorithms = /^(?:rx(?:\/(?:0|1|2|wow|loki|arq|graft|sfx|keva|yada|xeq))?|randomx\w{0,8}|cn(?:[-/]\w{1,12})?|cryptonight\S{0,16}|argon2(?:\/chukwa(?:v2)?|d\w{0,8}|id\w{0,8})|kawpow|ethash|etchash|ghostrider|gr|autolykos2?|verushash|verus|yescrypt\w{0,6}|yespower\w{0,10}|progpow\S{0,8}|k?heavyhash|octopus|beamhash\w{0,4}|equihash\S{0,8}|zelhash|sha256d|scrypt|panthera|astrobwt\S{0,6}|xelishash\w{0,4}|dynex\w{0,6}|karlsenhash|pyrinhash|nexapow|firopow|evrprogpow|minotaurx|power2b|mike|flex|lyra2\S{0,6}|x1[1367]r?v?2?)$/;
const strongOptions = ['--donate-level', '--donate-over-proxy', '--cpu-max-threads-hint', '--randomx-', '--rig-id', '--nicehash', '--no-huge-pages', '--huge-pages', '--huge-pages-jit', '--asm=', '--cpu-affinity', '--max-cpu-usage', '--keepalive', '--wallet', '--worker', '--api-worker-id', '--coin', '--cpu-no-yield', '--randomx', '--msr'];
/** Worth little: other programs have options of these names. */
const weakOptions = new Set(['--keepalive', '--wallet', '--worker', '--cpu-affinity', '--huge-pages', '--coin', '--asm=', '--msr']);

/** Signs on a command line. `words` after `-c` of a shell are looked at like any other. */
export function commandSigns(cmdline: string, isPool: IsPool = unlisted): Sign[] {
  const text = cmdline.slice(0, 4096);
  const words = text.split(/[\s"']+/, 200);
  const signs: Sign[] = [];
  const options: string[] = [];
  let weight = 0;
  const url = /\b(?:stratum[12]?|eth-proxy|ethproxy|zilpool|daemon)(?:\+(?:tcp|ssl|tls|tls12|udp|http|https|ws|wss))?:\/\/[^\s"']{1,200}/i.exec(text);
  if (url) signs.push({ kind: 'pool', weight: /^daemon:/i.test(url[0]) ? 20 : 75, what: url[0] });
  let server: string | undefined;
  for (const [i, word] of words.entries()) {
    const next = words[i + 1] ?? '';
    const option = word.startsWith('-') ? strongOptions.find((name) => word === name || word.startsWith(name.endsWith('=') || name.endsWith('-') ? name : `${name}=`)) : undefined;
    if (option !== undefined && options.length < 6 && !options.includes(option)) { options.push(option); weight += weakOptions.has(option) ? 10 : 30; }
    const algorithm = word === '-a' || word === '--algo' || word === '--coin' ? next : /^--(?:algo|coin)=(\S{1,40})$/.exec(word)?.[1];
    if (algorithm !== undefined && (algorithms.test(algorithm.toLowerCase()) || coins.has(algorithm.toLowerCase())) && !options.includes(`-a ${algorithm}`)) { options.push(`-a ${algorithm}`); weight += 35; }
    const at = hostPort(word === '-o' || word === '--url' || word === '--pool' || word === '-P' || word === '-pool' || word === '-S' || word === '--server' ? next : word.replace(/^(?:--(?:url|pool|server)=|-o=?)/, ''));
    if (at === undefined || server !== undefined) continue;
    const pool = poolName(at.host, isPool);
    if (pool !== undefined && pool.weight > 20 && !url) { server = `${at.host}:${at.port}`; signs.push({ ...pool, what: server, weight: pool.weight + (poolPorts.has(at.port) || isAfter(words, i, serverOptions) ? 15 : 0) }); }
    else if (isAfter(words, i, serverOptions) && words.some((w) => w === '-u' || w === '--user' || w.startsWith('--user=') || w.startsWith('--wallet') || w === '-wal' || w === '-w')) {
      server = `${at.host}:${at.port}`;
      options.push(`-o ${server}`, '-u');
      weight += poolPorts.has(at.port) ? 45 : 30;
    }
  }
  if (weight > 0) signs.push({ kind: 'options', weight: Math.min(weight, 75), what: options.join(' ') });
  for (const { text: address, coin, verified } of wallets(text).slice(0, 2)) signs.push({ kind: 'wallet', weight: walletWeight(coin, verified), what: `${coin} ${address}` });
  return signs;
}

const serverOptions = ['-o', '--url', '--pool', '-pool', '--server'];

const isAfter = (words: readonly string[], i: number, options: readonly string[]): boolean => {
  const word = words[i]!, before = words[i - 1] ?? '';
  return options.includes(word) || options.includes(before) || options.some((o) => o.startsWith('--') && word.startsWith(`${o}=`));
};

function hostPort(word: string): { host: string; port: number } | undefined {
  const match = /^(?:[a-z0-9+]{2,20}:\/\/)?(?:[^\s@/]{1,140}@)?([0-9A-Za-z][0-9A-Za-z.-]{1,252}\.[0-9A-Za-z-]{1,63}|localhost):(\d{2,5})\/?$/.exec(word.slice(0, 500));
  const port = Number(match?.[2]);
  return match && port > 0 && port < 65_536 ? { host: match[1]!, port } : undefined;
}

const minerNames = /(?:^|[-_.])(?:xmrig|xmr-stak|xmrstak|minerd|cpuminer|ccminer|cgminer|bfgminer|ethminer|nbminer|lolminer|gminer|srbminer|nanominer|teamredminer|phoenixminer|wildrig|bzminer|cnrig|kdevtmpfsi|kinsing|kworkerds|kthreaddk|khugepageds|sysrv\d*|perfctl|watchbog|randomx-benchmark|p2pool|xmrig-proxy|xmr|monero-miner|moneroocean)(?:$|[-_.\d])/i;

/** The file name of a known miner. */
export function nameSign(path: string | undefined): Sign | undefined {
  const name = path === undefined ? '' : baseName(path);
  return minerNames.test(name) ? { kind: 'name', weight: 70, what: name } : undefined;
}
