/**
 * A miner in many parts: a script that cron starts, a unit that looks after it, workers with the names of log
 * services, one that talks to the pool for all. Alone each looks harmless. Programs that no package owns are
 * linked when one wrote or started the other, when they lie in one folder, when one planted the unit or cron
 * entry that starts the other, when they speak to each other or to one far end; what is linked is judged
 * together and told together.
 */
import type { Event } from '../../core/gen/event.ts';
import type { ProcessNode } from '../../core/lineage.ts';
import { own } from '../../core/own.ts';
import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';
import { disguiseOf } from '../disguise.ts';
import { Lru } from '../lru.ts';
import { commandSigns, nameSign, poolName, poolPorts, trafficSigns, type Sign } from '../mining.ts';
import { isSuspiciousPath } from '../places.ts';
import { baseName, isInterpreter, scriptOf } from '../program-kind.ts';
import { isTrusted, provenanceOf } from '../provenance.ts';
import { number } from '../settings.ts';
import { isGate, labelOf, originText } from '../tree.ts';
import { Clusters, type Group, type Part, type Start } from './clusters.ts';

export const splitMiner: Behaviour = {
  id: 'split-miner',
  title: { zh: '拆成多个部件的挖矿程序', en: 'Cryptominer in many parts' },
  means: { zh: '多个伪装成系统服务的部件互相拉起，共同挖矿；只清一个会马上恢复', en: 'Several parts that pose as system services start each other and mine together; one removed alone comes back at once' },
  advice: { zh: '用所属事件的清理计划一次处理全部部件，再堵住进来的路。', en: 'Deal with all parts at once by the clean-up plan of the incident, then close the way in.' },
  blind: {
    zh: '各部件既不占 CPU、也没有可读的矿池流量时不报；没有内核探针时只凭父子关系与所在目录关联；由软件包自带程序组成的部件（只用系统命令）看不到。',
    en: 'Parts that neither work nor have readable mining traffic are not told. Without the kernel sensor only parents and folders link them. Parts made only of the system\'s own commands are not seen.',
  },
  kinds: ['process_creation', 'file_event', 'network_connection', 'listener', 'flow', 'dns_query', 'metric'],
  settings: {
    parts: { default: 3, min: 2, max: 50, text: { zh: '至少几个部件才报告', en: 'least number of parts that is told' } },
    percent: { default: 80, min: 1, max: 100_000, text: { zh: '各部件合计 CPU 占用不低于（单核百分比）才算在工作', en: 'CPU of all parts together, in percent of one core, from which on they work' } },
    minutes: { default: 3, min: 0.1, max: 1440, text: { zh: '合计占用须持续的分钟数', en: 'minutes that it must last' } },
  },
  open,
};

const alarmScore = 100, shown = 16, launchersShown = 6, judgeEveryMs = 15_000, againMs = 6 * 3_600_000, mostPlaces = 4000;
/** A parent this much older than its child links nothing. */
const supervisorMs = 3_600_000;
const common = new Set(['', '/', '/tmp', '/var/tmp', '/dev/shm', '/run', '/root', '/opt', '/srv', '/home', '/usr/local', '/usr/local/bin', '/usr/local/sbin', '/usr/local/lib', '/usr/bin', '/usr/sbin', '/usr/lib', '/bin', '/sbin', '/var', '/var/lib', '/etc', '/etc/cron.d', '/etc/cron.hourly', '/etc/cron.daily', '/etc/init.d']);
const sharedPorts = new Set([22, 25, 53, 80, 123, 443, 587, 853, 3306, 5432, 5672, 6379, 8080, 9092, 9200, 11_211, 27_017]);
const planted = /^\/(?:etc\/cron(?:tab$|\.[a-z.]{1,10}\/)|var\/spool\/(?:cron|at)\/|etc\/systemd\/|usr\/lib\/systemd\/|lib\/systemd\/|run\/systemd\/(?:system|transient)\/|etc\/init\.d\/|etc\/rc\.local$|etc\/profile\.d\/)|\/\.config\/systemd\/user\//;
const posing = /(?:^|[-_.])(?:r?syslogd?|journald?|auditd?|logrotate|klogd|logd|systemd|kworker|dbus|udevd?|crond?|watchdogd?)(?:$|[-_.\d])/;

