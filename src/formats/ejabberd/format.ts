import { ejabberd as program } from '../../programs/ejabberd/program.ts';
import { daemonFile, isoDate } from '../daemon-file.ts';

/** ejabberd.log: `2026-11-22 02:27:01.512[+00:00] [info] <0.22741.1>@ejabberd_c2s:… text`. */
export const ejabberd = daemonFile({
  id: 'ejabberd',
  title: { zh: 'ejabberd 日志', en: 'ejabberd log' },
  paths: ['/var/log/ejabberd/ejabberd.log'],
  kind: 'application',
  service: 'ejabberd',
  sniff: (line) => (isoDate(line) && shape.test(line.slice(19, 80)) ? 0.95 : 0),
  head(line, times, head) {
    const found = isoDate(line) ? shape.exec(line.slice(19, 80)) : null;
    if (found === null) return false;
    head.time = times.iso(line, 0);
    head.severity = found[1] ?? '';
    head.message = line.slice(19 + found[0].length);
    return times.next >= 0;
  },
  program,
});

const shape = /^\.\d{3,6}(?:[+-]\d\d:\d\d|Z)? \[(debug|info|notice|warning|error|critical)\] (?=<0\.\d{1,10}\.\d{1,10}>)/;
