import { monit as program } from '../../programs/monit/program.ts';
import { daemonFile } from '../daemon-file.ts';

/** monit.log: `[CEST Nov 22 02:27:01] error    : text`, since 5.26 `[2026-11-22T02:27:01+0100] error    : text`. */
export const monit = daemonFile({
  id: 'monit',
  title: { zh: 'Monit 日志', en: 'Monit log' },
  paths: ['/var/log/monit.log', '/var/log/monit'],
  kind: 'application',
  service: 'monit',
  sniff: (line) => (line.charCodeAt(0) === 91 && shape.test(line.slice(0, 60)) ? 0.95 : 0),
  head(line, times, head) {
    const found = shape.exec(line.slice(0, 60));
    if (found === null) return false;
    // The zone is only a name there; such times are the machine's local ones.
    head.time = times.any(line, found[1] === undefined ? 1 : found[1].length + 2);
    if (times.next < 0) return false;
    head.severity = found[2] ?? '';
    head.message = line.slice(found[0].length);
    return true;
  },
  program,
});

const shape = /^\[(?:([A-Z]{2,5}) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[^\]]{8,15})\] (debug|info|notice|warning|error|critical|alert|emergency) {0,10}: /;
