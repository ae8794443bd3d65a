// Bundles src/main into dist/. The shared chunks let each command load only what it needs.
// Packages with native parts stay outside the bundle and are loaded from node_modules.
// It is built aside, and put in place file by file: several may build the same source at once, and what one of them runs is never taken from under it.
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const started = new Date();
// Beside dist: what a source map says of its sources is the same in both.
const aside = mkdtempSync(join(root, '.build-'));

// For CommonJS packages in a bundle, which ask for Node's modules by require.
const banner = { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" };

/** What the parser of this very source makes of the rules that ship; see src/sigma/prebuilt.ts. */
async function prebuilt() {
  const folder = mkdtempSync(join(tmpdir(), 'moat-build-'));
  const parser = join(folder, 'parser.mjs');
  await build({ absWorkingDir: root, entryPoints: ['src/sigma/prebuilt.ts'], outfile: parser, bundle: true, platform: 'node', target: 'node20', format: 'esm', banner, logLevel: 'warning' });
  try {
    const { prebuild } = await import(parser);
    const files = readdirSync(`${root}rules`, { recursive: true, encoding: 'utf8' }).filter((file) => /\.ya?ml$/.test(file) && !/\.test\.ya?ml$/.test(file)).sort();
    return prebuild(files.map((file) => {
      const text = readFileSync(`${root}rules/${file}`, 'utf8');
      return { file, text, digest: createHash('sha256').update(text).digest('hex') };
    }));
  } finally { rmSync(folder, { recursive: true }); }
}

/** They stand in a file of their own, read when rules are loaded; its name has its digest, and who asks for it is told the name. */
const rules = {
  name: 'prebuilt rules',
  async setup({ onLoad, onResolve }) {
    const contents = await prebuilt();
    onLoad({ filter: /\/src\/agent\/prebuilt-rules\.ts$/ }, () => ({ contents: "import file from 'prebuilt:rules.json'; export const prebuiltRules = new URL(file, import.meta.url);", resolveDir: root }));
    onResolve({ filter: /^prebuilt:/ }, ({ path }) => ({ path: path.slice('prebuilt:'.length), namespace: 'prebuilt' }));
    onLoad({ filter: /.*/, namespace: 'prebuilt' }, () => ({ contents, loader: 'file' }));
  },
};

/** Pieces have their digest in their names; each entry comes after them, and moat.js, whose time says how fresh all is, at the very end. */
function putInPlace() {
  const entry = (name) => (name === 'moat.js' ? 2 : /-[0-9A-Z]{8}\./.test(name) ? 0 : 1);
  const made = readdirSync(aside).sort((a, b) => entry(a) - entry(b));
  mkdirSync(dist, { recursive: true });
  // A source that was changed meanwhile is newer.
  utimesSync(join(aside, 'moat.js'), started, started);
  for (const name of made) renameSync(join(aside, name), join(dist, name));
  const wanted = new Set(made);
  for (const name of readdirSync(dist)) if (!wanted.has(name)) rmSync(join(dist, name), { recursive: true, force: true });
}

try {
  await build({
    absWorkingDir: root,
    // query-child runs the SQL of people, scan-child a scan, baseline-child a comparison with the baseline, capture-child captures packets, yara-child YARA rules, packages-child reads the package databases and crypt-child tries passwords, each in a process of its own; ebpf-worker,
    // hash-worker, sweep-worker, digest-worker, file-worker and webshell-worker are threads. Each is found beside the bundle.
    entryPoints: {
      moat: 'src/main/moat.ts', 'query-child': 'src/hunt/query-child.ts', 'scan-child': 'src/agent/scan-child.ts', 'baseline-child': 'src/agent/baseline-child.ts', 'capture-child': 'src/agent/capture-child.ts', 'crypt-child': 'src/checks/weak-passwords/crypt-child.ts', 'digest-worker': 'src/evidence/digest-worker.ts',
      'file-worker': 'src/evidence/file-worker.ts', 'ebpf-worker': 'src/sensors/ebpf/worker.ts', 'hash-worker': 'src/linux/hash-worker.ts', 'sweep-worker': 'src/linux/sweep-worker.ts', 'packages-child': 'src/linux/packages/packages-child.ts', 'webshell-worker': 'src/checks/webshell/worker.ts', 'yara-child': 'src/checks/yara/child.ts',
    },
    outdir: aside,
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    sourcemap: 'linked',
    external: ['@node-rs/argon2', '@photostructure/sqlite', '@virustotal/yara-x', 'koffi', 'recheck', 'node:sqlite'],
    plugins: [rules],
    banner,
    logLevel: 'warning',
  });
  putInPlace();
} finally { rmSync(aside, { recursive: true, force: true }); }