function open(context: BehaviourContext): BehaviourRun {
  const least = number(context, 'parts'), percent = number(context, 'percent'), forMs = number(context, 'minutes') * 60_000;
  const clusters = new Clusters((what) => { context.count(what); });
  /** Folder, far end, own listener, or planted unit → the part that it was first seen with. */
  const places = new Lru<Part>(mostPlaces, () => { context.count('links forgotten'); });
  const judged = new WeakMap<Group, number>();
  let interval = 5000, beat = 0;

  /** The file that makes this process what it is, when no package ships it: its executable, or the script it runs. */
  function fileOf(path: string | undefined, cmdline: string | undefined, cwd: string | undefined, container: string | undefined): string | undefined {
    if (path === undefined) return undefined;
    const file = isInterpreter(path) && isTrusted(provenanceOf(context, path, container)) ? scriptOf(path, cmdline, cwd) : path;
    if (file === undefined || file.length > 512) return undefined;
    const provenance = provenanceOf(context, file, container);
    return isTrusted(provenance) ? undefined : file;
  }

  const partOf = (node: ProcessNode | undefined): Part | undefined => {
    const file = node === undefined ? undefined : fileOf(node.path, node.cmdline, node.cwd, node.container);
    return file === undefined ? undefined : clusters.parts.get(file);
  };
  const partOfEvent = (event: Event): Part | undefined => {
    const file = fileOf(event.process_path, event.process_cmdline, event.process_cwd, event.container_id);
    return file === undefined ? undefined : clusters.part(own(file), event.time);
  };

  /** Parts that come by the same place belong together. */
  function share(place: string, part: Part): void {
    const other = places.get(place);
    if (other === undefined) places.set(place, part);
    else if (clusters.parts.get(other.path) === other) clusters.link(other, part);
    else places.set(place, part);
  }

  function onProgram(event: Event): Part | undefined {
    const part = partOfEvent(event);
    if (part === undefined) return undefined;
    const node = context.lineage.of(event);
    const file = part.path;
    const writer = partOf(context.lineage.writer({ path: file })?.process) ?? partOf(node?.writtenBy?.process);
    if (writer !== undefined) clusters.link(writer, part);
    const [start, by] = startOf(node, part);
    part.starts.add(start);
    if (start !== 'part' && node !== undefined) part.launcher ??= launcherOf(node);
    if (node?.origin.source_ip !== undefined) part.ip ??= own(node.origin.source_ip);
    if (part.by === '?' || start !== 'other') part.by = own(by.slice(0, 60));
    const folder = file.slice(0, file.lastIndexOf('/'));
    if (!common.has(folder) && !/^\/home\/[^/]+$/.test(folder)) share(`in ${folder}`, part);
    const posed = disguiseOf(event.process_path, event.process_name, event.process_cmdline, false) ?? (posing.test(baseName(file)) && !/\.(?:sh|py|pl|rb|php|js)$/.test(file) ? { what: baseName(file) } : undefined);
    if (posed !== undefined && file === event.process_path) part.poses ??= own(posed.what);
    part.isHidden ||= isSuspiciousPath(file);
    for (const sign of commandSigns(event.process_cmdline ?? '', isPool)) mines(part, sign);
    const name = nameSign(file);
    if (name !== undefined) mines(part, name);
    return part;
  }

  function startOf(node: ProcessNode | undefined, part: Part): [Start, string] {
    let at = node?.parent;
    // Whoever once started cron or sshd has no part in what comes through it.
    for (let i = 0; i < 6 && at !== undefined && at.origin === node?.origin; i++, at = at.parent) {
      const parent = partOf(at);
      if (parent === undefined || parent === part) continue;
      // What has run for long and starts programs now and then is an agent or supervisor of the machine.
      if (node !== undefined && at.started > 0 && node.started - at.started > supervisorMs) break;
      clusters.link(parent, part);
      return ['part', baseName(parent.path)];
    }
    const origin = node?.origin;
    switch (origin?.kind) {
      // Only who planted an entry is linked by it: everybody has jobs of their own.
      case 'cron': if (places.get('cron') !== undefined) share('cron', part); return ['cron', 'cron'];
      case 'service': case 'timer': if (origin.name !== undefined && places.get(`unit ${origin.name}`) !== undefined) share(`unit ${origin.name}`, part); return ['unit', `${origin.name ?? '?'}.${origin.kind}`];
      case undefined: return ['other', '?'];
      default: return ['other', origin?.kind ?? '?'];
    }
  }

  const isPool = (host: string): boolean => context.intelligence.domain(host)?.what === 'miner';

  function mines(part: Part, sign: Sign): void {
    if (sign.kind === 'port' || (part.mining?.weight ?? 0) >= sign.weight) return;
    part.mining = { ...sign, what: own(sign.what.slice(0, 120)) };
  }

  function onFile(event: Event): Part | undefined {
    const path = event.file_path;
    if (path === undefined || (event.action !== 'write' && event.action !== 'create' && event.action !== 'rename' && event.action !== 'link') || !planted.test(path)) return undefined;
    // `crontab` and `systemctl` write for whoever called them.
    let at = context.lineage.of(event);
    let part = partOfEvent(event);
    for (let i = 0; i < 6 && part === undefined && at !== undefined; i++, at = at.parent) part = partOf(at);
    if (part === undefined) return undefined;
    part.planted = own(path.slice(0, 120));
    if (path.includes('cron')) {
      // Whoever cron starts from now on, and no package ships, it started.
      places.set('cron', part);
    } else share(`unit ${baseName(path).replace(/\.(?:service|timer|path|socket)$/, '')}`, part);
    return part;
  }

  function onPeer(event: Event): Part | undefined {
    const part = partOfEvent(event);
    const ip = event.destination_ip, port = event.destination_port;
    if (part === undefined || ip === undefined || port === undefined) return part;
    if (event.kind === 'listener') share(`at ${port}`, part);
    else if (ip.startsWith('127.') || ip === '::1') { if (places.get(`at ${port}`) !== undefined) share(`at ${port}`, part); } else if (event.direction === 'outbound') {
      if (!sharedPorts.has(port)) share(`peer ${ip} ${port}`, part);
      if (poolPorts.has(port)) part.port = `${ip}:${port}`;
    }
    return part;
  }

  function onLoad(event: Event): Part | undefined {
    if (event.metric === 'host-cpu') {
      const since = event.time - beat;
      if (since > 0 && since < 60_000) interval = since;
      beat = event.time;
      return undefined;
    }
    if (event.metric !== 'process-cpu' || event.value === undefined || !(event.value >= 0 && event.value < 1e9)) return undefined;
    const part = partOfEvent(event);
    return part?.group.load.add(event.time, event.value, percent, Math.max(interval * 2.4, 30_000)) === true ? part : undefined;
  }

  function judge(group: Group, event: Event): void {
    if (group.parts.size < least || group.parts.size === group.told && event.time - group.toldAt < againMs) return;
    const last = judged.get(group);
    if (last !== undefined && event.kind === 'metric' && Math.abs(event.time - last) < judgeEveryMs) return;
    judged.set(group, event.time);
    const parts = [...group.parts];
    const why: Text[] = [];
    const words: Record<string, string> = {};
    let score = 0;
    const tell = (weight: number, zh: string, en: string): void => { score += weight; why.push({ zh, en }); };
    const mining = parts.map((part) => part.mining).filter((sign) => sign !== undefined).toSorted((a, b) => b.weight - a.weight)[0];
    const { spell } = group.load;
    const works = spell.mean >= percent && spell.last - spell.since >= forMs && event.time - spell.last < 600_000;
    if (mining !== undefined) { tell(Math.min(mining.weight, 80), '挖矿迹象 {mining}', 'signs of mining: {mining}'); words['mining'] = mining.what; }
    if (works) { tell(30, '合计占用 CPU {cpu}%', '{cpu} % CPU together'); words['cpu'] = spell.mean.toFixed(0); }
    const posers = parts.filter((part) => part.poses !== undefined);
    if (posers.length > 0) { tell(Math.min(40, 15 + 5 * posers.length), '{posers} 个冒充系统服务（{poses}）', '{posers} pose as services of the system ({poses})'); words['posers'] = String(posers.length); words['poses'] = posers[0]?.poses ?? ''; }
    const starts = new Set(parts.flatMap((part) => [...part.starts]));
    starts.delete('other');
    if (starts.size >= 2) { tell(starts.size * 10, '由计划任务、服务单元与彼此分头启动', 'started by cron, units and each other'); }
    const caller = parts.find((part) => part.port !== undefined);
    if (caller?.port !== undefined) { tell(15, '连接矿池常用端口 {port}', 'a port that pools use, {port}'); words['port'] = caller.port; }
    if (parts.some((part) => part.isHidden)) tell(15, '位于临时或隐藏目录', 'in temporary or hidden folders');
    const planter = parts.find((part) => part.planted !== undefined);
    if (planter?.planted !== undefined) { tell(20, '自行写入启动项 {planted}', 'planted {planted}'); words['planted'] = planter.planted; }
    const isOdd = posers.length > 0 || planter !== undefined || parts.some((part) => part.isHidden);
    if (score < alarmScore || (!works && (mining?.weight ?? 0) < 45) || !isOdd) return;
    group.told = parts.length;
    group.toldAt = event.time;
    // What tells most first: a launcher of everything brings its other children along.
    parts.sort((a, b) => weightOf(b) - weightOf(a) || a.since - b.since);
    const named = parts.slice(0, shown).map((part, i) => {
      const name = `part_${String.fromCharCode(97 + i)}`;
      words[name] = `${part.path} (${part.by})`;
      return `{${name}}`;
    });
    const launchers = [...new Map(parts.flatMap(({ launcher }) => (launcher === undefined ? [] : [[launcher.en, launcher]]))).values()].slice(0, launchersShown);
    words['launchers_zh'] = launchers.map(({ zh }) => zh).join('、') || '各部件彼此';
    words['launchers_en'] = launchers.map(({ en }) => en).join(', ') || 'each other';
    const ip = parts.toSorted((a, b) => a.since - b.since).find((part) => part.ip !== undefined)?.ip;
    if (ip !== undefined) words['source_ip'] = ip;
    const more = parts.length > shown ? [`+${parts.length - shown}`] : [];
    context.emit({
      ruleId: 'behaviour.split-miner', title: splitMiner.title, level: mining !== undefined && mining.weight >= 45 ? 'critical' : 'high',
      summary: {
        zh: `{parts} 个互相关联的程序合起来像一个挖矿程序：${why.map((one) => one.zh).join('；')}。启动者：{launchers_zh}。部件：${[...named, ...more].join('、')}`,
        en: `{parts} linked programs together look like one cryptominer: ${why.map((one) => one.en).join('; ')}. Started by: {launchers_en}. Parts: ${[...named, ...more].join(', ')}`,
      },
      attack: ['T1496.001', 'T1036.004', 'T1053.003'], matrix: ['植入后门'], key: group.key, time: event.time, events: [event], count: 1,
      group: { parts: String(parts.length), ...words },
    });
  }

  function look(event: Event): Part | undefined {
    switch (event.kind) {
      case 'process_creation': return onProgram(event);
      case 'file_event': return onFile(event);
      case 'network_connection': case 'listener': return onPeer(event);
      case 'metric': return onLoad(event);
      case 'flow': case 'dns_query': {
        const part = partOfEvent(event);
        if (part === undefined) return undefined;
        const signs = event.kind === 'flow' ? trafficSigns(event.payload ?? '', isPool) : [poolName(event.destination_host ?? '', isPool)].filter((sign) => sign !== undefined);
        for (const sign of signs) mines(part, sign);
        return part;
      }
      default: return undefined;
    }
  }

  return {
    observe(event) {
      const part = look(event);
      if (part !== undefined) judge(part.group, event);
    },
    size: () => clusters.parts.size + places.size,
  };
}

/** What began its tree, and the process of it that started this one. */
function launcherOf(node: ProcessNode): Text {
  const text = originText(node.origin);
  const { parent } = node;
  const by = parent === undefined || isGate(parent) ? '' : ` → ${labelOf(parent)}`;
  return { zh: own(`${text.zh}${by}`.slice(0, 200)), en: own(`${text.en}${by}`.slice(0, 200)) };
}

const weightOf = (part: Part): number => (part.mining === undefined ? 0 : 4) + (part.poses === undefined ? 0 : 2) + (part.planted === undefined ? 0 : 2) + (part.isHidden ? 1 : 0);
