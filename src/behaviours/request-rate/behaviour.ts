/**
 * One address suddenly asks a site far more often than addresses usually do. A site is a log source (the
 * Host header is the visitor's own word and would let each request be a site of its own). Learned per site:
 * a moving mean of the rate that 99 % of its addresses stay under in a minute, as a whole and by hour of day.
 */
import type { Event } from '../../core/gen/event.ts';
import type { Behaviour, BehaviourContext, BehaviourRun, Learning } from '../../core/ports.ts';
import { own } from '../../core/own.ts';
import { localHour } from '../clock.ts';
import { Lru } from '../lru.ts';
import { isCount, isCounts, isNumber, load, save } from '../saved.ts';
import { number } from '../settings.ts';

export const requestRate: Behaviour = {
  id: 'request-rate',
  title: { zh: '单一地址请求量突增', en: 'Sudden rise of one address’s requests' },
  means: { zh: '一个地址的请求量突然远超平时：扫描、爬虫或攻击', en: 'One address suddenly asks far more than usual: a scanner, a crawler or an attack' },
  advice: { zh: '看它请求了什么；不是合作方或搜索引擎就封锁或限速。', en: 'Look at what it asks for; if it is no partner and no search engine, block or limit it.' },
  blind: {
    zh: '由大量地址分摊、每个地址都不快的攻击（分布式 CC）看不到；站点首个小时只学习；经 CDN 而未还原真实地址时只看得到 CDN 节点。',
    en: 'A flood spread over many slow addresses is not seen; the first hour of a site is only learned; behind a CDN whose log holds no real address only its nodes are seen.',
  },
  kinds: ['access', 'nginx', 'apache'],
  settings: {
    perMinute: { default: 300, min: 1, max: 10_000_000, text: { zh: '每分钟不足此数不报告', en: 'never told below so many requests a minute' } },
    factor: { default: 10, min: 1, max: 10_000, text: { zh: '超过平时（99% 的地址）的倍数', en: 'told above so many times the usual rate (that of 99 % of the addresses)' } },
    learnMinutes: { default: 60, min: 0, max: 100_000, text: { zh: '每个站点先学习几分钟', en: 'minutes of learning for each site' } },
  },
  open,
};

const minuteMs = 60_000;
const maxSites = 256;
/** Addresses counted at once over all sites; a site may count a few beyond it, so that a flood on one hides none on another. */
const maxAddresses = 50_000;
const alwaysPerSite = 200;
/** Minutes with requests that must be learned beside the time. */
const minMinutes = 5;
/** Weight of a new minute once many are known: half of what is known is from the last 40. */
const slowest = 1 / 60;
const slowestByHour = 1 / 240;

/** Counted in place: writing the map anew for each request costs as much as all the rest. */
interface Count { n: number }
interface Site { since: number; minute: number; minutes: number; usual: number; byHour: number[]; limit: number; counts: Map<string, Count> }

