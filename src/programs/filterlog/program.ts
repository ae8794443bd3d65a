import { canonicalIp } from '../../core/address.ts';
import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { tell } from '../tell.ts';

/** What pf of pfSense and OPNsense logs, sent here by syslog: a packet as one row of comma-separated values. */
export const filterlog: Program = {
  id: 'filterlog',
  title: { zh: 'pf 防火墙（pfSense、OPNsense）', en: 'pf firewall (pfSense, OPNsense)' },
  tags: ['filterlog'],
  open: (): ProgramDecoder => ({ decode }),
};

/** A row has up to 30 columns; what is longer was written by something else. */
const longest = 1024;

/**
 * `rule,sub,anchor,tracker,interface,reason,ACTION,DIRECTION,VERSION,…`. Version 4 goes on with tos, ecn, ttl, id, offset,
 * flags, protocol number, PROTOCOL, length, SOURCE, DESTINATION; version 6 with class, flow label, hop limit, PROTOCOL,
 * protocol number, length, SOURCE, DESTINATION; then both, for TCP and UDP, the two ports.
 */
function decode(message: string, event: Event): boolean {
  if (message.length > longest) return false;
  const row = message.split(',');
  const four = row[8] === '4';
  if (!four && row[8] !== '6') return false;
  const source = canonicalIp(row[four ? 18 : 15] ?? '');
  const destination = canonicalIp(row[four ? 19 : 16] ?? '');
  if (source === undefined || destination === undefined) return false;
  event.source_ip = source;
  event.destination_ip = destination;
  event.protocol = (row[four ? 16 : 12] ?? '').toLowerCase();
  if (event.protocol === 'tcp' || event.protocol === 'udp') {
    event.source_port = port(row[four ? 20 : 17]);
    event.destination_port = port(row[four ? 21 : 18]);
  }
  event.direction = row[7] === 'out' ? 'outbound' : 'inbound';
  event.extra = { ...event.extra, rule: row[3] === '' ? row[0] : row[3], in: row[7] === 'out' ? '' : row[4], out: row[7] === 'out' ? row[4] : '' };
  const action = row[6] === 'block' ? 'drop' : row[6] === 'reject' ? 'reject' : row[6] === 'pass' ? 'accept' : 'log';
  return tell(event, 'firewall', 'firewall', 'firewall', action, action === 'accept' ? 'success' : action === 'log' ? 'unknown' : 'failure');
}

const port = (text: string | undefined): number | undefined => (text !== undefined && /^\d{1,5}$/.test(text) && Number(text) < 65_536 ? Number(text) : undefined);
