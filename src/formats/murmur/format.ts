import { murmur as program } from '../../programs/murmur/program.ts';
import { daemonFile } from '../daemon-file.ts';

/** mumble-server.log: `<W>2026-11-22 02:27:01.818 1 => <4:name(-1)> Rejected connection from 192.0.2.1:29530: why`. */
export const murmur = daemonFile({
  id: 'murmur',
  title: { zh: 'Mumble 服务日志', en: 'Mumble server log' },
  paths: ['/var/log/mumble-server/mumble-server.log', '/var/log/murmur/murmur.log'],
  kind: 'application',
  service: 'murmur',
  sniff: (line) => (line.charCodeAt(0) === 60 && line.charCodeAt(2) === 62 && shape.test(line.slice(0, 30)) ? 0.97 : 0),
  head(line, times, head) {
    if (!shape.test(line.slice(0, 30))) return false;
    head.time = times.iso(line, 3);
    head.message = line.slice(3);
    return times.next >= 0;
  },
  program,
});

const shape = /^<[WFCXI]>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} /;
