/** When Moat was watching and by what: so that a story can say of which time nobody knows. Bounded; survives kill -9 to within a beat. */
import type { StoryGap } from '../core/incident.ts';
import type { Text } from '../core/text.ts';
import type { PartState } from './health.ts';

/** `off`: the sensor did not see; `in`: a lesser one stood in; `lost`: it lost events (`n`); `cut`: a log was cut or lost. Unix ms. */
export interface WatchSpan { part: string; what: 'down' | 'off' | 'in' | 'lost' | 'cut'; from: number; /** Undefined while it lasts. */ to?: number; n?: number }
export interface Watched { /** Since when this is known: the first start. */ since: number; /** When it was last written. */ alive: number; spans: readonly WatchSpan[]; /** Before this moment the oldest spans gave way. */ forgotten?: number }

/** Sensors whose silence is a gap, and those that stand in for the kernel sensor. */
const watching = new Set(['ebpf', 'journal', 'logfile']);
const standIns = new Set(['connector', 'fanotify', 'process']);
const losses: Readonly<Record<string, { part: string; what: 'lost' | 'cut' }>> = {
  'ebpf: records lost, the ring was full': { part: 'ebpf', what: 'lost' }, 'ebpf: records lost, interrupted too deep': { part: 'ebpf', what: 'lost' },
  'fanotify: changes of files lost, the queue was full': { part: 'fanotify', what: 'lost' }, 'connector: process events lost, the kernel had no room': { part: 'connector', what: 'lost' },
  'journal: journal-cursor-lost': { part: 'journal', what: 'cut' }, 'logfile: log-truncated': { part: 'logfile', what: 'cut' }, 'logfile: rotated-not-found': { part: 'logfile', what: 'cut' },
};
const spansMax = 400;
/** Shorter than this nothing is missed that matters: a restart of one sensor. */
const shortMs = 10_000;
const gapsMax = 40;

export class WatchRecord {
  private since: number;
  private spans: WatchSpan[];
  private forgotten: number | undefined;
  private readonly states = new Map<string, PartState>();
  private counted = new Map<string, number>();
  private lastBeat: number;

  /** `saved`: what `text` gave in an earlier run; text of another make is begun anew. */
  constructor(saved: string | undefined, now: number) {
    const before = read(saved);
    this.since = before?.since ?? now;
    this.spans = before ? before.spans.map((span) => (span.to === undefined ? { ...span, to: before.alive } : span)) : [];
    this.forgotten = before?.forgotten;
    if (before && now > before.alive) this.put({ part: 'moat', what: 'down', from: before.alive, to: now });
    this.lastBeat = now;
  }

  /** Sensors that the configuration leaves out; whoever is in it says so itself. */
  begin(enabled: ReadonlySet<string>, now: number): void {
    for (const part of watching) if (!enabled.has(part)) this.state(part, 'blind', now);
  }

  state(part: string, state: PartState, now: number): void {
    if (!watching.has(part) && !standIns.has(part)) return;
    const before = this.states.get(part);
    if (before === state) return;
    this.states.set(part, state);
    const what = watching.has(part) ? 'off' : 'in';
    const isSpan = watching.has(part) ? state !== 'live' : state === 'live';
    const open = this.spans.findLast((span) => span.part === part && span.what === what && span.to === undefined);
    if (isSpan && open === undefined) this.put({ part, what, from: now });
    else if (!isSpan && open !== undefined) {
      open.to = now;
      // A sensor that starts is no time in which nobody looked.
      if (now - open.from < shortMs) this.spans.splice(this.spans.indexOf(open), 1);
    }
  }

  /** Now and again; `counters` as health has them. */
  beat(counters: Readonly<Record<string, number>>, now: number): void {
    // A machine that slept, or a clock that was set: nobody watched in between.
    if (now - this.lastBeat > 10 * 60_000) this.put({ part: 'moat', what: 'down', from: this.lastBeat, to: now });
    for (const [name, { part, what }] of Object.entries(losses)) {
      const n = counters[name] ?? 0, before = this.counted.get(name) ?? 0;
      this.counted.set(name, n);
      if (n <= before) continue;
      const last = this.spans.findLast((span) => span.part === part && span.what === what);
      if (last?.to !== undefined && last.to >= this.lastBeat - 1000) { last.to = now; last.n = (last.n ?? 0) + n - before; } else this.put({ part, what, from: this.lastBeat, to: now, n: n - before });
    }
    this.lastBeat = now;
  }

  get(now: number): Watched {
    return { since: this.since, alive: now, spans: this.spans.map((span) => ({ ...span })), ...(this.forgotten !== undefined && { forgotten: this.forgotten }) };
  }

  text(now: number): string { return JSON.stringify({ version: 1, ...this.get(now) }); }

