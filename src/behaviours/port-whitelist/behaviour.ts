/**
 * Listeners that should not be there: not on the configured list of ports, or, when there is no list, new
 * after a time of learning which ones are usual.
 */
import type { Event } from '../../core/gen/event.ts';
import type { Behaviour, BehaviourContext, BehaviourRun, Learning } from '../../core/ports.ts';
import { Lru } from '../lru.ts';
import { isSuspiciousPath } from '../places.ts';
import { isNumber, load, save } from '../saved.ts';
import { list, number } from '../settings.ts';

export const portWhitelist: Behaviour = {
  id: 'port-whitelist',
  title: { zh: '白名单外的监听端口', en: 'Listener outside the port white list' },
  means: { zh: '有程序在名单以外的端口上等待连接：新服务，或后门', en: 'A program waits for connections on a port that is not on your list: a new service, or a back door' },
  advice: { zh: '认识它就把端口加入名单（配置 behaviours.port-whitelist）；不认识就看该进程的来历，并关闭端口。', en: 'If you know it, put the port on the list (behaviours.port-whitelist in the configuration); if not, look at the origin of the process and close the port.' },
  blind: {
    zh: '容器等其他网络命名空间里的监听、原始套接字后门与端口复用（敲门）看不到。',
    en: 'Listeners in other network namespaces (containers), backdoors on raw sockets and port knocking are not seen.',
  },
  kinds: ['listener'],
  settings: {
    ports: { default: [], text: { zh: '允许监听的端口，如 22、443/tcp、53/udp、8000-8010；为空则不检查白名单', en: 'ports that may be listened on, such as 22, 443/tcp, 53/udp, 8000-8010; empty: no white list' } },
    learnHours: { default: 24, min: 0, max: 10_000, text: { zh: '新监听告警之前的学习时间（小时）', en: 'hours of learning before new listeners are told' } },
  },
  open,
};

const newListener = { zh: '出现新的监听端口', en: 'New listener' };
const firstDynamicPort = 32_768;

interface Range { from: number; to: number; protocol: string | undefined }

function open(context: BehaviourContext): BehaviourRun {
  const allowed = list(context, 'ports').flatMap((word) => {
    const range = parseRange(word);
    if (range === undefined) context.count('port white list entries that are no port');
    return range ?? [];
  });
  // A list of which nothing can be read must not turn into "everything is wrong".
  const strict = allowed.length > 0;
  const learnMs = number(context, 'learnHours') * 3_600_000;
  const known = new Lru<number>(5000, () => { context.count('known listeners forgotten'); });
  let since: number | undefined;
  let samples = 0;
  let now = 0;

  load(context, (saved) => {
    if (saved.rows.length > 5000 || !saved.rows.every((row) => isNumber(row[1]))) return false;
    for (const [key, at] of saved.rows) known.set(key, Number(at));
    ({ since, samples } = saved);
    return true;
  });

  const ready = (): boolean => since !== undefined && now - since >= learnMs;

  function tell(event: Event, rule: 'list' | 'new', key: string): void {
    const local = isLoopback(event.destination_ip);
    const odd = isSuspiciousPath(event.process_path);
    const level = rule === 'list' ? (odd ? 'high' : local ? 'low' : 'medium') : odd ? 'medium' : local ? 'info' : 'low';
    context.emit({
      ruleId: 'behaviour.port-whitelist', title: rule === 'list' ? portWhitelist.title : newListener, level,
      summary: rule === 'list' ? {
        zh: '{program} 在 {address} 端口 {destination_port}/{protocol} 监听，不在白名单内',
        en: '{program} listens on {address} port {destination_port}/{protocol}, which is not on the white list',
      } : {
        zh: '{program} 新开监听 {address} 端口 {destination_port}/{protocol}，学习期内未见过',
        en: '{program} began to listen on {address} port {destination_port}/{protocol}, not seen while learning',
      },
      attack: ['T1571'], key: `${rule}:${key}`, time: event.time, events: [event], count: 1,
      group: { program: event.process_path ?? event.process_name ?? '?', address: event.destination_ip ?? '?', protocol: event.protocol ?? '?' },
    });
  }

  return {
    observe(event) {
      const port = event.destination_port;
      if (port === undefined) return;
      since ??= event.time;
      now = Math.max(now, event.time);
      samples++;
      // Ports that the kernel gives out change with each start: there only the program counts.
      const key = `${event.protocol ?? ''}:${port >= firstDynamicPort ? 'dynamic' : port}:${isLoopback(event.destination_ip) ? 'local' : 'open'}:${event.process_path ?? ''}`.slice(0, 512);
      const old = known.get(key) !== undefined;
      known.set(key, event.time);
      if (strict && !allowed.some((r) => port >= r.from && port <= r.to && (r.protocol === undefined || r.protocol === event.protocol))) {
        tell(event, 'list', `${event.protocol ?? ''}:${port}:${event.process_path ?? ''}`);
      } else if (!strict && !old && ready()) {
        tell(event, 'new', key);
      }
    },
    tick(time) { now = Math.max(now, time); },
    save: () => save({ since, samples, head: [], rows: [...known.entries()].reverse() }, context),
    size: () => known.size,
    learning: (): Learning => ({ since, samples, ready: strict || ready() }),
  };
}

function parseRange(word: string): Range | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp))?$/.exec(word.trim().toLowerCase());
  if (match === null) return undefined;
  const from = Number(match[1]), to = Number(match[2] ?? match[1]);
  return to < from || to > 65_535 ? undefined : { from, to, protocol: match[3] };
}

const isLoopback = (ip: string | undefined): boolean => ip !== undefined && (ip === '::1' || ip.startsWith('127.'));
