/** Folders whose files web servers give to visitors: those that the configuration names, and those where they usually lie. */
import { readApache } from './apache-config.ts';
import { expand, expandAll } from './expand.ts';
import { attempt, readText, tellIncludes } from './look.ts';
import { readNginx } from './nginx-config.ts';
import type { ScanContext } from './port.ts';

const usual = ['/var/www/html', '/var/www/*', '/srv/www', '/srv/www/*', '/srv/http', '/usr/share/nginx/html', '/usr/local/nginx/html', '/www/wwwroot/*', '/home/wwwroot/*', '/home/*/public_html', '/data/wwwroot/*', '/data/www', '/opt/1panel/apps/openresty/openresty/www/sites/*/index', '/opt/1panel/www/sites/*/index', '/opt/tomcat*/webapps', '/var/lib/tomcat*/webapps', '/usr/local/tomcat*/webapps'];

/** Real paths, each once; a folder above which another stands is kept, as it may be served by itself. */
export function webRoots(context: ScanContext): string[] {
  const named = [
    ...readNginx(context).filter(({ name }) => name === 'root').map(({ args }) => args[0] ?? ''),
    ...caddyRoots(context),
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

const caddyFiles = ['/etc/caddy/Caddyfile', '/usr/local/etc/caddy/Caddyfile', '/etc/caddy/conf.d/*', '/opt/caddy/Caddyfile'];
const caddyFilesMax = 2000;

/** `root [matcher] FOLDER` of a Caddyfile and of the files that it imports. */
function caddyRoots(context: ScanContext): string[] {
  const out: string[] = [];
  const files = expandAll(context, caddyFiles);
  const seen = new Set<string>();
  for (let i = 0; i < files.length; i++) {
    const file = files[i]!;
    if (seen.size >= caddyFilesMax) { tellIncludes(context, file, caddyFilesMax); break; }
    if (seen.has(file)) continue;
    seen.add(file);
    for (const line of (readText(context, file) ?? '').split('\n')) {
      const [name, ...words] = line.trim().split(/\s+/);
      const last = words.at(-1)?.replaceAll(/^["`]|["`]$/g, '');
      if (last === undefined) continue;
      if (name === 'root') out.push(last);
      else if (name === 'import') files.push(...expand(context, last.startsWith('/') ? last : `${file.slice(0, file.lastIndexOf('/'))}/${last}`));
    }
  }
  return out;
}
