import { named as program } from '../../programs/named/program.ts';
import { daemonFile } from '../daemon-file.ts';

/** named.log and security.log: `22-Nov-2026 02:27:01.425 security: info: client @0x7f… 192.0.2.1#3076 (x): …`; NSD's: `[1795314421] nsd[7745]: info: …`. */
export const named = daemonFile({
  id: 'named',
  title: { zh: '域名服务日志（BIND、NSD）', en: 'name server log (BIND, NSD)' },
  paths: ['/var/log/named/*.log', '/var/log/named.log', '/var/log/bind/*.log', '/var/log/nsd.log', '/var/named/data/named.run'],
  kind: 'application',
  service: 'named',
  sniff: (line) => (bind.test(line.slice(0, 120)) || nsd.test(line.slice(0, 60)) ? 0.95 : 0),
  head(line, times, head) {
    const other = nsd.exec(line.slice(0, 60));
    if (other !== null) {
      head.time = times.epoch(line, 1);
      head.tag = 'nsd';
      head.pid = Number(other[1]);
      head.message = line.slice(other[0].length);
      return times.next >= 0;
    }
    if (!bindStamp.test(line.slice(0, 24))) return false;
    head.time = times.clf(line, 0);
    if (times.next < 0) return false;
    head.message = line.slice(times.next).trimStart();
    return true;
  },
  program,
});

const bindStamp = /^\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d\.\d{3}/;
const bind = /^\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d\.\d{3} (?:[a-z-]{2,24}: ){0,2}(?:client |general: |zone |running|managed-keys)/;
const nsd = /^\[\d{9,10}(?:\.\d{3})?\] nsd\[(\d{1,10})\]: /;
