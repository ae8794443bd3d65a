/**
 * A server in a folder, for scanners to look at: Debian 12 with what servers have on them, and the scanners themselves. Each is run
 * inside, in namespaces of its own with the root changed, so that all of them look at exactly the same. Made once by mmdebstrap and kept.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { installRoot, programPackages, programParts } from '../src/agent/paths.ts';

/** About 120,000 files, most of 6 GB. */
const packages = [
  'linux-image-amd64', 'linux-headers-amd64', 'systemd-sysv', 'openssh-server', 'cron', 'sudo', 'rsyslog', 'logrotate', 'procps', 'iproute2', 'net-tools', 'wget', 'git', 'vim', 'locales-all', 'manpages-dev', 'perl-doc',
  'nginx', 'apache2', 'php-fpm', 'wordpress', 'phpmyadmin', 'roundcube-core', 'roundcube-mysql', 'mariadb-server', 'postgresql', 'redis-server', 'docker.io', 'certbot', 'fail2ban', 'tomcat10', 'default-jdk', 'openjdk-17-dbg',
  'nodejs', 'npm', 'python3-pip', 'python3-django', 'python3-numpy', 'build-essential', 'clang', 'llvm-14-dev', 'rustc', 'cargo', 'ghc', 'chromium', 'texlive-latex-recommended', 'texlive-fonts-recommended',
  'rkhunter', 'chkrootkit', 'lynis', 'unhide', 'debsums', 'aide',
];

/** The folder; undefined where none can be made. MOAT_CLEAN_ROOT names another one, in which what is missing is told. */
export async function serverRoot(): Promise<string | undefined> {
  const named = process.env['MOAT_CLEAN_ROOT'];
  if (named !== undefined) return named;
  const made = join(tmpdir(), 'moat-bench-root2');
  if (existsSync(made)) return made;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/mmdebstrap')) return undefined;
  const sources = ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list'].find((path) => existsSync(path));
  console.log(`making a server's root of ${packages.length} packages and what they need in ${made}; it takes ten minutes, once`);
  const part = `${made}.part`;
  rmSync(part, { recursive: true, force: true });
  const began = performance.now();
  const ticking = setInterval(() => { console.log(`  ${((performance.now() - began) / 60_000).toFixed(0)} min, ${size(part)}`); }, 60_000);
  try {
    await new Promise<void>((resolve, reject) => {
      const child = spawn('mmdebstrap', ['--variant=important', `--include=${packages.join(',')}`, 'bookworm', part, ...(sources === undefined ? [] : [sources])], { stdio: ['ignore', 'ignore', 'inherit'] });
      child.once('error', reject);
      child.once('close', (code) => { if (code === 0) resolve(); else reject(new Error(`mmdebstrap ended with ${code}`)); });
    });
    execFileSync('mv', [part, made]);
    return made;
  } catch (error) {
    console.log(`no root could be made: ${(error as Error).message}`);
    return undefined;
  } finally { clearInterval(ticking); }
}

function size(folder: string): string {
  // du complains of files that come and go; what it counted stands.
  return `${spawnSync('du', ['-sh', folder], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).stdout.split('\t')[0] || 0}B`;
}

/** Files of a root, and GB of its /usr. */
export function sizeOf(root: string): string {
  const files = execFileSync('bash', ['-c', 'find "$1" -xdev -type f -printf x | wc -c', 'bash', root], { encoding: 'utf8' }).trim();
  const kilobytes = Number(execFileSync('du', ['-skx', join(root, 'usr')], { encoding: 'utf8' }).split('\t')[0]);
  return `${Number(files).toLocaleString('en-US')} files, ${(kilobytes / 1e6).toFixed(1)} GB in /usr`;
}

/** Moat as it is installed, and the node that runs it, in a folder that is seen inside as /opt. */
export function stageMoat(to: string): void {
  const root = installRoot();
  for (const part of [...programParts, 'package.json', ...programPackages(root).map((name) => `node_modules/${name}`)]) {
    const target = join(to, 'moat', part);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(root, part), target, { recursive: true, dereference: true });
  }
  copyFileSync(process.execPath, join(to, 'node'));
}

export const moatInside = ['/opt/node', '/opt/moat/dist/moat.js'] as const;
/** Where the folder of the measurement is seen inside. */
export const workInside = '/mnt';

const enter = `set -e
root=$1 stage=$2 work=$3; shift 3
mount --bind "$root" "$root"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
mount --bind -o ro "$stage" "$root/opt"
mount --bind "$work" "$root/mnt"
ip link set lo up
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 chroot "$root" "$@"`;

/** The command that runs a program inside, with only its own processes and an empty network to be seen; all ends with it. */
export function inside(root: string, stage: string, work: string, command: readonly string[]): [file: string, args: string[]] {
  return ['unshare', ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child', '--net', '--uts', '--ipc', 'bash', '-c', enter, 'bash', root, stage, work, ...command]];
}
