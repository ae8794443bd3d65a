/**
 * Asks web services whether they are well: kind sensor, category service, action health, service = the
 * url, outcome success or failure, value = milliseconds, http_status, message = what went wrong.
 * A status below 500 is well: 401 or 404 come from a service that lives.
 */
import { Event } from '../../core/gen/event.ts';
import type { Batch, Sensor, SensorContext } from '../../core/ports.ts';
import { MoatError } from '../../core/error.ts';
import { pause } from '../pace.ts';
import type { Answer } from './probe.ts';
import { probe } from './probe.ts';

export interface HealthOptions {
  /** What to ask. When none is named, ports 80 and 443 of this machine are asked once something has been well there. */
  urls?: readonly string[];
  /** What is asked when none is named. */
  defaultUrls?: readonly string[];
  everyMs?: number;
  timeoutMs?: number;
}

const webPorts = ['http://127.0.0.1:80/', 'https://127.0.0.1:443/'];
const maxUrls = 64;

/** Throws MoatError 'bad-url' for a url that cannot be asked. */
export function healthSensor(options: HealthOptions = {}): Sensor {
  const { urls = [], defaultUrls = webPorts, everyMs = 30_000, timeoutMs = 5000 } = options;
  for (const url of urls) {
    if (!URL.canParse(url) || !/^https?:\/\//i.test(url)) {
      throw new MoatError('bad-url', `expected an http or https url, got ${JSON.stringify(url.slice(0, 200))} in health urls`, { hint: 'write it like http://127.0.0.1:8080/status' });
    }
  }
  if (urls.length > maxUrls) throw new MoatError('too-many-urls', `expected at most ${maxUrls} health urls, got ${urls.length}`);
  return {
    id: 'health',
    title: { zh: '网站健康检查', en: 'Health of web services' },
    blind: {
      zh: `每 ${everyMs / 1000} 秒查一次，两次之间的短暂中断看不到；只看能否应答，不看内容对错；未配置网址时只查本机 80 与 443 端口的默认站点。`,
      en: `Asked every ${everyMs / 1000} s: shorter failures are not seen. Only whether a service answers is judged, not what it says. Without configured urls only the default site on ports 80 and 443 of this machine is asked.`,
    },
    open: (context) => watch(context, urls.length > 0 ? urls : defaultUrls, urls.length > 0, everyMs, timeoutMs),
  };
}

async function* watch(context: SensorContext, urls: readonly string[], configured: boolean, everyMs: number, timeoutMs: number): AsyncIterable<Batch> {
  const wasWell = new Set<string>();
  let serial = 0;
  do {
    const answers = await Promise.all(urls.map((url) => probe(url, { timeoutMs, signal: context.signal })));
    if (context.signal.aborted) return;
    const now = context.now();
    const events: Event[] = [];
    for (const [i, answer] of answers.entries()) {
      const url = urls[i] ?? '';
      const well = isWell(answer, configured);
      if (well) wasWell.add(url);
      // A default address that was never well is no service of this machine.
      if (!configured && !wasWell.has(url)) {
        context.health(url, 'waiting', { zh: '这里还没有正常应答的服务', en: 'nothing has answered well here yet' });
        continue;
      }
      context.health(url, 'live');
      events.push(toEvent(`health:${now}:${serial++}`, now, context.host, url, answer, well));
    }
    if (events.length > 0) yield { events, positions: [] };
  } while (await pause(everyMs, context.signal));
}

function isWell(answer: Answer, configured: boolean): boolean {
  switch (answer.type) {
    case 'answered': return answer.status < 500;
    // Asked by address, a server may close without a word because it answers only to its sites' names.
    case 'closed': return !configured;
    default: return false;
  }
}

function toEvent(id: string, now: number, host: string, url: string, answer: Answer, well: boolean): Event {
  const event = new Event(id, now, 'sensor');
  event.host = host;
  event.source = 'health';
  event.category = 'service';
  event.action = 'health';
  event.outcome = well ? 'success' : 'failure';
  event.service = url;
  event.value = answer.ms;
  if (answer.type === 'answered') {
    event.http_status = answer.status;
    event.message = `HTTP ${answer.status}`;
  } else {
    event.message = answer.error;
  }
  return event;
}
