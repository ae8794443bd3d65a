// Builds console/ into console/dist, unless it was built of just these sources. Each file has a .gz beside it, so that the server computes
// nothing. It is built aside and put in place whole: a server that runs sees the one before or the new one.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'console');
const dist = join(folder, 'dist');
const stampFile = join(dist, '.stamp');

function* files(inside) {
  for (const entry of readdirSync(inside, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(inside, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else yield path;
  }
}

const digest = createHash('sha256');
for (const path of [...files(join(folder, 'src')), ...files(join(folder, 'public')), join(folder, 'index.html'), join(folder, 'vite.config.ts'), join(folder, 'package.json'), join(root, 'package-lock.json'), fileURLToPath(import.meta.url)]) {
  if (path.endsWith('.test.ts')) continue;
  digest.update(`${relative(root, path)}\0`).update(readFileSync(path)).update('\0');
}
const stamp = digest.digest('hex');

if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) {
  console.log('the console is built');
} else {
  // Vite follows NODE_ENV: within a test it would build React's slow side, and antd with the ids of its own tests.
  process.env.NODE_ENV = 'production';
  const { build } = await import('vite');
  const aside = join(folder, `.build-${process.pid}`);
  const old = join(folder, `.old-${process.pid}`);
  try {
    await build({ root: folder, configFile: join(folder, 'vite.config.ts'), logLevel: 'warn', build: { outDir: aside, emptyOutDir: true } });
    for (const path of Array.from(files(aside))) if (/\.(?:js|css|svg)$/.test(path)) writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
    writeFileSync(join(aside, '.stamp'), stamp);
    if (existsSync(dist)) renameSync(dist, old);
    renameSync(aside, dist);
  } finally {
    rmSync(aside, { recursive: true, force: true });
    rmSync(old, { recursive: true, force: true });
  }
}
