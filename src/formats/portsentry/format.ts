import type { Event } from '../../core/format.ts';
import { mark } from '../../programs/attempts.ts';
import { takePeer } from '../../programs/peer.ts';
import { daemonFile } from '../daemon-file.ts';

/** portsentry.history (and portsentry.blocked.*, which repeats it): `1403884279 - 11/22/2026 02:27:01 Host: name/192.0.2.1 Port: 1 TCP Blocked`. */
export const portsentry = daemonFile({
  id: 'portsentry',
  title: { zh: 'portsentry 历史', en: 'portsentry history' },
  paths: ['/var/lib/portsentry/portsentry.history'],
  kind: 'firewall',
  service: 'portsentry',
  sniff: (line) => (shape.test(line.slice(0, 500)) ? 0.98 : 0),
  head(line, times, head) {
    if (!shape.test(line.slice(0, 500))) return false;
    head.time = times.epoch(line, 0);
    head.message = line;
    return times.next >= 0;
  },
  program: { open: () => ({ decode }) },
});

const shape = /^\d{9,10} - \d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d Host: [^/\s]{1,255}\/([0-9A-Fa-f.:]{2,46}) Port: (\d{1,5}) (TCP|UDP) Blocked/;

function decode(message: string, event: Event): boolean {
  const found = shape.exec(message.slice(0, 500));
  event.service = 'portsentry';
  if (found === null || !takePeer(found[1] ?? '', event)) return false;
  event.destination_port = Number(found[2]);
  event.protocol = found[3]?.toLowerCase();
  return mark(event, 'network', 'scan', 'failure');
}
