/** How it stands, in one sentence and in figures. Read from what is stored and known; nothing is looked at anew. */
import { levels, type Level } from '../../core/level.ts';
import type { Store } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';
import type { AgentStatus } from '../agent.ts';
import { scoreOf } from './posture.ts';

export interface OverviewOptions { store: Store; host: string; now: () => number; status: () => AgentStatus; country: (address: string) => string | undefined }
export interface OverviewQuestion { from?: number; to?: number; bucket?: number }

const hour = 3_600_000, day = 24 * hour;
const bucketsMax = 300;
const sourcesShown = 15, latestShown = 6, nextShown = 3, blindShown = 20;
/** Many look at once, and it is the same for all: a span that begins a moment later is the same span. */
const cachedMs = 2000;
/** What took long to add up, over a day of a flood, holds for longer, so that adding up is a small part of what is done. */
const cachedTimes = 40, cachedMostMs = 30_000;
const none = (): Record<Level, number> => Object.fromEntries(levels.map((level) => [level, 0])) as Record<Level, number>;
/** Without these Moat does not see what it is for. */
const vital = /^(?:ebpf|process|connector|journal|logfile|store|configuration)/;

export class Overview {
  private readonly options: OverviewOptions;
  private readonly cache = new Map<string, { at: number; until: number; value: object }>();

  constructor(options: OverviewOptions) { this.options = options; }

  get({ from, to, bucket }: OverviewQuestion): object {
    const now = this.options.now();
    // By how long ago it begins: whoever asks for the last hour names another moment each time.
    const key = `${from === undefined ? '' : Math.round((now - from) / cachedMs)} ${to === undefined ? '' : Math.round((now - to) / cachedMs)} ${bucket}`;
    const known = this.cache.get(key);
    if (known && now - known.at >= 0 && now < known.until) return known.value;
    if (this.cache.size > 50) this.cache.clear();
    const began = performance.now();
    const value = this.made(now, from ?? now - day, to ?? now, bucket);
    this.cache.set(key, { at: now, until: now + Math.min(cachedMostMs, Math.max(cachedMs, cachedTimes * (performance.now() - began))), value });
    return value;
  }

  private made(now: number, from: number, to: number, asked: number | undefined): object {
    const { store, host, status: statusNow, country } = this.options;
    const status = statusNow();
    const span = Math.max(1, to - from);
    const bucketMs = Math.max((asked ?? 3600) * 1000, Math.ceil(span / bucketsMax / 1000) * 1000);
    const curve = new Map<number, Record<Level, number>>();
    for (let at = Math.floor(from / bucketMs) * bucketMs; at < to; at += bucketMs) curve.set(at, none());
    for (const { time, level, count } of store.ledger.buckets(from, to, bucketMs)) { const row = curve.get(time); if (row) row[level] += count; }
    const open = store.incidents.incidents({ status: ['new', 'triaged', 'contained', 'eradicated', 'recovered'], limit: 2000 })
      .toSorted((a, b) => a.grade - b.grade || levels.indexOf(b.level) - levels.indexOf(a.level) || b.last_time - a.last_time);
    const byGrade = { 1: 0, 2: 0, 3: 0 };
    for (const { grade, kind } of open) if (kind === 'story') byGrade[grade]++;
    const parts = Object.entries(status.parts);
    const blind = parts.filter(([, { state }]) => state === 'blind').map(([part, { since, detail }]) => ({ part, since, ...(detail && { why: detail }) }));
    const requests = store.requests.open(now);
    const sources = store.ledger.sources(from, to, sourcesShown).map(({ address, country: told, alerts, last }) => {
      const of = told ?? country(address), block = store.response.block(address);
      return { address, ...(of !== undefined && of !== 'ZZ' && { country: of }), alerts, last, blocked: block?.active === true && (block.until === undefined || block.until > now) };
    });
    const verdict = this.verdict(open, blind.map(({ part }) => part), status, requests.length);
    const score = scoreOf(store.scans.standing());
    const looked = store.scans.scans({ limit: 1 }).length > 0;
    return {
      host, now, verdict,
      incidents: {
        open: open.length, by_level: status.incidents.open, by_grade: byGrade, clocks: status.incidents.clocks,
        latest: open.filter(({ kind }) => kind === 'story').slice(0, latestShown)
          .map(({ id, title, level, grade, status: is, last_time }) => ({ id, title, level, grade, status: is, last_time })),
      },
      alerts: { open: status.openAlerts, from, to, bucket: bucketMs / 1000, curve: [...curve].map(([time, by_level]) => ({ time, by_level })) },
      sources,
      health: {
        since: status.since, mode: status.response.mode, ...(status.response.pausedUntil !== undefined && { paused_until: status.response.pausedUntil }), blocked: status.response.blocked,
        live: parts.filter(([, { state }]) => state === 'live').length, blind: blind.slice(0, blindShown), waiting: parts.filter(([, { state }]) => state === 'waiting').map(([part]) => part).slice(0, blindShown),
        rss: status.rss, cpu_percent: status.cpuPercent, requests: requests.length,
        dropped: Object.fromEntries(Object.entries(status.counters).filter(([what]) => /drop|lost|left out|not kept|beyond|too many|evict|overflow/i.test(what)).slice(0, 50)),
      },
      score: { ...(looked ? { value: score } : { why: { zh: '还没有检查过本机', en: 'this machine was not looked at yet' } }), next: this.next(open, blind, requests, looked, status) },
    };
  }

