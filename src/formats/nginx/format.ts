import type { LogFormat } from '../../core/format.ts';
import { AccessLine, isAccessLine } from '../access-line.ts';
import { serverOf } from '../access-server.ts';
import { NginxError } from '../error-nginx.ts';
import { lineFormat } from '../lines.ts';

/**
 * nginx and what is built on it (OpenResty, Tengine, BunkerWeb, ingress-nginx, LNMP and 宝塔 sites): combined,
 * main with $http_x_forwarded_for, with the site in front, with fields of one's own behind the agent.
 */
export const nginx: LogFormat = lineFormat({
  id: 'nginx',
  title: { zh: 'nginx 访问日志', en: 'nginx access log' },
  paths: [
    '/var/log/nginx/*access*.log', '/var/log/nginx/**/*access*.log', '/usr/local/nginx/logs/*access*.log',
    '/usr/local/openresty/nginx/logs/*access*.log', '/home/wwwlogs/*.log', '/data/wwwlogs/*_nginx.log', '/www/wwwlogs/*.log',
  ],
  aliases: ['nginx-access', 'openresty', 'combined', 'bt-site'],
  kind: 'nginx',
  sniff: (line) => isAccessLine(line) ? 0.9 : 0,
  open: (source) => {
    const server = serverOf(source, { kind: 'nginx', service: 'nginx' });
    const access = new AccessLine(server.service);
    // A container's output holds both logs.
    const error = new NginxError();
    return {
      read: (line, event, times) => {
        event.kind = server.kind;
        return access.read(line, event, times) || error.read(line, event, times);
      },
    };
  },
});
