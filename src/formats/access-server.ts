import type { Kind } from '../core/gen/event.ts';

/**
 * nginx and Apache write the same combined lines. The path tells them apart where the line cannot; `otherwise`
 * is what the format that was chosen stands for.
 */
export function serverOf(source: string, otherwise: { kind: Kind; service: string }): { kind: Kind; service: string } {
  const path = source.toLowerCase();
  for (const [mark, kind, service] of marks) if (path.includes(mark)) return { kind, service };
  return otherwise;
}

const marks: readonly (readonly [string, Kind, string])[] = [
  ['openresty', 'nginx', 'openresty'],
  ['tengine', 'nginx', 'tengine'],
  ['bunkerweb', 'nginx', 'bunkerweb'],
  ['ingress', 'nginx', 'ingress-nginx'],
  ['nginx', 'nginx', 'nginx'],
  ['apache', 'apache', 'apache'],
  ['httpd', 'apache', 'apache'],
  ['litespeed', 'access', 'litespeed'],
  ['lsws', 'access', 'litespeed'],
  ['lighttpd', 'access', 'lighttpd'],
  ['tomcat', 'access', 'tomcat'],
  ['catalina', 'access', 'tomcat'],
  ['traefik', 'access', 'traefik'],
  ['caddy', 'access', 'caddy'],
  ['cpanel', 'access', 'cpanel'],
];
