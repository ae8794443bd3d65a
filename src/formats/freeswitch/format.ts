import { freeswitch as program } from '../../programs/freeswitch/program.ts';
import { daemonFile, isoDate } from '../daemon-file.ts';

/** freeswitch.log: `2026-11-22 02:27:01.385000 96.03% [WARNING] sofia_reg.c:3223 text`; from some log modules without the year. */
export const freeswitch = daemonFile({
  id: 'freeswitch',
  title: { zh: 'FreeSWITCH 日志', en: 'FreeSWITCH log' },
  paths: ['/var/log/freeswitch/freeswitch.log', '/usr/local/freeswitch/log/freeswitch.log'],
  kind: 'application',
  service: 'freeswitch',
  sniff: (line) => (shape.test(line.slice(0, 140)) ? 0.96 : 0),
  head(line, times, head) {
    const found = shape.exec(line.slice(0, 140));
    if (found === null) return false;
    // "11-22 02:27:01.385": the year is the one in which the line was read.
    head.time = isoDate(line) ? times.iso(line, 0) : times.lost();
    head.message = line.slice(line.indexOf('['));
    return true;
  },
  program,
});

const shape = /^(?:\d{4}-)?\d\d-\d\d \d\d:\d\d:\d\d\.\d{1,6} (?:\d{1,3}\.\d\d% )?\[(?:WARNING|WARN|NOTICE|INFO|DEBUG|ERR|CRIT)\] (?:\[[A-Z]{1,12}\] )?\[?[a-z_]{1,40}\.c:\d/;
