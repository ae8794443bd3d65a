import type { Event } from '../../core/gen/event.ts';
import type { LogFormat } from '../../core/format.ts';
import { finishRequest, setTarget } from '../access-line.ts';
import { addressAndPort } from '../address.ts';
import { lineFormat } from '../lines.ts';
import type { Times } from '../time.ts';

/**
 * What the 宝塔 panel keeps of requests to itself, one JSON array a line in logs/request/DATE.json[.gz]:
 *
 *     ["2026-11-22 02:27:01", "203.0.113.7:4711", "POST", "/login?", "AGENT", "{…}", 12]
 *
 * There is no status in it, so the outcome is unknown. (Its sites' logs are nginx's and Apache's.)
 */
export const btPanel: LogFormat = lineFormat({
  id: 'bt-panel',
  title: { zh: '宝塔面板请求日志', en: '宝塔 (BT) panel request log' },
  paths: ['/www/server/panel/logs/request/*.json', '/www/server/panel/logs/request/*.json.gz'],
  aliases: ['bt', 'aapanel'],
  kind: 'access',
  sniff: (line) => shape.test(line.slice(0, 200)) ? 1 : 0,
  open: () => ({ read }),
});

const shape = /^\["\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", ?"\[?[\da-fA-F.:]+\]?(?::\d+)?", ?"[A-Z]+", ?"\//;

function read(line: string, event: Event, times: Times | undefined): boolean {
  if (line.length > 65_536 || !shape.test(line.slice(0, 200))) return false;
  const fields = parse(line);
  const [time = '', peer = '', method = '', target = '', agent] = fields ?? [];
  const address = addressAndPort(peer);
  if (!address) return false;
  if (times) {
    const ms = times.any(time, 0);
    if (times.next < 0) return false;
    event.time = ms;
  }
  event.source_ip = address.ip;
  event.source_port = address.port;
  // Flask writes the ? even where no query follows.
  setTarget(event, method, target.endsWith('?') ? target.slice(0, -1) : target);
  event.http_user_agent = agent === '' ? undefined : agent;
  finishRequest(event, 'bt-panel', 0);
  return true;
}

function parse(line: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return Array.isArray(value) ? value.map((field) => typeof field === 'string' ? field : '') : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