function open(context: BehaviourContext): BehaviourRun {
  const floor = number(context, 'perMinute'), factor = number(context, 'factor'), learnMs = number(context, 'learnMinutes') * minuteMs;
  let addresses = 0;
  const sites = new Lru<Site>(maxSites, (site) => { addresses -= site.counts.size; context.count('sites forgotten'); });
  let since: number | undefined;
  let samples = 0;
  let now = 0;
  let swept = Number.NEGATIVE_INFINITY;
  // Log lines of one site come together: the last site is nearly always the next.
  let lastName: string | undefined;
  let last: Site | undefined;

  load(context, (saved) => {
    const loaded: [string, Site][] = [];
    for (const [key, first, minutes, usual, byHour] of saved.rows) {
      if (!isNumber(first) || !isCount(minutes) || !isCount(usual) || !isCounts(byHour, 24) || loaded.length >= maxSites) return false;
      loaded.push([key, { ...fresh(first), minutes, usual, byHour: [...byHour] }]);
    }
    for (const [key, site] of loaded) sites.set(key, site);
    ({ since, samples } = saved);
    return true;
  });

  const ready = (site: Site, at: number): boolean => at - site.since >= learnMs && site.minutes >= Math.min(minMinutes, learnMs / minuteMs);

  function newMinute(site: Site, minute: number, time: number): void {
    if (site.counts.size > 0) {
      const rate = percentile99(site.counts, site.limit);
      // In a minute of few visitors one of them is the 99 %: what is far above the usual is learned slowly.
      learn(site, site.limit === Number.POSITIVE_INFINITY ? rate : Math.min(rate, Math.max(floor / factor, site.usual * 3)), localHour(site.minute * minuteMs));
      addresses -= site.counts.size;
      site.counts.clear();
    }
    site.minute = minute;
    const usual = Math.max(site.usual, site.byHour[localHour(time)] ?? 0);
    site.limit = ready(site, time) ? Math.max(floor, factor * usual) : Number.POSITIVE_INFINITY;
  }

  /** Sites that were asked nothing since hold the addresses of their last minute: those are learned and let go. */
  function closeOldMinutes(minute: number, time: number): void {
    if (minute === swept) return;
    swept = minute;
    for (const site of sites.values()) if (site.minute < minute) newMinute(site, minute, time);
  }

  /** Makes room by forgetting an address that asked little; busy ones get another chance. False when all are busy. */
  function makeRoom(site: Site): boolean {
    let tries = 8;
    for (const [address, count] of site.counts) {
      site.counts.delete(address);
      if (count.n < 8) { addresses--; context.count('addresses forgotten within a minute'); return true; }
      site.counts.set(address, count);
      if (--tries === 0) break;
    }
    return false;
  }

  function tell(event: Event, name: string, site: Site, requests: number): void {
    context.emit({
      ruleId: 'behaviour.request-rate', title: requestRate.title, level: 'medium',
      summary: {
        zh: '{source_ip} 一分钟内请求站点 {site} 已达 {requests} 次；该站点平时 99% 的地址每分钟不超过 {usual} 次',
        en: '{source_ip} sent {requests} requests to {site} within a minute; usually 99 % of its addresses stay under {usual}',
      },
      attack: ['T1499.002', 'T1595'], key: `${name} ${event.source_ip ?? ''}`, time: event.time, events: [event], count: requests,
      group: { site: name, requests: String(requests), usual: Math.ceil(Math.max(1, site.usual)).toString() },
    });
  }

  return {
    observe(event) {
      const address = event.source_ip;
      if (address === undefined) return;
      const name = event.source ?? event.service ?? '';
      let site = name === lastName ? last : undefined;
      if (site === undefined) {
        site = sites.take(name, () => fresh(event.time));
        lastName = name;
        last = site;
      }
      since ??= event.time;
      samples++;
      if (event.time > now) now = event.time;
      const minute = Math.floor(event.time / minuteMs);
      // Lines that come late count in the minute that is open; a clock set far back opens a new one.
      if (minute > site.minute || minute < site.minute - 60) newMinute(site, minute, event.time);
      let known = site.counts.get(address);
      if (known === undefined) {
        if (addresses >= maxAddresses) closeOldMinutes(minute, event.time);
        if (addresses >= maxAddresses && site.counts.size >= alwaysPerSite && !makeRoom(site)) { context.count('addresses beyond the limit, not counted'); return; }
        addresses++;
        known = { n: 0 };
        site.counts.set(own(address), known);
      }
      const requests = ++known.n;
      if (requests > site.limit && requests - 1 <= site.limit) tell(event, name, site, requests);
    },
    save() {
      const round = (n: number): number => Number(n.toFixed(3));
      const rows = [...sites.entries()].reverse().map(([key, s]) => [key.slice(0, 1024), s.since, s.minutes, round(s.usual), s.byHour.map(round)] as const);
      return save({ since, samples, head: [], rows }, context);
    },
    size: () => addresses + sites.size,
    learning: (): Learning => ({ since, samples, ready: [...sites.values()].some((s) => ready(s, now)) }),
  };
}

function fresh(since: number): Site {
  return { since, minute: Number.NEGATIVE_INFINITY, minutes: 0, usual: 0, byHour: Array.from({ length: 24 }, () => 0), limit: Number.POSITIVE_INFINITY, counts: new Map() };
}

function learn(site: Site, rate: number, hour: number): void {
  site.minutes++;
  site.usual += (rate - site.usual) * Math.max(slowest, 1 / site.minutes);
  const old = site.byHour[hour] || site.usual;
  site.byHour[hour] = old + (rate - old) * slowestByHour;
}

/** The rate that 99 % of the addresses do not exceed. What was told as an attack is not learned as usual. */
function percentile99(counts: ReadonlyMap<string, Count>, limit: number): number {
  const normal = [...counts.values()].map((count) => count.n).filter((n) => n <= limit).sort((a, b) => a - b);
  return normal[Math.max(0, Math.ceil(normal.length * 0.99) - 1)] ?? 0;
}
