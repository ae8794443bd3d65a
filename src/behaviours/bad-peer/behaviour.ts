/**
 * Far ends that honest servers do not speak to, told by what is done and not by a list: Tor, addresses abroad reached
 * by unusual programs, calls that come back like a clock, and data carried in names asked of DNS.
 */
import type { Event } from '../../core/gen/event.ts';
import type { Level } from '../../core/level.ts';
import type { Behaviour, BehaviourContext, BehaviourRun, Learning } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';
import { actorOf, originKind, who, type Actor } from '../actor.ts';
import { hourMs } from '../clock.ts';
import { accountOf } from '../login.ts';
import { Lru } from '../lru.ts';
import { isPublic } from '../../core/address.ts';
import { short } from '../process.ts';
import { baseName, deedFile } from '../program-kind.ts';
import { isOdd, provenanceOf, type Provenance } from '../provenance.ts';
import { isCount, load, save } from '../saved.ts';
import { list, number, text } from '../settings.ts';
import { listed, raised, Stories } from '../stories.ts';
import { Beacons, type Beat } from './beacon.ts';
import { Tunnels, type Tunnel } from './tunnel.ts';

export const badPeer: Behaviour = {
  id: 'bad-peer',
  title: { zh: '可疑外联', en: 'Suspicious far end' },
  means: { zh: '程序在联系矿池、暗网或罕见的境外地址；正常服务很少这样做', en: 'A program talks to a mining pool, a hidden service or a rare address abroad; ordinary services seldom do' },
  advice: { zh: '看这个进程从哪里来（moat origin 进程号）；不是您的程序就冻结它并封锁对端地址。', en: 'Look where the process came from (moat origin PID); if it is not yours, freeze it and block the far address.' },
  blind: {
    zh: '长连接里的心跳、加密 DNS（DoH）、按网页端口伪装的 Tor 网桥看不到；没有国家库时不判断境外；连接的数据量不知道；包管理器安装的程序被利用来外联时只看得到其子进程。',
    en: 'Beats inside one long connection, DNS over HTTPS and Tor bridges that look like the web are not seen. Without a country table nothing abroad is judged. How much was sent is not known. Of a packaged program that is misused only its children show.',
  },
  kinds: ['network_connection', 'dns_query', 'sshd', 'auth'],
  settings: {
    torAllowed: { default: false, text: { zh: '本机有意运行 Tor', en: 'this machine runs Tor on purpose' } },
    homeCountry: { default: '', text: { zh: '本国（两字母，如 CN）；为空则由成功登录的唯一来源国家推断', en: 'home country, two letters such as CN; empty: the only country that people logged on from' } },
    abroadAllowed: { default: [], text: { zh: '可以连接境外的程序：完整路径或程序名', en: 'programs that may reach abroad: full path or name' } },
    beaconMinutes: { default: 30, min: 5, max: 1440, text: { zh: '规律回连须持续几分钟', en: 'minutes that a regular call must last' } },
    beaconJitter: { default: 20, min: 1, max: 50, text: { zh: '规律回连的间隔偏差不超过（%）', en: 'greatest deviation of its interval in percent' } },
    beaconAllowed: { default: [], text: { zh: '可以规律回连的程序（自有监控、轮询）：完整路径或程序名', en: 'programs that may call regularly (monitoring or polling of one\'s own): full path or name' } },
    tunnelNames: { default: 80, min: 20, max: 256, text: { zh: '十分钟内同一域名下出现多少个不同的超长子域名时报告', en: 'told when so many different long names below one domain were asked for within ten minutes' } },
    tunnelAllowed: {
      default: ['arpa', 'spamhaus.org', 'surbl.org', 'uribl.com', 'dnswl.org', 'sophosxl.net', 'mcafee.com', 'trendmicro.com', 'amazonaws.com', 'cloudfront.net', 'akamaiedge.net', 'akadns.net', 'aliyuncs.com', 'myqcloud.com', 'azure.com', 'windows.net', 'cluster.local', 'internal'],
      text: { zh: '不算 DNS 隧道的域名（含其子域名）', en: 'domains, with those below them, that are no tunnel' },
    },
    learnHours: { default: 24, min: 0, max: 10_000, text: { zh: '学习哪些程序平常连接境外的时间（小时）', en: 'hours to learn which programs reach abroad' } },
  },
  open,
};

