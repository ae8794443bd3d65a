/** A small root with one package `frob` that apt kept, for actions on what packages ship. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openPackages } from '../../src/linux/packages/index.ts';
import { Originals } from '../../src/linux/packages/original.ts';
import { runner, type Run } from '../../src/linux/run.ts';
import type { RestoreWorld } from '../../src/actions/restore-file/action.ts';
import { fileWorld } from './files.ts';
import type { LineWorld } from '../../src/actions/remove-line/action.ts';

export const program = Buffer.from(`#!/bin/sh\n${'# as it was shipped\n'.repeat(20_000)}`);
export const settings = 'port 1\nshell no\n';

export interface Shipped { version?: string; programMode?: number; postinst?: string; files?: Readonly<Record<string, string | Buffer>>; links?: Readonly<Record<string, string>> }

/** Builds the .deb; `extra` files beside /usr/bin/frob and its settings. */
export function buildDeb(to: string, { version = '1:1.0', programMode = 0o755, postinst, files = {}, links = {} }: Shipped = {}): void {
  const build = mkdtempSync(join(tmpdir(), 'moat-deb-'));
  try {
    const write = (path: string, content: string | Buffer, mode = 0o644): void => {
      const at = join(build, path);
      mkdirSync(dirname(at), { recursive: true, mode: 0o755 });
      writeFileSync(at, content);
      chmodSync(at, mode);
    };
    write('DEBIAN/control', `Package: frob\nVersion: ${version}\nArchitecture: all\nMaintainer: Lin <lin@example.org>\nDescription: x\n`);
    if (postinst !== undefined) write('DEBIAN/postinst', postinst, 0o755);
    write('usr/bin/frob', program, programMode);
    write('etc/frob/frob.conf', settings);
    for (const [path, content] of Object.entries(files)) write(path, content);
    for (const [path, target] of Object.entries(links)) symlinkSync(target, join(build, path));
    chmodSync(build, 0o755);
    mkdirSync(dirname(to), { recursive: true });
    execFileSync('dpkg-deb', ['-Zgzip', '-z1', '--root-owner-group', '--build', build, to], { stdio: 'ignore' });
  } finally { rmSync(build, { recursive: true }); }
}

/** The root with the database of dpkg; `deb`: false when apt kept nothing. */
export function packagedRoot(root: string, { deb = true, ...shipped }: Shipped & { deb?: boolean } = {}): void {
  if (existsSync(join(root, 'var/lib/dpkg/status'))) return;
  const md5 = (bytes: string | Buffer): string => createHash('md5').update(bytes).digest('hex');
  const info = join(root, 'var/lib/dpkg/info');
  for (const folder of [info, join(root, 'usr/bin'), join(root, 'etc/frob')]) mkdirSync(folder, { recursive: true });
  symlinkSync('usr/bin', join(root, 'bin'));
  const more = Object.entries(shipped.files ?? {});
  const version = shipped.version ?? '1:1.0';
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nfrob:x:4711:4712::/:/bin/false\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nfrob:x:4712:\n');
  writeFileSync(join(info, 'frob.list'), ['/.', '/usr/bin/frob', '/etc/frob/frob.conf', ...more.map(([path]) => `/${path}`), ...Object.keys(shipped.links ?? {}).map((path) => `/${path}`), ''].join('\n'));
  writeFileSync(join(info, 'frob.md5sums'), [`${md5(program)}  usr/bin/frob`, ...more.map(([path, content]) => `${md5(content)}  ${path}`), ''].join('\n'));
  if (deb) buildDeb(join(root, `var/cache/apt/archives/frob_${version.replaceAll(':', '%3a')}_all.deb`), shipped);
  // Last: with it the root is whole.
  writeFileSync(join(root, 'var/lib/dpkg/status'), `Package: frob\nStatus: install ok installed\nArchitecture: all\nVersion: ${version}\nConffiles:\n /etc/frob/frob.conf ${md5(settings)}\n\n`);
}

/** An apt that knows only what `config` (APT_CONFIG) says. */
export async function packagedWorld(folder: string, root: string, run: Run = withApt(join(folder, 'apt.conf'))): Promise<RestoreWorld & LineWorld> {
  const index = await openPackages(root);
  // Without repositories: the machine's own are not asked.
  if (!existsSync(join(folder, 'apt.conf'))) writeFileSync(join(folder, 'apt.conf'), `Dir "${folder}/none"; Dir::State::status "/dev/null";\n`);
  return {
    ...fileWorld(folder, { root, owner: (path) => { const found = index.owner(path.slice(root.length)); return Promise.resolve(found && { ...found.package, intact: undefined }); } }),
    originals: new Originals({ index: () => index, run, folder: join(folder, 'data/packages'), root }),
  };
}

export const withApt = (config: string): Run => {
  const run = runner();
  return (name, args, options) => run(name, args, { ...options, env: { ...options?.env, APT_CONFIG: config } });
};
