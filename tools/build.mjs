// Bundles src/main into dist/. The shared chunks let each command load only what it needs.
// Packages with native parts stay outside the bundle and are loaded from node_modules.
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
rmSync(`${root}dist`, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  // query-child runs the SQL of people, scan-child a scan, baseline-child a comparison with the baseline, capture-child captures packets, yara-child YARA rules, packages-child reads the package databases and crypt-child tries passwords, each in a process of its own; ebpf-worker,
  // hash-worker, sweep-worker, digest-worker, file-worker and webshell-worker are threads. Each is found beside the bundle.
  entryPoints: {
    moat: 'src/main/moat.ts', 'query-child': 'src/hunt/query-child.ts', 'scan-child': 'src/agent/scan-child.ts', 'baseline-child': 'src/agent/baseline-child.ts', 'capture-child': 'src/agent/capture-child.ts', 'crypt-child': 'src/checks/weak-passwords/crypt-child.ts', 'digest-worker': 'src/evidence/digest-worker.ts',
    'file-worker': 'src/evidence/file-worker.ts', 'ebpf-worker': 'src/sensors/ebpf/worker.ts', 'hash-worker': 'src/linux/hash-worker.ts', 'sweep-worker': 'src/linux/sweep-worker.ts', 'packages-child': 'src/linux/packages/packages-child.ts', 'webshell-worker': 'src/checks/webshell/worker.ts', 'yara-child': 'src/checks/yara/child.ts',
  },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  sourcemap: 'linked',
  external: ['@node-rs/argon2', '@photostructure/sqlite', '@virustotal/yara-x', 'koffi', 'recheck', 'node:sqlite'],
  // Bundled CommonJS packages ask for Node's modules by require.
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  logLevel: 'warning',
});
