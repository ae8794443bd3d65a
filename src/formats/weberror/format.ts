import type { LogFormat } from '../../core/format.ts';
import { AccessLine } from '../access-line.ts';
import { ApacheError, isApacheError } from '../error-apache.ts';
import { isNginxError, NginxError } from '../error-nginx.ts';
import { OtherError, shapeOf } from '../error-other.ts';
import { lineFormat } from '../lines.ts';

/** Error logs of nginx, Apache, lighttpd, LiteSpeed, PHP and php-fpm, told apart by how each line begins. */
export const weberror: LogFormat = lineFormat({
  id: 'weberror',
  title: { zh: 'Web 服务器错误日志', en: 'web server error log' },
  paths: [
    '/var/log/nginx/*error*.log', '/var/log/nginx/**/*error*.log', '/usr/local/nginx/logs/*error*.log', '/usr/local/openresty/nginx/logs/*error*.log',
    '/www/wwwlogs/*error.log', '/www/wwwlogs/*.error.log', '/www/wwwlogs/*-error_log', '/home/wwwlogs/*error*.log',
    '/var/log/apache2/*error*.log', '/var/log/httpd/*error*log', '/usr/local/apache/logs/*error*log', '/usr/local/apache2/logs/*error*log',
    '/var/log/lighttpd/error.log', '/usr/local/lsws/logs/error.log', '/var/log/php*fpm*.log', '/var/log/php-fpm/*.log', '/www/server/php/*/var/log/php-fpm.log', '/data/logs/*_error.log',
  ],
  aliases: ['nginx-error', 'apache-error', 'lighttpd', 'php-fpm', 'litespeed'],
  kind: 'weberror',
  sniff: (line) => isNginxError(line) || isApacheError(line) || shapeOf(line) !== undefined ? 1 : 0,
  open: () => {
    const nginx = new NginxError();
    const apache = new ApacheError();
    const other = new OtherError();
    const access = new AccessLine('nginx'); // a container's output holds both logs
    return {
      read: (line, event, times) => {
        if (nginx.read(line, event, times) || apache.read(line, event, times) || other.read(line, event, times)) return true;
        if (!access.read(line, event, times)) return false;
        event.kind = 'nginx';
        return true;
      },
    };
  },
  // Lines without a head are the rest of a stack trace or what a CGI script printed.
  keepUnknown: { category: 'web', service: 'web' },
});
