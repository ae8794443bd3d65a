/**
 * The cloud's metadata service asked by a program that is not the cloud's own: it hands out the credentials of the
 * machine's role. A web worker that asks is mostly made to (SSRF): the request that did it is joined by time.
 */
import type { Event } from '../../core/gen/event.ts';
import type { Level } from '../../core/level.ts';
import { own } from '../../core/own.ts';
import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import { actorOf, originKind, who, type Actor } from '../actor.ts';
import { short } from '../process.ts';
import { deedFile } from '../program-kind.ts';
import { isOdd, provenanceOf } from '../provenance.ts';
import { list } from '../settings.ts';
import { raised, Stories } from '../stories.ts';

export const metadataAccess: Behaviour = {
  id: 'metadata-access',
  title: { zh: '异常程序访问云元数据服务', en: 'Cloud metadata asked by an unusual program' },
  means: { zh: '不常见的程序访问云元数据服务，那里能拿到本机的云账号凭据', en: 'An unusual program asked the cloud metadata service, which hands out the cloud credentials of this machine' },
  advice: { zh: '查这个进程的来历；可疑就在云控制台轮换该角色的凭据，并查调用记录；改用强制令牌的元数据模式。', en: 'Look at the origin of the process; if it is suspicious, rotate the credentials of that role and read its call records; require tokens for metadata.' },
  blind: {
    zh: '没有内核传感器时，很短的连接看不到；请求的路径只在首段明文里看得到；经代理转发的访问看到的是代理。与网站请求的对应只凭时间与参数里的地址。',
    en: 'Without the kernel sensor short connections are not seen. What was asked for is seen only in the first bytes and in the clear. Behind a proxy only that one is seen. The web request is joined by time and by the address in it.',
  },
  kinds: ['network_connection', 'flow', 'dns_query', 'access', 'nginx', 'apache'],
  settings: {
    addresses: {
      default: ['100.100.100.200', '169.254.0.23', '169.254.169.254', '169.254.10.10', 'fd00:ec2::254', 'fd20:ce::254'],
      text: { zh: '元数据服务的地址', en: 'addresses of metadata services' },
    },
    names: { default: ['metadata.tencentyun.com', 'metadata.google.internal', 'instance-data.ec2.internal'], text: { zh: '元数据服务的域名', en: 'names of metadata services' } },
    resolvers: { default: ['169.254.169.253'], text: { zh: '链路本地的域名服务器：只有 53 以外的端口才算', en: 'link-local name servers: only other ports than 53 count' } },
    allowed: {
      default: [],
      text: {
        zh: '允许访问的程序：可执行文件或脚本的完整路径、程序名，或容器镜像名中的一段（使用云厂商 SDK 的程序列在这里）',
        en: 'programs that may ask: full path of an executable or script, a program\'s name, or a part of a container\'s image (list programs that use the cloud\'s SDK)',
      },
    },
  },
  open,
};

/** The cloud's own programs, and what sets a machine up. Only where a package or the cloud put them. */
const cloudPrograms = new Set([
  'cloud-init', 'cloud-id', 'ds-identify', 'aliyun-service', 'aliyun_assist_service', 'assist_daemon', 'aliyun_installer', 'AliYunDun', 'AliYunDunMonitor', 'AliYunDunUpdate', 'argusagent', 'cloudmonitor', 'CmsGoAgent.linux-amd64', 'ecs_mq_rps_cfg',
  'eni-config', 'ecs-utils', 'tat_agent', 'YDService', 'YDLive', 'sgagent', 'barad_agent', 'qcloud-agent', 'nv_gpu_conf', 'amazon-ssm-agent', 'ssm-agent-worker', 'amazon-cloudwatch-agent', 'ec2net', 'ec2-metadata', 'ecs-agent', 'google_guest_agent',
  'google_metadata_script_runner', 'google_osconfig_agent', 'google-guest-agent', 'waagent', 'hostguard', 'telescope', 'uniagent', 'snapd', 'NetworkManager', 'nm-cloud-setup', 'chronyd', 'landscape-client', 'ubuntu-advantage', 'moat', 'kubelet', 'logtail', 'ilogtail',
]);
const maxTrees = 5000;
const storyMs = 6 * 3_600_000;
/** A web request and what it made the server do lie so far apart at most; the log line comes when the answer is done. */
const joinMs = 30_000;
const maxRequests = 64;

