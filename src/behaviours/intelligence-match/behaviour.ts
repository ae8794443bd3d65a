/** Traffic with, log-ons from and programs on the intelligence lists. Remembers nothing: the lists are the memory. */
import type { Event } from '../../core/gen/event.ts';
import { levels, type Level } from '../../core/level.ts';
import type { Indicator } from '../../core/lineage.ts';
import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';
import { httpHost, tlsServerName, walletWords } from '../first-bytes.ts';
import { accountOf, loginKinds } from '../login.ts';
import { flag } from '../settings.ts';

export const intelligenceMatch: Behaviour = {
  id: 'intelligence-match',
  title: { zh: '命中情报列表', en: 'Match on an intelligence list' },
  means: { zh: '地址、域名、文件或钱包在已知恶意的名单上', en: 'An address, name, file or wallet stands on a list of known bad ones' },
  advice: { zh: '名单也会过时：看本机与它有过什么往来；确有往来就封锁该地址，并查发起的进程。', en: 'Lists age: look at what this machine had to do with it; if it did, block the address and look at the process that began it.' },
  blind: {
    zh: '只认列表上的地址、域名、哈希与钱包：换了新地址就看不到；加密 DNS、加密的服务器名（ECH）与超出首包 256 字节的名字看不到。',
    en: 'Only what stands on the lists is known, not what an attacker rents tomorrow. Encrypted DNS, encrypted server names (ECH) and names beyond the first 256 bytes of a connection are not seen.',
  },
  kinds: ['network_connection', 'dns_query', 'flow', 'process_creation', ...loginKinds],
  settings: { inbound: { default: true, text: { zh: '列表中的地址连入时是否报告（低级别、合并为一条）', en: 'whether listed addresses that connect in are told (at a low level, folded into one alert)' } } },
  open,
};

interface Words { title: Text; summary: Text }

const words = {
  out: {
    title: { zh: '访问情报列表中的目标', en: 'Contact with a listed destination' },
    summary: { zh: '{program} 访问了 {target}：列表 {list} 中的 {value}（{what}）', en: '{program} contacted {target}: {value} on list {list} ({what})' },
  },
  in: {
    title: { zh: '情报列表中的地址连入', en: 'Listed addresses connect in' },
    summary: { zh: '列表 {list}（{what}）中的地址连入本机，最近一个是 {target}', en: 'addresses on list {list} ({what}) connect to this machine, the latest is {target}' },
  },
  login: {
    title: { zh: '情报列表中的地址登录成功', en: 'Log-on from a listed address' },
    summary: { zh: '账号 {account} 从 {target} 登录成功：列表 {list} 中的 {value}（{what}）', en: '{account} logged on from {target}: {value} on list {list} ({what})' },
  },
  file: {
    title: { zh: '运行情报列表中的文件', en: 'Listed file runs' },
    summary: { zh: '{program} 正在运行，其哈希在列表 {list} 中（{what}）：{value}', en: '{program} runs; its hash is on list {list} ({what}): {value}' },
  },
  wallet: {
    title: { zh: '使用情报列表中的钱包地址', en: 'Listed wallet in use' },
    summary: { zh: '{program} 使用了列表 {list} 中的钱包 {value}（{what}）', en: '{program} uses wallet {value} on list {list} ({what})' },
  },
} as const satisfies Record<string, Words>;

type Sight = keyof typeof words;

function open(context: BehaviourContext): BehaviourRun {
  const inbound = flag(context, 'inbound');
  const { intelligence } = context;

  function tell(event: Event, sight: Sight, found: Indicator | undefined, target: string): void {
    if (!found) return;
    const program = event.process_path ?? event.process_name ?? event.service ?? '?';
    const account = event.user ?? '?';
    context.emit({
      ruleId: 'behaviour.intelligence-match', ...words[sight], level: levelOf(found.level, sight), attack: attackOf(found.what, sight),
      key: keyOf(sight, found, program, account), time: event.time, events: [event], count: 1,
      group: { program, account, target: target.slice(0, 255), value: found.value, what: found.what, list: found.list },
    });
  }

  const host = (name: string): Indicator | undefined => intelligence.domain(name) ?? intelligence.address(name);

  function wallets(event: Event, text: string): void {
    for (const word of walletWords(text)) {
      const found = intelligence.wallet(word);
      if (found) { tell(event, 'wallet', found, word); return; }
    }
  }

  return {
    observe(event) {
      if (intelligence.size === 0) return;
      switch (event.kind) {
        case 'network_connection':
          if (event.direction === 'inbound') {
            if (inbound && event.source_ip !== undefined) tell(event, 'in', intelligence.address(event.source_ip), event.source_ip);
          } else if (event.destination_ip !== undefined) tell(event, 'out', intelligence.address(event.destination_ip), `${event.destination_ip} ${event.destination_port ?? ''}`.trimEnd());
          break;
        case 'dns_query':
          if (event.destination_host !== undefined) tell(event, 'out', intelligence.domain(event.destination_host), event.destination_host);
          break;
        case 'flow': {
          if (event.payload === undefined) break;
          const name = event.direction === 'inbound' ? undefined : tlsServerName(event.payload) ?? httpHost(event.payload);
          if (name !== undefined) tell(event, 'out', host(name), name);
          wallets(event, event.payload);
          break;
        }
        case 'process_creation': {
          const sha256 = event.extra?.['sha256'];
          if (typeof sha256 === 'string') tell(event, 'file', intelligence.hash(sha256), sha256);
          if (event.process_cmdline !== undefined) wallets(event, event.process_cmdline);
          break;
        }
        default:
          if (event.source_ip !== undefined && accountOf(event) !== undefined) tell(event, 'login', intelligence.address(event.source_ip), event.source_ip);
      }
    },
  };
}

/** Everybody on the internet is connected to by listed scanners; one that logs on is another thing. */
function levelOf(level: Level, sight: Sight): Level {
  const at = levels.indexOf(level);
  switch (sight) {
    case 'in': return levels[Math.max(0, at - 2)] ?? 'info';
    case 'login': return levels[Math.max(at, Math.min(at + 1, levels.indexOf('high')))] ?? level;
    default: return level;
  }
}

function keyOf(sight: Sight, found: Indicator, program: string, account: string): string {
  switch (sight) {
    case 'in': return `in:${found.list}:${found.what}`;
    case 'login': return `login:${account}:${found.value}`;
    default: return `${sight}:${found.value}:${program}`;
  }
}

function attackOf(what: string, sight: Sight): string[] {
  if (sight === 'login') return ['T1078'];
  if (sight === 'in') return what.startsWith('scan') ? ['T1595'] : [];
  if (sight === 'wallet' || what.startsWith('min')) return ['T1496'];
  if (sight === 'file') return [];
  return what.startsWith('tor') || what.startsWith('prox') ? ['T1090'] : ['T1071'];
}
