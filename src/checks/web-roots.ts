/** Folders whose files web servers give to visitors: those that the configuration names, and those where they usually lie. */
import { readApache } from './apache-config.ts';
import { expandAll } from './expand.ts';
import { attempt } from './look.ts';
import { readNginx } from './nginx-config.ts';
import type { ScanContext } from './port.ts';

const usual = ['/var/www/html', '/var/www/*', '/srv/www', '/srv/www/*', '/srv/http', '/usr/share/nginx/html', '/usr/local/nginx/html', '/www/wwwroot/*', '/home/wwwroot/*', '/home/*/public_html', '/data/wwwroot/*', '/data/www', '/opt/1panel/apps/openresty/openresty/www/sites/*/index', '/opt/1panel/www/sites/*/index', '/opt/tomcat*/webapps', '/var/lib/tomcat*/webapps', '/usr/local/tomcat*/webapps'];

/** Real paths, each once; a folder above which another stands is kept, as it may be served by itself. */
export function webRoots(context: ScanContext): string[] {
  const named = [
    ...readNginx(context).filter(({ name }) => name === 'root').map(({ args }) => args[0] ?? ''),
    ...readApache(context).filter(({ name }) => name === 'documentroot').map(({ args }) => args[0] ?? ''),
  ].filter((path) => path.startsWith('/') && path !== '/' && !/[$*?[]/.test(path));
  const roots = new Set<string>();
  for (const path of [...expandAll(context, usual), ...named]) {
    const real = attempt(context, path, () => context.tree.real(path.replace(/\/+$/, '')));
    if (real !== undefined && real !== '/' && attempt(context, real, () => context.tree.stat(real))?.kind === 'folder') roots.add(real);
  }
  return [...roots];
}

/** The root that a path lies in. */
export const rootOf = (roots: readonly string[], path: string): string | undefined => roots.find((root) => path === root || path.startsWith(`${root}/`));