const credentials = /(?:\/ram\/security-credentials|\/cam\/security-credentials|\/iam\/(?:security-credentials|info)|\/service-accounts\/[^\s/]*\/?(?:token|identity)|\/identity\/oauth2\/token|\/openstack\/[^\s/]*\/(?:securitykey|user_data)|\/user-data|\/api\/token)/i;
/** The first address of most clouds as one number, as filters are deceived. */
const numbers = ['2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '1684301000', '0x646464c8', '[::ffff:a9fe:a9fe]', '[::ffff:169.254.169.254]'];

interface Request { time: number; source: string | undefined; url: string; status: number | undefined }
interface Contact { time: number; event: Event; actor: Actor; level: Level; key: string }

function open(context: BehaviourContext): BehaviourRun {
  const addresses = new Set(list(context, 'addresses')), resolvers = new Set(list(context, 'resolvers'));
  const names = list(context, 'names').map((name) => name.toLowerCase());
  const allowed = list(context, 'allowed');
  /** In a request, any of these says that the server is sent there. */
  const words = new RegExp([...addresses, ...names, ...numbers].filter((word) => word !== '').map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'), 'i');
  const stories = new Stories(maxTrees, storyMs, () => { context.count('trees forgotten'); });
  const requests: Request[] = [];
  const contacts: Contact[] = [];

  function isMetadata(event: Event): boolean {
    const { destination_ip: ip } = event;
    if (event.kind === 'dns_query') return event.destination_host !== undefined && names.includes(event.destination_host.slice(0, 253).toLowerCase().replace(/\.$/, ''));
    if (ip === undefined || event.direction === 'inbound') return false;
    return addresses.has(ip) || (resolvers.has(ip) && event.destination_port !== 53);
  }

  function isAllowed(event: Event, actor: Actor): boolean {
    const origin = actor.node?.origin;
    if (originKind(actor, event) === 'cloud') return true;
    const file = deedFile(actor.program, event.process_cmdline ?? actor.node?.cmdline);
    const provenance = provenanceOf(context, file, actor.container);
    const scriptName = file.slice(file.lastIndexOf('/') + 1);
    if ((cloudPrograms.has(actor.name) || cloudPrograms.has(scriptName)) && !isOdd(file, provenance) && originKind(actor, event) !== 'web') return true;
    const image = `${origin?.container?.name ?? ''} ${origin?.container?.image ?? ''}`.toLowerCase();
    return allowed.some((word) => (word.startsWith('/') ? word === file || word === actor.program : word === actor.name || word === scriptName || (image.length > 1 && image.includes(word.toLowerCase()))));
  }

  function levelOf(event: Event, actor: Actor): { level: Level; why: { zh: string; en: string } } {
    const file = deedFile(actor.program, event.process_cmdline ?? actor.node?.cmdline);
    const provenance = provenanceOf(context, file, actor.container);
    const kind = originKind(actor, event);
    const asksName = event.kind === 'dns_query';
    if (kind === 'web') return { level: asksName ? 'medium' : 'high', why: { zh: '网站进程通常无须访问，多为 SSRF 或网页后门', en: 'a web service has no need to; mostly SSRF or a web shell' } };
    if (isOdd(file, provenance)) return { level: 'high', why: { zh: '程序位于临时或隐藏目录', en: 'the program lies in a temporary or hidden place' } };
    if (actor.container !== undefined) return { level: asksName ? 'low' : 'high', why: { zh: '容器可借此取得宿主机角色的凭据', en: 'a container can take the credentials of the host\'s role' } };
    if (provenance === 'unowned' || provenance === 'changed') return { level: asksName ? 'low' : kind === 'login' || kind === 'console' ? 'medium' : 'high', why: { zh: '程序不属于任何软件包', en: 'no package owns the program' } };
    return { level: asksName || kind === 'login' || kind === 'console' || kind === 'package' ? 'low' : 'medium', why: { zh: '不在允许名单内', en: 'it is not on the list of those that may' } };
  }

  function contact(event: Event): void {
    if (!isMetadata(event)) return;
    const actor = actorOf(event, context);
    // A resolver asks for others.
    if (event.kind === 'dns_query' && /^(?:systemd-resolve|systemd-resolved|dnsmasq|unbound|named|nscd|coredns|pdns_recursor)$/.test(actor.name)) return;
    if (isAllowed(event, actor)) return;
    const { level: plain, why } = levelOf(event, actor);
    const asked = event.kind === 'flow' ? requestLine(event.payload) : undefined;
    const isSecret = asked !== undefined && credentials.test(asked);
    const request = originKind(actor, event) === 'web' ? requests.findLast((one) => Math.abs(event.time - one.time) <= joinMs) : undefined;
    let level = isSecret ? raised(plain) : plain;
    if (request !== undefined) level = 'critical';
    const key = event.pid === undefined ? `${actor.program}:${actor.container ?? ''}` : actor.tree;
    tell(event, actor, level, key, asked ?? placeOf(event), why, request);
    if (originKind(actor, event) === 'web' && request === undefined) {
      contacts.push({ time: event.time, event, actor, level, key });
      if (contacts.length > maxRequests) contacts.shift();
    }
  }

  function tell(event: Event, actor: Actor, level: Level, key: string, what: string, why: { zh: string; en: string }, request: Request | undefined): void {
    const told = stories.add(key, level, request === undefined ? what : `${what} ← ${request.url}`, event.time);
    if (told === undefined) return;
    const group: Record<string, string> = { ...who(actor, event), what: short(what, 150) };
    if (request?.source !== undefined) group['source_ip'] = request.source;
    if (request !== undefined) { group['url'] = short(request.url, 150); group['sender'] = request.source ?? '?'; }
    context.emit({
      ruleId: 'behaviour.metadata-access', title: metadataAccess.title, level: told.story.level,
      summary: {
        zh: `{program} 访问云元数据服务：{what}（来由：{origin_zh}；${why.zh}）${request === undefined ? '' : '；同时 {sender} 的请求里带有该地址：{url}'}`,
        en: `{program} asked the cloud's metadata service: {what} (from {origin_en}; ${why.en})${request === undefined ? '' : '; at that time a request of {sender} named it: {url}'}`,
      },
      attack: request === undefined ? ['T1552.005'] : ['T1552.005', 'T1190'], matrix: ['元数据服务获取角色临时凭据'], key, time: event.time, events: [event], count: told.count, group,
    });
  }

  /** A web request that names the service: kept for a contact that follows, or the reason of one just seen. */
  function request(event: Event): void {
    const url = event.url_decoded ?? event.url;
    if (url === undefined || url.length < 12) return;
    const text = url.length > 2048 ? url.slice(0, 2048) : url;
    // Only what is sent along can name an address; most requests have no query.
    if (!text.includes('?') && !text.includes('://')) return;
    if (!words.test(text)) return;
    const one: Request = { time: event.time, source: event.source_ip, url: own(text.slice(0, 300)), status: event.http_status };
    requests.push(one);
    if (requests.length > maxRequests) requests.shift();
    const at = contacts.findLastIndex((seen) => Math.abs(seen.time - event.time) <= joinMs);
    const [seen] = at < 0 ? [] : contacts.splice(at, 1);
    if (seen !== undefined) tell(seen.event, seen.actor, 'critical', seen.key, placeOf(seen.event), { zh: '网站被利用去访问（SSRF）', en: 'the site was made to (SSRF)' }, one);
  }

  return {
    observe(event) {
      if (event.kind === 'access' || event.kind === 'nginx' || event.kind === 'apache') request(event);
      else contact(event);
    },
    size: () => stories.size + requests.length + contacts.length,
  };
}

/** Method and target of an HTTP request; undefined for anything else. */
function requestLine(payload: string | undefined): string | undefined {
  const line = /^(?:GET|PUT|POST|HEAD) \S{1,400}/.exec(payload ?? '');
  return line?.[0];
}

const placeOf = (event: Event): string => event.kind === 'dns_query' ? (event.destination_host ?? '?').slice(0, 253) : `${event.destination_ip ?? '?'}:${event.destination_port ?? '?'}`;