  private verdict(open: ReturnType<Store['incidents']['incidents']>, blind: readonly string[], status: AgentStatus, requests: number): { level: string; text: Text; reasons: Text[] } {
    const reasons: Text[] = [];
    const stories = open.filter(({ kind }) => kind === 'story');
    const living = stories.filter(({ status: is, level }) => (is === 'new' || is === 'triaged') && (level === 'critical' || level === 'high'));
    const campaigns = open.length - stories.length;
    for (const { title, id } of living.slice(0, 3)) reasons.push({ zh: `事件 ${id}：${title.zh}`, en: `incident ${id}: ${title.en}` });
    if (living.length > 3) reasons.push({ zh: `另有 ${living.length - 3} 起`, en: `${living.length - 3} more` });
    const missed = blind.filter((part) => vital.test(part));
    if (missed.length > 0) reasons.push({ zh: `看不见：${missed.slice(0, 5).join('、')}`, en: `blind: ${missed.slice(0, 5).join(', ')}` });
    if (campaigns > 0) reasons.push({ zh: `外部正在试探（${campaigns} 类），尚无人得手`, en: `probing from outside (${campaigns} kinds); nobody got in by it` });
    if (requests > 0) reasons.push({ zh: `${requests} 个请求等人答复`, en: `${requests} requests wait for an answer` });
    if (status.response.stuck > 0) reasons.push({ zh: `${status.response.stuck} 项处置卡住`, en: `${status.response.stuck} actions are stuck` });
    if (living.some(({ level, grade }) => level === 'critical' || grade < 3)) return { level: 'intruded', text: { zh: `有人进来了：${living.length} 起事件需要马上处理`, en: `somebody is in: ${living.length === 1 ? 'an incident needs' : `${living.length} incidents need`} you now` }, reasons };
    if (living.length > 0) return { level: 'attacked', text: { zh: `${living.length} 起事件需要处理`, en: `${living.length === 1 ? 'an incident needs' : `${living.length} incidents need`} attention` }, reasons };
    if (missed.length > 0) return { level: 'blind', text: { zh: '没有看到入侵，但有地方看不见', en: 'no intrusion was seen, but not everything is seen' }, reasons };
    if (stories.length > 0 || requests > 0 || status.response.stuck > 0) return { level: 'watch', text: { zh: stories.length > 0 ? `没有紧急的事；${stories.length} 起较轻的事件待看` : '没有紧急的事；有事等人处理', en: stories.length > 0 ? `nothing urgent; ${stories.length} milder ${stories.length === 1 ? 'incident waits' : 'incidents wait'} to be looked at` : 'nothing urgent; something waits for a person' }, reasons };
    return { level: 'calm', text: { zh: '一切正常：没有发现入侵', en: 'all is well: no sign of an intrusion' }, reasons };
  }

  private next(open: ReturnType<Store['incidents']['incidents']>, blind: readonly { part: string; why?: Text }[], requests: ReturnType<Store['requests']['open']>, looked: boolean, status: AgentStatus): { text: Text; kind: string; id: string }[] {
    const { store } = this.options;
    const next: { text: Text; kind: string; id: string }[] = [];
    for (const { id, what } of requests.slice(0, nextShown)) next.push({ kind: 'request', id, text: { zh: `答复：${what.zh}`, en: `answer: ${what.en}` } });
    for (const { id, title, kind, status: is } of open) if (kind === 'story' && (is === 'new' || is === 'triaged')) next.push({ kind: 'incident', id, text: { zh: `处理事件：${title.zh}`, en: `handle the incident: ${title.en}` } });
    for (const level of [['critical'], ['high']] as const) for (const { finding: { id, title } } of next.length < nextShown ? store.scans.findings({ level, limit: nextShown }) : []) next.push({ kind: 'finding', id, text: { zh: `修复：${title.zh}`, en: `mend: ${title.en}` } });
    for (const { part, why } of blind) if (vital.test(part)) next.push({ kind: 'blind', id: part, text: { zh: `恢复 ${part}${why ? `：${why.zh}` : ''}`, en: `bring ${part} back${why ? `: ${why.en}` : ''}` } });
    if (!looked) next.push({ kind: 'setting', id: 'scan', text: { zh: '给本机做一次体检', en: 'scan this machine once' } });
    if (status.response.mode === 'observe') next.push({ kind: 'setting', id: 'response.mode', text: { zh: '考虑开启 guard 模式：自动做可撤销的低风险处置', en: 'consider guard mode: reversible, low-risk actions by itself' } });
    for (const { finding: { id, title } } of next.length < nextShown ? store.scans.findings({ level: ['medium'], limit: nextShown }) : []) next.push({ kind: 'finding', id, text: { zh: `修复：${title.zh}`, en: `mend: ${title.en}` } });
    return next.slice(0, nextShown);
  }
}