  private put(span: WatchSpan): void {
    this.spans.push(span);
    if (this.spans.length <= spansMax) return;
    const [oldest] = this.spans.splice(0, 1);
    this.forgotten = Math.max(this.forgotten ?? 0, oldest?.to ?? 0);
  }
}

function read(text: string | undefined): Watched | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    const one = JSON.parse(text) as Partial<Watched> & { version?: unknown } | null;
    if (one?.version !== 1 || typeof one.since !== 'number' || typeof one.alive !== 'number' || !Array.isArray(one.spans)) return undefined;
    return { since: one.since, alive: one.alive, spans: one.spans.slice(-spansMax), ...(typeof one.forgotten === 'number' && { forgotten: one.forgotten }) };
  } catch { return undefined; /* never written by us */ }
}

/** What could not be seen between two moments, oldest first; what is shorter than ten seconds is left out. */
export function gapsBetween({ since, spans, forgotten }: Watched, from: number, to: number): StoryGap[] {
  const gaps: StoryGap[] = [];
  const add = (kind: StoryGap['kind'], begin: number, end: number, what: Text): void => {
    const a = Math.max(from, begin), b = Math.min(to, end);
    if (b - a >= shortMs || (b >= a && (kind === 'lost' || kind === 'log'))) gaps.push({ kind, from: a, to: b, what });
  };
  if (since > from) add('down', from, since, { zh: 'Moat 尚未安装：这段时间只有系统自己的日志（journal、wtmp）可查', en: 'Moat was not installed yet: of this time only the machine’s own logs (journal, wtmp) tell' });
  if (forgotten !== undefined && forgotten > from) add('forgotten', from, forgotten, { zh: '传感器何时在看的记录只保留到这里', en: 'what watched, and when, is not kept so far back' });
  for (const { part, what, from: begin, to: end = Infinity, n = 0 } of spans) {
    switch (what) {
      case 'down': add('down', begin, end, { zh: 'Moat 没有运行：程序、文件与连接都没人看', en: 'Moat did not run: nobody saw programs, files or connections' }); break;
      case 'off': add('sensor', begin, end, offText(part, spans, begin, end)); break;
      case 'lost': add('lost', begin, end, { zh: `${sensorName(part).zh}来不及，丢失 ${n} 条`, en: `${sensorName(part).en} was overrun and lost ${n} events` }); break;
      case 'cut': add('log', begin, end, { zh: `日志被截断或丢失 ${n} 次：其中的内容没有读到`, en: `a log was cut or lost, ${n === 1 ? 'once' : `${n} times`}: what it held was not read` }); break;
      case 'in': break;
    }
  }
  gaps.sort((a, b) => a.from - b.from || a.to - b.to || (a.what.en < b.what.en ? -1 : 1));
  for (let i = gaps.length - 1; i > 0; i--) {
    const one = gaps[i - 1]!, other = gaps[i]!;
    if (one.kind !== other.kind || one.from !== other.from || one.to !== other.to) continue;
    gaps.splice(i - 1, 2, { ...one, what: { zh: `${one.what.zh}；${other.what.zh}`, en: `${one.what.en}; ${other.what.en}` } });
  }
  if (gaps.length <= gapsMax) return gaps;
  const rest = gaps.slice(gapsMax - 1);
  return [...gaps.slice(0, gapsMax - 1), { kind: 'sensor', from: rest[0]!.from, to: Math.max(...rest.map((one) => one.to)), what: { zh: `另有 ${rest.length} 段看不到的时间`, en: `${rest.length} more such times` } }];
}

function offText(part: string, spans: readonly WatchSpan[], from: number, to: number): Text {
  if (part === 'ebpf') {
    const stood = [...new Set(spans.filter((span) => span.what === 'in' && span.from < to && (span.to ?? Infinity) > from).map((span) => span.part))].sort();
    const zh = stood.length === 0 ? '没有别的代替' : `由${stood.map((one) => sensorName(one).zh).join('、')}代替`;
    const en = stood.length === 0 ? 'nothing stood in for it' : `${stood.map((one) => sensorName(one).en).join(' and ')} stood in for it`;
    return { zh: `内核传感器没有运行，${zh}：短命的程序、部分文件改动与连接可能没看到`, en: `the kernel sensor did not run, ${en}: programs that ended at once, some changes of files and connections may be missing` };
  }
  return part === 'journal' ? { zh: '没有读取 systemd 日志', en: 'the systemd journal was not read' } : { zh: '没有读取日志文件', en: 'log files were not read' };
}

function sensorName(part: string): Text {
  switch (part) {
    case 'ebpf': return { zh: '内核传感器', en: 'the kernel sensor' };
    case 'connector': return { zh: '进程连接器', en: 'the process connector' };
    case 'fanotify': return { zh: '文件监视', en: 'the watch on files' };
    case 'process': return { zh: '轮询 /proc', en: 'polling of /proc' };
    default: return { zh: part, en: part };
  }
}
