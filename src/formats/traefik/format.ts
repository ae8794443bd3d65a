import type { LogFormat } from '../../core/format.ts';
import { readAccessRecord } from '../access-json.ts';
import { AccessLine, isAccessLine } from '../access-line.ts';
import { parseRecord, recordTime } from '../json.ts';
import { lineFormat } from '../lines.ts';

/** Traefik: its common log format (`… "AGENT" COUNT "ROUTER" "URL" 3ms`) and JSON. */
export const traefik: LogFormat = lineFormat({
  id: 'traefik',
  title: { zh: 'Traefik 访问日志', en: 'Traefik access log' },
  paths: ['/var/log/traefik/*access*', '/var/log/traefik*.log'],
  kind: 'access',
  sniff: (line) => line.startsWith('{"Client') || line.startsWith('{') && line.includes('"DownstreamStatus":') ? 1 : line.endsWith('ms') && tail.test(line.slice(-600)) && isAccessLine(line) ? 1 : 0,
  open: () => {
    const common = new AccessLine('traefik');
    return {
      read: (line, event, times) => {
        if (line.charCodeAt(0) !== 123) return common.read(line, event, times);
        const record = parseRecord(line);
        if (!record || !readAccessRecord(record, event, 'traefik')) return false;
        if (times) event.time = recordTime(record, times) ?? times.lost();
        return true;
      },
    };
  },
});

const tail = / \d+ "[^"]*" "[^"]*" \d+ms$/;