const tor: Text = { zh: '连接 Tor 网络', en: 'Tor is used' };
const abroad: Text = { zh: '异常程序外联境外', en: 'Unusual program reaches abroad' };
const beacon: Text = { zh: '规律回连', en: 'Regular calls to one address' };
const tunnel: Text = { zh: 'DNS 隧道', en: 'DNS tunnel' };

const maxStories = 3000;
const maxPrograms = 2000;
const storyMs = 24 * hourMs;

const torPorts = new Set([9001, 9030, 9031, 9040, 9051, 9101]);
const torSocks = new Set([9050, 9150]);
const resolvers = /^(?:systemd-resolved|systemd-resolve|dnsmasq|unbound|named|nscd|coredns|pdns_recursor|bind|resolved)$/;
const inline = /\s-(?:c|e|r)\s/;

function open(context: BehaviourContext): BehaviourRun {
  const torAllowed = context.settings['torAllowed'] === true;
  const home = text(context, 'homeCountry').toUpperCase();
  const abroadAllowed = new Set(list(context, 'abroadAllowed')), beaconAllowed = new Set(list(context, 'beaconAllowed'));
  const tunnelAllowed = list(context, 'tunnelAllowed').map((domain) => domain.toLowerCase());
  const learnMs = number(context, 'learnHours') * hourMs;
  const stories = new Stories(maxStories, storyMs, () => { context.count('alerts forgotten'); });
  const beacons = new Beacons(number(context, 'beaconJitter') / 100, number(context, 'beaconMinutes') * 60_000, () => { context.count('pairs of program and address forgotten'); });
  const tunnels = new Tunnels(number(context, 'tunnelNames'), () => { context.count('domains forgotten'); });
  /** Programs that reached abroad before. */
  const travelled = new Lru<number>(maxPrograms, () => { context.count('programs that reach abroad forgotten'); });
  const countries = new Set<string>();
  let since: number | undefined;
  let samples = 0;
  let now = 0;

  load(context, ({ head, rows, since: from, samples: n }) => {
    if (head.length > 32 || !head.every((country) => typeof country === 'string' && country.length === 2) || rows.length > maxPrograms || !rows.every((row) => isCount(row[1]))) return false;
    for (const country of head) countries.add(String(country));
    for (const [program, first] of rows) travelled.set(program, Number(first));
    since = from;
    samples = n;
    return true;
  });

  const ready = (): boolean => since !== undefined && now - since >= learnMs;
  const homeNow = (): string | undefined => (home !== '' ? home : countries.size === 1 ? countries.values().next().value : undefined);
  const isAmong = (names: ReadonlySet<string>, actor: Actor, file: string): boolean => names.has(file) || names.has(actor.program) || names.has(actor.name) || names.has(baseName(file));

  function tell(event: Event, actor: Actor, what: { key: string; level: Level; title: Text; thing: string; zh: string; en: string; attack: string; group?: Record<string, string> }): void {
    const told = stories.add(what.key, what.level, what.thing, event.time);
    if (told === undefined) return;
    context.emit({
      ruleId: 'behaviour.bad-peer', title: what.title, level: told.story.level, summary: { zh: what.zh, en: what.en },
      attack: [what.attack], matrix: ['通过代理访问'], key: what.key, time: event.time, events: [event], count: told.count,
      group: { ...who(actor, event), things: listed(told.story), ...what.group },
    });
  }

  function asked(event: Event): void {
    const name = (event.destination_host ?? '').slice(0, 253).toLowerCase().replace(/\.$/, '');
    if (name.endsWith('.onion')) { onion(event, name); return; }
    if (tunnelAllowed.some((domain) => name === domain || name.endsWith(`.${domain}`))) return;
    const found = tunnels.add(name, event.time);
    if (found !== undefined) tellTunnel(event, found, name);
  }

  function onion(event: Event, name: string): void {
    const actor = actorOf(event, context);
    if (torAllowed || resolvers.test(actor.name)) return;
    const kind = originKind(actor, event);
    const file = deedFile(actor.program, event.process_cmdline ?? actor.node?.cmdline);
    const provenance = provenanceOf(context, file, actor.container);
    const level: Level = kind === 'web' || isOdd(file, provenance) ? 'critical' : provenance === 'owned' && (kind === 'login' || kind === 'console') ? 'medium' : 'high';
    tell(event, actor, {
      key: `tor:${actor.tree}`, level, title: tor, thing: name, attack: 'T1090.003',
      zh: '{program} 查询了暗网域名：{things}（来由：{origin_zh}）', en: '{program} asked for names of the dark web: {things} (from {origin_en})',
    });
  }

  function tellTunnel(event: Event, found: Tunnel, name: string): void {
    const actor = actorOf(event, context);
    const file = deedFile(actor.program, event.process_cmdline ?? actor.node?.cmdline);
    const provenance = provenanceOf(context, file, actor.container);
    const isHostile = !resolvers.test(actor.name) && (originKind(actor, event) === 'web' || provenance === 'unowned' || provenance === 'changed');
    tell(event, actor, {
      key: `tunnel:${found.domain}`, level: isOdd(file, provenance) ? 'critical' : isHostile ? 'high' : 'medium', title: tunnel, thing: found.domain, attack: 'T1071.004',
      zh: '{program} 十分钟内查询了 {domain} 下 {names} 个不同的超长域名，共携带 {bytes} 字节，如 {name}（来由：{origin_zh}）',
      en: '{program} asked for {names} different long names below {domain} within ten minutes, which carry {bytes} bytes, such as {name} (from {origin_en})',
      group: { domain: found.domain, names: String(found.names), bytes: String(found.bytes), name: short(name, 100) },
    });
  }

  function connected(event: Event, ip: string, port: number): void {
    if (torSocks.has(port) && (ip.startsWith('127.') || ip === '::1')) { socks(event, port); return; }
    if (!isPublic(ip)) return;
    const actor = actorOf(event, context);
    if (originKind(actor, event) === 'cloud') return;
    const file = deedFile(actor.program, event.process_cmdline ?? actor.node?.cmdline);
    const provenance = provenanceOf(context, file, actor.container);
    if (!torAllowed && (actor.name === 'tor' || (torPorts.has(port) && provenance !== 'owned'))) onTor(event, actor, provenance, file, ip, port);
    if ((port === 443 || port === 80 || port === 8443) && event.destination_country !== undefined) overseas(event, actor, provenance, file, ip, port, event.destination_country);
    calls(event, actor, provenance, file, ip, port);
  }

  function onTor(event: Event, actor: Actor, provenance: Provenance, file: string, ip: string, port: number): void {
    const isTor = actor.name === 'tor';
    const odd = isOdd(file, provenance) || originKind(actor, event) === 'web';
    const level: Level = isTor ? (provenance === 'owned' ? 'low' : odd ? 'critical' : 'high') : odd ? 'high' : 'medium';
    tell(event, actor, {
      key: `tor:${actor.tree}`, level, title: tor, thing: `${ip}:${port}`, attack: 'T1090.003',
      zh: isTor ? '{program} 是 Tor 程序，正连接 Tor 网络：{things}（来由：{origin_zh}）' : '{program} 连接 Tor 常用端口：{things}（来由：{origin_zh}）',
      en: isTor ? '{program} is Tor and joins its network: {things} (from {origin_en})' : '{program} connects to ports of Tor: {things} (from {origin_en})',
    });
  }

  function socks(event: Event, port: number): void {
    if (torAllowed || event.action === 'connect-attempt') return;
    const actor = actorOf(event, context);
    const kind = originKind(actor, event);
    const file = deedFile(actor.program, event.process_cmdline ?? actor.node?.cmdline);
    const provenance = provenanceOf(context, file, actor.container);
    const level: Level = kind === 'web' || isOdd(file, provenance) ? 'high' : provenance === 'owned' && (kind === 'login' || kind === 'console') ? 'low' : 'medium';
    tell(event, actor, {
      key: `tor:${actor.tree}`, level, title: tor, thing: `127.0.0.1:${port}`, attack: 'T1090.003',
      zh: '{program} 使用本机的 Tor 代理：{things}（来由：{origin_zh}）', en: '{program} uses the Tor proxy of this machine: {things} (from {origin_en})',
    });
  }

  /** Somebody's own country is where people log on from; what never reached beyond it and no package owns is unusual. */
  function overseas(event: Event, actor: Actor, provenance: Provenance, file: string, ip: string, port: number, country: string): void {
    const own = homeNow();
    if (own === undefined || country === own || country === 'ZZ' || country.length !== 2) return;
    since ??= event.time;
    samples++;
    const isKnown = travelled.get(file) !== undefined;
    if (!isKnown) travelled.set(file.slice(0, 512), event.time);
    if (isAmong(abroadAllowed, actor, file)) return;
    const odd = isOdd(file, provenance);
    const fromWeb = isBelowWeb(actor, event);
    // What is plainly odd is told whether it was learned or not.
    if (!odd && !fromWeb && (isKnown || !ready())) return;
    if (!odd && !fromWeb && provenance === 'owned') return;
    tell(event, actor, {
      key: `abroad:${file.slice(0, 256)}`, level: odd ? 'high' : fromWeb ? 'medium' : 'low', title: abroad, thing: `${ip}:${port} (${country})`, attack: 'T1071.001',
      zh: '{program} 连接境外 {things}，此程序此前从未外联境外（来由：{origin_zh}）', en: '{program} reaches abroad: {things}; it never did before (from {origin_en})',
    });
  }

  function calls(event: Event, actor: Actor, provenance: Provenance, file: string, ip: string, port: number): void {
    if (port === 53 || port === 123) return;
    const command = event.process_cmdline ?? actor.node?.cmdline ?? '';
    const isInline = file === actor.program && inline.test(command.slice(0, 300)) && /^(?:python|perl|ruby|php|node|bash|sh|dash)/.test(actor.name);
    const fromWeb = isBelowWeb(actor, event);
    if (provenance === 'owned' && !isInline && !fromWeb) return;
    if (isAmong(beaconAllowed, actor, file)) return;
    const beat = beacons.add(`${file.slice(0, 256)} ${ip} ${port}`, event.time);
    if (beat === undefined) return;
    const kind = originKind(actor, event);
    let level: Level = isOdd(file, provenance) || isInline || fromWeb ? 'high' : kind === 'service' || kind === 'timer' || kind === 'container' || kind === 'web' ? 'low' : 'medium';
    if (level !== 'high' && port !== 443 && port !== 80) level = raised(level);
    tellBeat(event, actor, beat, level, file.slice(0, 256), `${ip}:${port}`);
  }

  function tellBeat(event: Event, actor: Actor, beat: Beat, level: Level, file: string, peer: string): void {
    tell(event, actor, {
      key: `beacon:${file}`, level, title: beacon, thing: peer, attack: 'T1571',
      zh: '{program} 每隔约 {seconds} 秒连接一次 {peer}，偏差 {jitter}%，已持续 {minutes} 分钟（来由：{origin_zh}）',
      en: '{program} calls {peer} about every {seconds} s, give or take {jitter} %, for {minutes} minutes now (from {origin_en})',
      group: { peer, seconds: String(beat.seconds), jitter: String(beat.jitter), minutes: String(beat.minutes) },
    });
  }

  return {
    observe(event) {
      now = Math.max(now, event.time);
      switch (event.kind) {
        case 'dns_query': asked(event); break;
        case 'network_connection':
          if (event.direction === 'outbound' && event.destination_ip !== undefined && event.destination_port !== undefined && event.protocol !== 'udp') connected(event, event.destination_ip, event.destination_port);
          break;
        default:
          if (home === '' && accountOf(event) !== undefined && /^[A-Z]{2}$/.test(event.source_country ?? '') && event.source_country !== 'ZZ' && countries.size < 32) countries.add(event.source_country ?? '');
      }
    },
    tick(time) { now = Math.max(now, time); },
    save: () => save({ since, samples, head: [...countries], rows: [...travelled.entries()].reverse().map(([program, first]) => [program, Math.max(0, first)] as const) }, context),
    size: () => stories.size + beacons.size + tunnels.size + travelled.size,
    learning: (): Learning => ({ since, samples, ready: ready() }),
  };
}

/** A program that a web server's worker started, not the worker itself. */
function isBelowWeb(actor: Actor, event: Event): boolean {
  if (originKind(actor, event) !== 'web') return false;
  const root = actor.node?.root;
  return root?.path === undefined ? false : root.path !== actor.program;
}
