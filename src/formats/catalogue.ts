import type { LogFormat } from '../core/format.ts';
import { access } from './access/format.ts';
import { apache } from './apache/format.ts';
import { caddy } from './caddy/format.ts';
import { envoy } from './envoy/format.ts';
import { haproxy } from './haproxy/format.ts';
import { nginx } from './nginx/format.ts';
import { nginxProxyManager } from './nginx-proxy-manager/format.ts';
import { traefik } from './traefik/format.ts';

/** Every log format Moat reads; auto-detection asks them in this order and takes the surest. */
export const formats: readonly LogFormat[] = [
  nginx, apache, nginxProxyManager, access, caddy, traefik, haproxy, envoy,
];
