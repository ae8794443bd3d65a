import { canonicalIp } from '../../core/address.ts';
import type { Event } from '../../core/format.ts';
import { mark } from '../../programs/attempts.ts';
import { daemonFile } from '../daemon-file.ts';

/** Squid's native access.log: `1795314421.123    5 192.0.2.1 TCP_DENIED/403 3921 CONNECT example.com:443 user HIER_NONE/- text/html`. */
export const squid = daemonFile({
  id: 'squid',
  title: { zh: 'Squid 代理访问日志', en: 'Squid access log' },
  paths: ['/var/log/squid/access.log', '/var/log/squid3/access.log'],
  kind: 'application',
  service: 'squid',
  sniff: (line) => (shape.test(line.slice(0, 160)) ? 0.97 : 0),
  head(line, times, head) {
    if (!shape.test(line.slice(0, 160))) return false;
    head.time = times.epoch(line, 0);
    return times.next >= 0;
  },
  program: { open: () => ({ decode }) },
});

const shape = /^\d{9,10}\.\d{3} {1,12}(\d{1,10}) (\S{2,46}) ((?:TCP|UDP|NONE)[A-Z_]{0,40})\/(\d{3}) (\d{1,15}) (\S{1,24}) /;

/** A forward proxy's line is no request to a web server of ours: category network, so that web rules do not read it. */
function decode(message: string, event: Event): boolean {
  const found = shape.exec(message.slice(0, 160));
  if (found === null) return false;
  event.service = 'squid';
  event.source_ip = canonicalIp(found[2] ?? '') ?? found[2];
  event.http_status = Number(found[4]);
  event.http_bytes = Number(found[5]);
  event.http_method = found[6];
  const [url, user] = message.slice(found[0].length).split(' ', 2);
  event.url = url;
  if (user !== undefined && user !== '-') event.user = user;
  const result = found[3] ?? '';
  if (result.includes('DENIED')) {
    // 407 asks for a name and password, as every log-in begins; with a name given it is a refusal.
    if (found[4] === '407') return mark(event, 'authentication', 'login', event.user === undefined ? 'unknown' : 'failure');
    return mark(event, 'network', 'reject', 'failure');
  }
  if (result.startsWith('NONE') && (found[4] === '400' || found[4] === '405')) return mark(event, 'network', 'probe', 'failure');
  return mark(event, 'network', 'proxy-request', 'success');
}
