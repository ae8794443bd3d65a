/** The console's files, as Vite built them: a table of known names made once, so that no request names a file. Its page has a fresh nonce each time it is loaded, for the style sheets that antd makes. */
import type { FastifyInstance } from 'fastify';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join, relative } from 'node:path';

/** Requests a minute from one address: a page and its parts are some twenty. */
const perMinute = 3000;
const types: Readonly<Record<string, string>> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.png': 'image/png' };
const page = 'index.html';
const noncePlace = '__NONCE__';

interface Asset { path: string; type: string; isHashed: boolean; etag: string; hasGzip: boolean }
interface Built { text: string; assets: ReadonlyMap<string, Asset>; made: number }

/** `styles`: what the policy says of style sheets. */
const policy = (styles: string): string => `default-src 'none'; script-src 'self'; style-src ${styles}; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'`;

const absent = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="3"><title>Moat</title></head><body><h1>Moat 护城河</h1><p>控制台正在构建，完成后自动打开；防护不受影响。若长时间停在这里，请在安装目录运行 <code>npm run build</code>。</p><p>The console is being built and opens by itself; protection goes on meanwhile. If this stays, run <code>npm run build</code> where Moat is installed.</p></body></html>`;

/** Undefined when nothing is built there. */
function read(folder: string): Built | undefined {
  const at = join(folder, page);
  if (!existsSync(at)) return undefined;
  const assets = new Map<string, Asset>();
  const look = (inside: string): void => {
    for (const entry of readdirSync(inside, { withFileTypes: true })) {
      const path = join(inside, entry.name);
      const type = types[extname(entry.name)];
      if (entry.isDirectory()) { if (!entry.name.startsWith('.')) look(path); } else if (entry.isFile() && type !== undefined && entry.name !== page) {
        const name = `/${relative(folder, path)}`;
        assets.set(name, { path, type, isHashed: name.startsWith('/assets/'), etag: `"${createHash('sha256').update(readFileSync(path)).digest('base64url').slice(0, 22)}"`, hasGzip: existsSync(`${path}.gz`) });
      }
    }
  };
  look(folder);
  return { text: readFileSync(at, 'utf8'), assets, made: statSync(at).mtimeMs };
}

/** Serves the folder; it may be built, or built anew, while the server runs. */
export function serveConsole(app: FastifyInstance, folder: string): void {
  let built = read(folder);
  const now = (): Built | undefined => {
    const made = statSync(join(folder, page), { throwIfNoEntry: false })?.mtimeMs;
    if (made !== built?.made) built = read(folder);
    return built;
  };
  app.get('/*', { config: { rateLimit: { max: perMinute, timeWindow: 60_000 } } }, async (request, reply) => {
    const path = request.url.split('?', 1)[0]!;
    // What the table of routes does not have is not there; it is not a page of the console.
    if (path === '/api' || path.startsWith('/api/')) { reply.callNotFound(); return reply; }
    const known = now();
    const asset = known?.assets.get(path);
    if (asset) {
      void reply.header('cache-control', asset.isHashed ? 'public, max-age=31536000, immutable' : 'no-cache').header('etag', asset.etag).type(asset.type);
      if (request.headers['if-none-match'] === asset.etag) return reply.code(304).send();
      const isGzip = asset.hasGzip && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
      if (asset.hasGzip) void reply.header('vary', 'accept-encoding');
      if (isGzip) void reply.header('content-encoding', 'gzip');
      return reply.send(await readFile(isGzip ? `${asset.path}.gz` : asset.path));
    }
    if (extname(path) !== '' && path.startsWith('/assets/')) { reply.callNotFound(); return reply; }
    const nonce = randomBytes(18).toString('base64');
    void reply.header('cache-control', 'no-store').type(types['.html']!);
    if (!known) return reply.code(503).send(absent);
    return reply.header('content-security-policy', policy(`'self' 'nonce-${nonce}'`)).send(known.text.replaceAll(noncePlace, nonce));
  });
}
