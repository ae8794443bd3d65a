import { asterisk as program } from '../../programs/asterisk/program.ts';
import { daemonFile } from '../daemon-file.ts';

/** messages, full and security log: `[2026-11-22 02:27:01] NOTICE[1638][C-0000001] chan_sip.c: text`, `[Nov 22 02:27:01] …`. */
export const asterisk = daemonFile({
  id: 'asterisk',
  title: { zh: 'Asterisk 日志', en: 'Asterisk log' },
  // The full log repeats the others.
  paths: ['/var/log/asterisk/messages', '/var/log/asterisk/messages.log', '/var/log/asterisk/security', '/var/log/asterisk/security.log'],
  kind: 'application',
  service: 'asterisk',
  sniff: (line) => (line.charCodeAt(0) === 91 && shape.test(line.slice(0, 80)) ? 0.97 : 0),
  head(line, times, head) {
    if (line.charCodeAt(0) !== 91) return false;
    head.time = times.any(line, 1);
    const close = times.next < 0 ? -1 : line.indexOf('] ', times.next);
    if (close < 0 || close - times.next > 8) return false;
    head.message = line.slice(close + 2);
    return level.test(head.message.slice(0, 40));
  },
  program,
});

const level = /^(?:NOTICE|WARNING|SECURITY|ERROR|VERBOSE|DEBUG|DTMF) ?\[\d/;
const shape = /^\[[^\]]{8,40}\] (?:NOTICE|WARNING|SECURITY|ERROR|VERBOSE|DEBUG|DTMF) ?\[\d/;
