import type { LogFormat } from '../../core/format.ts';
import { HaproxyLine, isHaproxyLine } from '../haproxy-line.ts';
import { lineFormat } from '../lines.ts';

/** HAProxy's own lines where no syslog head stands before them (stdout in a container, `format raw`). */
export const haproxy: LogFormat = lineFormat({
  id: 'haproxy',
  title: { zh: 'HAProxy 日志', en: 'HAProxy log' },
  paths: [],
  kind: 'access',
  sniff: (line) => isHaproxyLine(line) ? 1 : 0,
  open: () => new HaproxyLine(),
});
