/** Takes a module out of the kernel. What is in use, built in, or drives the network or a disk stays. */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Action, ActionErrorCode, PlanStep } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import type { PackageFile } from '../../core/lineage.ts';
import type { Run } from '../../linux/run.ts';
import { badInput, fieldsOf } from '../input.ts';

/** `moduleRoot`: where /proc and /sys stand; '/' usually. `owner`: which package a file is of. */
export interface ModuleWorld { run: Run; moduleRoot: string; owner: (path: string) => Promise<PackageFile | 'unknown' | undefined> }

export interface ModuleInput { module: string }

export interface ModuleState {
  name: string;
  /** From which it is loaded again; undefined when it is not known. */
  file?: { path: string; sha256: string };
  parameters: { name: string; value: string }[];
}

interface Loaded { name: string; users: string[]; count: number; permanent: boolean; live: boolean; taint: string }

const fileMax = 256 << 20;
const textMax = 1 << 20;
const parametersMax = 200;
/** Without these Moat's own rules are gone from the packet filter. */
const firewall = /^(?:nf_tables|nft_\w+|nfnetlink|nf_conntrack|ip_set\w*|ip_tables|ip6_tables|x_tables|xt_\w+)$/;

export function unloadModule({ run, moduleRoot: root, owner }: ModuleWorld): Action<ModuleInput, ModuleState> {
  return {
    id: 'unload-module',
    title: { zh: '卸载内核模块', en: 'Unload a kernel module' },
    blind: {
      zh: '把自己从模块列表中隐藏的模块看不到也卸不掉（见检查 kernel-module，须重启）；下次启动时是否再加载取决于 modules-load 与 modprobe 配置；模块已做的改动（钩子）由它自己的退出函数收回。',
      en: 'A module that hides itself from the list is neither seen nor taken out (see the check kernel-module; it takes a restart); whether it is loaded at the next start is up to modules-load and modprobe settings; what it changed (hooks) its own exit takes back or does not.',
    },
    automatic: 'never',
    halfDone: 'finish',

    parse(input) {
      const { module } = fieldsOf(input);
      if (typeof module !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(module)) throw badInput('the name of a kernel module', module);
      // The kernel says _ where files say -.
      return { module: module.replaceAll('-', '_') };
    },

    async plan({ module: name }, { force }) {
      const refuse = (zh: string, en: string, forced = false): MoatError<ActionErrorCode> => new MoatError<ActionErrorCode>('refused', `${name}: ${en}`, { text: { zh: `${name}：${zh}`, en: `${name}: ${en}` }, ...(forced && { hint: '--force' }) });
      const loaded = find(name);
      if (loaded === undefined) {
        if (lstatSync(join(root, 'sys/module', name), { throwIfNoEntry: false }) === undefined) throw new MoatError<ActionErrorCode>('not-there', `no module ${name} is loaded`, { text: { zh: `没有加载模块 ${name}`, en: `no module ${name} is loaded` } });
        if (lstatSync(join(root, 'sys/module', name, 'initstate'), { throwIfNoEntry: false }) === undefined) throw refuse('它编译在内核里，不能卸载', 'it is built into the kernel and cannot be unloaded');
        throw refuse('它不在 /proc/modules 中，却在 /sys/module 中：它在隐藏自己，请离线处置', 'it is in /sys/module and not in /proc/modules: it hides itself; start the machine from another system');
      }
      if (!loaded.live) throw refuse('它正在加载或卸载', 'it is just being loaded or unloaded');
      if (loaded.permanent) throw refuse('它没有退出函数，不能卸载', 'it has no exit and cannot be unloaded');
      if (loaded.count > 0 || loaded.users.length > 0) throw refuse(`它正被使用（${loaded.users.join('、') || `${loaded.count} 处`}）`, `it is in use (${loaded.users.join(', ') || `${loaded.count} times`})`);
      const device = driven(name);
      if (device !== undefined) throw refuse(`${device} 由它驱动，卸载会断网或掉盘`, `it drives ${device}: the network or a disk would be gone`);
      if (!force && firewall.test(name)) throw refuse('包过滤（含 Moat 的规则）要用它（确要卸载请加 --force）', 'the packet filter needs it, Moat’s rules included (use --force to unload it all the same)', true);
      const file = await fileOf(name);
      const owned = file === undefined ? undefined : await owner(file.path);
      if (!force && owned === 'unknown') throw refuse('暂时无法确定它是否属于某个软件包（确要卸载请加 --force）', 'whether a package owns it cannot be told now (use --force to unload it all the same)', true);
      if (!force && owned !== undefined && owned !== 'unknown' && owned.intact !== false) throw refuse(`它属于软件包 ${owned.name}，且与出厂时一致（确要卸载请加 --force）`, `it belongs to the package ${owned.name} and is as it was shipped (use --force to unload it all the same)`, true);
      const { parameters, unread } = parametersOf(name);
      return {
        target: `module ${name}`, title: { zh: `卸载内核模块 ${name}`, en: `Unload the kernel module ${name}` }, steps: stepsOf(loaded, file, parameters, unread),
        risk: 'high', reversible: file !== undefined, state: { name, parameters, ...(file !== undefined && { file }) },
      };
    },

    async apply({ name }) {
      if (find(name) === undefined) return;
      await call('rmmod', ['--', name]);
    },

    verify({ name, parameters }) {
      const loaded = find(name);
      if (loaded === undefined) return Promise.resolve({ is: 'finished', evidence: { zh: `${name} 不在内核中`, en: `${name} is not in the kernel` } });
      const now = new Map(parametersOf(name).parameters.map((one) => [one.name, one.value]));
      const others = parameters.filter((one) => now.get(one.name) !== one.value).map((one) => one.name);
      if (!loaded.live || others.length > 0) return Promise.resolve({ is: 'between', evidence: { zh: `${name} 的状态或参数与原先不同：${others.join('、')}`, en: `${name} is in another state or has other parameters: ${others.join(', ')}` } });
      return Promise.resolve({ is: 'former', evidence: { zh: `${name} 在内核中，参数与原先一样`, en: `${name} is in the kernel, with the parameters it had` } });
    },

    async undo({ name, file, parameters }) {
      if (find(name) !== undefined || file === undefined) return;
      if (digestOf(file.path) !== file.sha256) throw new MoatError<ActionErrorCode>('changed', `${file.path} is not the file that ${name} was loaded from any more`, { text: { zh: `${file.path} 已不是当初加载 ${name} 的文件`, en: `${file.path} is not the file that ${name} was loaded from any more` } });
      await call('insmod', [file.path, ...parameters.map((one) => `${one.name}=${/\s/.test(one.value) ? `"${one.value}"` : one.value}`)]);
    },
  };

  async function call(program: string, args: readonly string[]): Promise<void> {
    const { code, stdout, stderr } = await run(program, args);
    if (code !== 0) throw new MoatError<ActionErrorCode>('failed', `${program}: ${(stderr || stdout).trim().slice(0, 300)}`);
  }

  /** Throws when the list cannot be read: that is not "not loaded". */
  function find(name: string): Loaded | undefined {
    const path = join(root, 'proc/modules');
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) throw new MoatError<ActionErrorCode>('not-there', 'this kernel has no modules', { text: { zh: '这个内核不支持模块', en: 'this kernel has no modules' } });
    const line = readFileSync(path, 'utf8').split('\n').find((one) => one.startsWith(`${name} `));
    if (line === undefined) return undefined;
    const [, , count = '', users = '-', state = '', , taint = ''] = line.split(' ');
    const list = users.split(',').filter((one) => one !== '' && one !== '-');
    return { name, count: Number(count) || 0, users: list.filter((one) => !one.startsWith('[')), permanent: list.includes('[permanent]'), live: state === 'Live', taint };
  }

  /** The network interface or disk that it drives. */
  function driven(name: string): string | undefined {
    for (const kind of ['class/net', 'block']) {
      for (const device of entries(join(root, 'sys', kind))) if (linkName(join(root, 'sys', kind, device, 'device/driver/module')) === name) return device;
    }
    return undefined;
  }

  async function fileOf(name: string): Promise<{ path: string; sha256: string } | undefined> {
    const said = await run('modinfo', ['-n', '--', name]).catch((error: MoatError) => { if (error.code === 'no-program') return undefined; throw error; });
    const path = said?.code === 0 ? said.stdout.trim() : '';
    const sha256 = path.startsWith('/') && !path.includes('\n') ? digestOf(path) : undefined;
    return sha256 === undefined ? undefined : { path: realpathSync(path), sha256 };
  }

  function parametersOf(name: string): { parameters: { name: string; value: string }[]; unread: string[] } {
    const folder = join(root, 'sys/module', name, 'parameters');
    const parameters: { name: string; value: string }[] = [], unread: string[] = [];
    for (const one of entries(folder).slice(0, parametersMax)) {
      const value = textOf(join(folder, one));
      // '(null)' is a text that was not set; what has lines or quotes cannot be given again.
      if (value === undefined || /["\n]/.test(value)) unread.push(one);
      else if (value !== '(null)') parameters.push({ name: one, value });
    }
    return { parameters, unread };
  }
}

function digestOf(path: string): string | undefined {
  try {
    const found = lstatSync(realpathSync(path));
    return found.isFile() && found.size <= fileMax ? createHash('sha256').update(readFileSync(path)).digest('hex') : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function linkName(path: string): string | undefined {
  try {
    return basename(realpathSync(path));
  } catch { return undefined; /* a device of no driver, or of one that is built in */ }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').slice(0, textMax).replace(/\n$/, '');
  } catch (error) {
    // Some parameters can only be written.
    if (['EACCES', 'EPERM', 'EINVAL', 'EIO'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function stepsOf({ name, taint }: Loaded, file: ModuleState['file'], parameters: ModuleState['parameters'], unread: readonly string[]): PlanStep[] {
  const steps: PlanStep[] = [{ text: { zh: `从内核卸载 ${name}${taint === '' ? '' : `（标记 ${taint}）`}${file ? `，文件 ${file.path}` : ''}`, en: `take ${name} out of the kernel${taint === '' ? '' : ` (taint ${taint})`}${file ? `, file ${file.path}` : ''}` }, command: ['rmmod', name] }];
  if (file === undefined) steps.push({ text: { zh: '注意：找不到它的文件，卸载后无法再加载', en: 'mind: its file is not known; once unloaded it cannot be loaded again' } });
  else if (parameters.length > 0) steps.push({ text: { zh: `撤销时以原参数加载：${parameters.map((one) => `${one.name}=${one.value}`).join(' ').slice(0, 500)}`, en: `taken back, it is loaded with its parameters: ${parameters.map((one) => `${one.name}=${one.value}`).join(' ').slice(0, 500)}` } });
  if (unread.length > 0) steps.push({ text: { zh: `注意：读不出的参数撤销时取默认值：${unread.join('、').slice(0, 300)}`, en: `mind: parameters that cannot be read get their defaults again: ${unread.join(', ').slice(0, 300)}` } });
  return steps;
}
