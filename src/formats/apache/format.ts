import type { LogFormat } from '../../core/format.ts';
import { AccessLine, isAccessLine } from '../access-line.ts';
import { serverOf } from '../access-server.ts';
import { ApacheError } from '../error-apache.ts';
import { lineFormat } from '../lines.ts';

/** Apache: common, combined, vhost_combined (`site:80 ADDRESS - - [`), host names for addresses. */
export const apache: LogFormat = lineFormat({
  id: 'apache',
  title: { zh: 'Apache 访问日志', en: 'Apache access log' },
  paths: [
    '/var/log/apache2/*access*.log', '/var/log/httpd/*access*log', '/usr/local/apache/logs/*access*log', '/usr/local/apache2/logs/*access*log',
    '/usr/local/apache/domlogs/*', '/data/wwwlogs/*_apache.log', '/www/wwwlogs/*-access_log',
  ],
  aliases: ['apache2', 'httpd', 'apache-access', 'common', 'vhost_combined'],
  kind: 'apache',
  sniff: (line) => {
    if (!isAccessLine(line)) return 0;
    // Marks that nginx never leaves: a site with its port in front, an escaped quote, no referer and agent.
    const escaped = line.includes('\\"');
    return escaped || !line.endsWith('"') && /" \d{3} (?:\d+|-)$/.test(line) || /^[\w.-]+:\d+ [\da-fA-F.:]+ /.test(line) ? 0.95 : 0.85;
  },
  open: (source) => {
    const server = serverOf(source, { kind: 'apache', service: 'apache' });
    const access = new AccessLine(server.service);
    // A container's output holds both logs.
    const error = new ApacheError();
    return {
      read: (line, event, times) => {
        event.kind = server.kind;
        return access.read(line, event, times) || error.read(line, event, times);
      },
    };
  },
});
