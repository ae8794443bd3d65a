/** Which package a process works on, told by the folder or script that it runs in: what package managers of languages and of the system have in common. */

/** `folder`: where all of it lies, when it has one of its own. */
export interface InstalledPackage { name: string; folder?: string }

const npmName = /^((?:@[\w.-]{1,100}\/)?[\w.-]{1,100})(?=[/\s]|$)/;
const pipName = /\/pip-(?:install|req-build)-\w{1,40}\/([\w.-]{1,100}?)(?:_[0-9a-f]{32})?(?:[/ ]|$)/;
const dpkgName = /\/var\/lib\/dpkg\/(?:info|tmp\.ci)\/([\w.+-]{1,100}?)(?::\w{1,20})?\.(?:pre|post)(?:inst|rm)/;
const modules = '/node_modules/';
const textMax = 512;

/** Undefined when nothing shows it. Only the folder it runs in says where the package lies: a command line may name any. */
export function installedPackage({ cwd, cmdline }: { cwd: string | undefined; cmdline: string | undefined }): InstalledPackage | undefined {
  const own = inModules(cwd ?? '');
  if (own !== undefined && cwd?.startsWith('/') === true) return { name: own.name, folder: cwd.slice(0, own.end) };
  const text = `${cwd ?? ''} ${(cmdline ?? '').slice(0, textMax)}`;
  const name = own?.name ?? inModules(text)?.name ?? pipName.exec(text)?.[1] ?? dpkgName.exec(text)?.[1];
  return name === undefined ? undefined : { name };
}

function inModules(text: string): { name: string; end: number } | undefined {
  const at = text.lastIndexOf(modules);
  if (at < 0) return undefined;
  const begin = at + modules.length;
  const name = npmName.exec(text.slice(begin))?.[1];
  // Links to the programs of all packages, and what a manager moves aside, are nobody's own.
  return name === undefined || name.startsWith('.') ? undefined : { name, end: begin + name.length };
}
