/** What places in the file system say: where honest programs do not lie, where builds work, where something planted comes back from. */
import { isHidden } from '../core/hidden.ts';
import { placeOf, type PlaceId } from '../core/places.ts';

export { isHidden };

const temporary = ['/tmp/', '/var/tmp/', '/dev/shm/', '/run/shm/', '/dev/mqueue/', '/run/lock/', '/var/lock/', '/run/user/', '/var/run/user/', '/var/crash/', '/run/screen/'];
const system = ['/usr/', '/bin/', '/sbin/', '/lib/', '/lib64/', '/lib32/', '/opt/', '/snap/', '/nix/', '/app/'];
const deleted = ' (deleted)';

/**
 *   memory     only in memory (memfd)              shared   a file system in memory that all may write (/dev/shm)
 *   temporary  a folder that all may write          hidden   behind a name that begins with a dot, in no known place
 *   deleted    the file was removed when it started
 */
export type OddPlace = 'memory' | 'shared' | 'temporary' | 'hidden' | 'deleted';

/** Where an executable lies that honest programs do not lie; undefined for an ordinary place. A removed file of a system folder is an update. */
export function oddPlace(path: string | undefined): OddPlace | undefined {
  if (path === undefined) return undefined;
  if (path.startsWith('/memfd:') || path.startsWith('memfd:')) return 'memory';
  if (path.startsWith('/dev/shm/') || path.startsWith('/run/shm/') || path.startsWith('/dev/mqueue/')) return 'shared';
  for (const folder of temporary) if (path.startsWith(folder)) return 'temporary';
  if (path.endsWith(deleted) && !isSystemFile(path)) return 'deleted';
  if (path.startsWith('/proc/') && /^\/proc\/(?:self|\d+)\/fd\//.test(path)) return 'memory';
  return isHidden(path) ? 'hidden' : undefined;
}

/** As `oddPlace`, but behind any dot: for what is judged by its load or its deeds, where a tool's own folder explains nothing. */
export const isSuspiciousPath = (path: string | undefined): boolean => path !== undefined && (path.includes('/.') || oddPlace(path) !== undefined);

/** Where programs are installed, by packages or by hand. */
export const isSystemFile = (path: string): boolean => system.some((folder) => path.startsWith(folder));

const packaged = ['/usr/bin/', '/usr/sbin/', '/usr/lib/', '/usr/lib64/', '/usr/libexec/', '/bin/', '/sbin/', '/lib/', '/lib64/', '/snap/'];

/** In a folder that only packages write to. */
export const isSystemPlace = (path: string): boolean => packaged.some((folder) => path.startsWith(folder)) && !isSuspiciousPath(path);

/** Folders and names of build tools, test runners and unpackers: what runs there was made there. */
const build = /\/(?:go-build\d|\.mount_|pip-|pip_|npm-|cargo-install|rustc|bazel|node_modules\/|ccache|CMakeFiles\/|cmTC_|CMakeScratch|mkinitramfs|dracut\.|buildkit|buildkitd|_MEI|jna-|snap-|snap\.|rustdoctest|pytest-of-|nix-build|nix-shell|Rtmp|selfgz|makeself|meson-|autoconf|cc[A-Za-z0-9]{6}\.|ocaml|ghc\d|jenkins|hsperfdata|runner\/_work|ansible|apt-key-gpghome|apt\.|apt-dpkg-install|dpkg-|deb-|rpm-tmp|puppeteer|playwright|vite|esbuild-|jiti|tsx-|swc|v8-compile-cache|gems?\/|bundler|composer)|\/conftest(?:$|\.)|\/a\.out$|\/target\/(?:debug|release)\/|\/build-script-build$|\/\.cargo\/|\/(?:s|\.)venv\/|^\/tmp\/[a-z0-9.+-]+\.(?:config|template|postinst|preinst|prerm|postrm)\.[A-Za-z0-9]{6}$/;

export const isBuildPlace = (path: string): boolean => build.test(path.length > 1024 ? path.slice(0, 1024) : path);

/** Folders of programs that packages and administrators bring. Whether a package owns a file is for the index of packages to say. */
export const isProgramFolder = (path: string): boolean => /^\/(?:usr\/(?:local\/)?)?s?bin\//.test(path);

/**
 * The place of persistence that a file written here stands in, of those that belong to the machine and not to a
 * project's folder: installers and build tools write hooks of git and settings of PHP into theirs all day.
 */
export function plantedPlace(path: string): PlaceId | undefined {
  const place = placeOf(path);
  return place === 'git-hook' || place === 'php' ? undefined : place;
}
