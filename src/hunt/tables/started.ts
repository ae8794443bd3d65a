/** What starts programs by itself: `units`, `timers`, `cron`. */
import { lstatSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { saidBy } from '../../core/error.ts';
import { maskSecrets } from '../../core/secrets.ts';
import { allUnits, dropIns, linkOf, startedUnits } from '../../linux/units.ts';
import { flag, type LiveTable, type Look, number, type Row, text } from '../table.ts';

const fileMost = 1 << 20;
const systemctlMs = 8000;

interface Unit { name: string; path: string; state: string; changed: number | undefined; settings: readonly { section: string; key: string; value: string }[]; added: readonly string[] }

/** From the files, with what is dropped in beside them. */
async function unitsOf(look: Look, wanted: (name: string) => boolean): Promise<Unit[]> {
  const { readUnit } = await import('../../checks/systemd/unit-file.ts');
  const { root } = look;
  const started = startedUnits(root);
  const units: Unit[] = [];
  for (const [name, path] of allUnits(root)) {
    if (!wanted(name)) continue;
    const added = dropIns(root, name);
    const settings = [path, ...added].flatMap((one) => { const found = contents(look, one); return found === undefined ? [] : readUnit(found); });
    units.push({ name, path, added, settings, state: stateOf(look, name, path, settings, started), changed: lstatSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs });
  }
  return units;
}

/** Undefined where there is nothing to read: a mask, a link that leads nowhere. */
function contents(look: Look, path: string): string | undefined {
  try {
    const found = statSync(join(look.root, path), { throwIfNoEntry: false });
    if (found?.isFile() !== true) return undefined;
    if (found.size > fileMost) { look.blind(path, { zh: '太长，没有看', en: 'too long to be looked at' }); return undefined; }
    return readFileSync(join(look.root, path), 'utf8');
  } catch (error) {
    look.blind(path, saidBy(error));
    return undefined;
  }
}

function stateOf({ root }: Look, name: string, path: string, settings: Unit['settings'], started: ReadonlySet<string>): string {
  const target = linkOf(join(root, path));
  if (target === '/dev/null' || statSync(join(root, path), { throwIfNoEntry: false })?.size === 0) return 'masked';
  if (target !== undefined && basename(target) !== name) return 'alias';
  if (path.startsWith('/run/systemd/transient/')) return 'transient';
  if (path.includes('/generator')) return 'generated';
  if (started.has(name)) return 'enabled';
  return settings.some(({ section }) => section === 'Install') ? 'disabled' : 'static';
}

const valuesOf = ({ settings }: Unit, section: string, ...names: string[]): string[] => settings.flatMap((one) => (one.section === section && names.includes(one.key) && one.value !== '' ? [one.value] : []));

/** Properties of all units that systemd holds, by their names; undefined and told where it cannot be asked. */
async function shown(look: Look, properties: string, pattern: string): Promise<Map<string, Map<string, string>> | undefined> {
  try {
    if (!look.tree.stat('/run/systemd/system')) { look.blind('systemd', { zh: '本机没有运行 systemd：单元当前的状态不知道', en: 'systemd does not run here: what units do now is not known' }); return undefined; }
    const { code, stdout, stderr } = await look.run('systemctl', ['show', `--property=Id,${properties}`, '--', pattern], { timeoutMs: systemctlMs, env: { TZ: 'UTC' } });
    if (code !== 0) { look.blind('systemctl', { zh: `systemd 没有回答：${stderr.slice(0, 200)}`, en: `systemd gave no answer: ${stderr.slice(0, 200)}` }); return undefined; }
    return new Map(stdout.trim().split(/\n\s*\n/).map((block) => {
      const fields = new Map(block.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
      return [fields.get('Id') ?? '', fields];
    }));
  } catch (error) {
    look.blind('systemctl', saidBy(error));
    return undefined;
  }
}

const common = {
  path: text('生效的文件', 'file that holds'), state: text('enabled、disabled、static（只由别的单元带起）、masked、alias（另一单元的别名）、generated、transient', 'enabled, disabled, static (started by others alone), masked, alias (another name of a unit), generated, transient'),
  active: text('systemd 说的当前状态；不知道为空', 'what systemd says it is now: active, inactive, failed …; NULL when that is not known'), changed: number('文件最后改动，Unix 毫秒', 'when the file was changed, Unix ms'),
};

export const units: LiveTable = {
  name: 'units',
  title: { zh: 'systemd 单元：服务、套接字、定时器、路径', en: 'units of systemd: services, sockets, timers, paths' },
  blind: { zh: '各用户自己的单元（systemd --user）', en: 'units of single users (systemd --user)' },
  columns: {
    name: text('单元', 'unit'), kind: text('service、socket、timer、path', 'service, socket, timer, path'), description: text('说明', 'what it says it is'), exec: text('运行的命令，每行一条（密码与密钥已遮盖）', 'commands that it runs, one a line; secrets are masked'), user: text('以哪个账号运行；空为 root', 'account it runs as; NULL is root'),
    ...common, pid: number('主进程', 'its main process'), drop_ins: number('附加设置文件数（*.d）', 'files that add to it (*.d)'),
  },
  async read(look) {
    const now = await shown(look, 'ActiveState,MainPID', '*');
    return (await unitsOf(look, () => true)).map((unit): Row => {
      const live = now?.get(unit.name), pid = Number(live?.get('MainPID') ?? 0);
      return {
        name: unit.name, kind: unit.name.slice(unit.name.lastIndexOf('.') + 1), description: valuesOf(unit, 'Unit', 'Description').at(-1), exec: maskSecrets(valuesOf(unit, 'Service', 'ExecStartPre', 'ExecStart', 'ExecStartPost', 'ExecReload', 'ExecStop', 'ExecStopPost').join('\n')) || undefined,
        user: valuesOf(unit, 'Service', 'User').at(-1), path: unit.path, state: unit.state, active: now && (live?.get('ActiveState') ?? 'inactive'), changed: unit.changed, pid: pid > 0 ? pid : undefined, drop_ins: unit.added.length,
      };
    });
  },
};

/** `Fri 2027-01-01 00:00:00 UTC`; nothing for what never was or will be. */
const momentOf = (said: string | undefined): number | undefined => { const found = /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC$/.exec(said ?? ''); return found ? Date.parse(`${found[1]}T${found[2]}Z`) : undefined; };

export const timers: LiveTable = {
  name: 'timers',
  title: { zh: 'systemd 定时器', en: 'timers of systemd' },
  blind: { zh: '各用户自己的定时器；at 任务', en: 'timers of single users; at jobs' },
  columns: {
    name: text('定时器', 'timer'), unit: text('启动的单元；与 units.name 连接', 'unit that it starts: join it with units.name'), schedule: text('时间，每行一条', 'when, one a line'), ...common,
    next: number('下次运行，Unix 毫秒', 'when it runs next, Unix ms'), last: number('上次运行，Unix 毫秒', 'when it last ran, Unix ms'),
  },
  async read(look) {
    const now = await shown(look, 'ActiveState,NextElapseUSecRealtime,LastTriggerUSec', '*.timer');
    return (await unitsOf(look, (name) => name.endsWith('.timer'))).map((unit): Row => {
      const live = now?.get(unit.name);
      const schedule = unit.settings.filter(({ section, key, value }) => section === 'Timer' && key.startsWith('On') && value !== '').map(({ key, value }) => `${key}=${value}`).join('\n');
      return { name: unit.name, unit: valuesOf(unit, 'Timer', 'Unit').at(-1) ?? unit.name.replace(/\.timer$/, '.service'), schedule, path: unit.path, state: unit.state, active: now && (live?.get('ActiveState') ?? 'inactive'), changed: unit.changed, next: momentOf(live?.get('NextElapseUSecRealtime')), last: momentOf(live?.get('LastTriggerUSec')) };
    });
  },
};

export const cron: LiveTable = {
  name: 'cron',
  title: { zh: '计划任务（cron、anacron）', en: 'jobs of cron and anacron' },
  blind: { zh: 'at 任务；任务运行时才拼出来的命令', en: 'at jobs; commands that a job puts together only when it runs' },
  columns: {
    path: text('所在文件', 'file it stands in'), line: number('行；脚本目录里的脚本为空', 'line; NULL for a script in a folder'), user: text('以哪个账号运行', 'account it runs as'), schedule: text('时间', 'when'),
    command: text('命令（密码与密钥已遮盖）', 'command; secrets are masked'), runs: number('文件名会被 cron 跳过则为 0', '0 when cron passes over a file of that name'), changed: number('文件最后改动，Unix 毫秒', 'when the file was changed, Unix ms'),
  },
  async read(look) {
    const [{ isRunName, jobsOf, scriptFolders, spools, systemTables, tableFolder }, { listHook, readHook }] = await Promise.all([import('../../checks/cron/tables.ts'), import('../../checks/hooks.ts')]);
    const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
    const table = (path: string, owner: string | undefined, runs: boolean): Row[] => {
      const file = readHook(look, path);
      return file === undefined ? [] : jobsOf(file.text, path, owner === undefined).map(({ line, user, when, command }) => ({ path, line, user: user ?? owner ?? 'root', schedule: when, command: maskSecrets(command), runs: flag(runs), changed: file.stat.modified }));
    };
    return [
      ...systemTables.flatMap((path) => table(path, undefined, true)),
      ...listHook(look, tableFolder).flatMap((path) => table(path, undefined, isRunName(look, nameOf(path)))),
      ...spools.flatMap((spool) => listHook(look, spool).flatMap((path) => table(path, nameOf(path), !nameOf(path).startsWith('tmp.')))),
      ...scriptFolders.flatMap((folder) => listHook(look, folder).map((path): Row => ({ path, user: 'root', schedule: `@${nameOf(folder).replace(/^cron\./, '')}`, command: path, runs: flag(isRunName(look, nameOf(path))), changed: look.tree.stat(path)?.modified }))),
    ];
  },
};
