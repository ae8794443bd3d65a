import { saidBy } from '../../core/error.ts';
import { maskSecrets } from '../../core/secrets.ts';
import { bootTime } from '../../linux/proc-host.ts';
import { cgroupPath, containerOf, type Procfs, terminalName, ticksPerSecond } from '../../linux/procfs.ts';
import { Users } from '../../linux/users.ts';
import { flag, type KnownOrigin, type LiveTable, type Look, number, type Row, rowsMost, tellDenied, text } from '../table.ts';

const states: Readonly<Record<string, string>> = { R: 'running', S: 'sleeping', D: 'waiting for a disk', T: 'stopped', t: 'traced', Z: 'zombie', I: 'idle', X: 'dead' };
const msPerTick = 1000 / ticksPerSecond;

export const processes: LiveTable = {
  name: 'processes',
  title: { zh: '正在运行的进程及其来源', en: 'processes that run, and where their tree began' },
  blind: { zh: '藏起来的进程（moat scan 的 hidden-process 会找）；Moat 没有运行时没有来源与软件包', en: 'processes that hide (the check hidden-process looks for them); origin and package while no Moat runs' },
  columns: {
    pid: number('进程号', 'process id'), ppid: number('父进程号', 'process id of its parent'), name: text('内核里的短名', 'short name, as the kernel keeps it'), path: text('程序文件', 'file of its program'),
    deleted: number('程序文件已被删除则为 1', '1 when the file of its program was deleted'), cmdline: text('命令行（密码与密钥已遮盖）', 'command line; secrets are masked'), cwd: text('工作目录', 'working folder'),
    user: text('账号（有效 UID）', 'account it acts as'), uid: number('有效 UID', 'number of that account'), state: text('状态', 'what it does: running, sleeping, stopped, zombie …'), threads: number('线程数', 'threads'),
    started: number('启动时间，Unix 毫秒', 'when it began, Unix ms'), cpu_ms: number('用掉的处理器时间，毫秒', 'processor time it took, ms'), rss_bytes: number('占用内存，字节', 'memory in use, bytes'), terminal: text('终端', 'its terminal'),
    cgroup: text('控制组', 'control group'), container_id: text('所在容器', 'container it runs in'), kernel: number('内核线程为 1', '1 for a thread of the kernel'),
    origin: text('来源：login、web、service、cron、timer、container、package、cloud、console、kernel、unknown', 'what its tree began with: login, web, service, cron, timer, container, package, cloud, console, kernel, unknown'),
    origin_name: text('来源的名称：单元、服务、账号、包管理器', 'name of the origin: unit, service, account, package manager'), origin_user: text('来源账号', 'account that the tree began as'), origin_ip: text('来源地址：从哪里登录进来', 'remote address it began with'),
    origin_since: number('来源开始的时间，Unix 毫秒', 'when the origin began, Unix ms'), package: text('程序属于哪个软件包', 'package that owns its program'), package_version: text('软件包版本', 'version of that package'),
  },
  async read(look) {
    const { procfs } = look;
    const pids = procfs.pids();
    const origins = await originsOf(look);
    const users = new Users(look.root);
    const boot = bootTime(procfs);
    const rows: Row[] = [];
    for (const pid of pids) {
      if (rows.length > rowsMost) break;
      const row = rowOf(procfs, pid, boot, origins, (uid) => users.name(uid, look.now()));
      if (row) rows.push(row);
    }
    tellDenied(look);
    return rows;
  },
};

/** Without them the rest is told all the same, and that they are missing. */
async function originsOf(look: Look): Promise<Map<number, KnownOrigin>> {
  try {
    return new Map((await look.agent('origins') as readonly KnownOrigin[]).map((one) => [one.pid, one]));
  } catch (error) {
    look.blind('origin', saidBy(error));
    return new Map();
  }
}

function rowOf(procfs: Procfs, pid: number, boot: number, origins: ReadonlyMap<number, KnownOrigin>, userOf: (uid: number) => string | undefined): Row | undefined {
  const stat = procfs.stat(pid), status = procfs.read(`${pid}/status`, 4096);
  if (!stat || status === undefined) return undefined; // it has ended
  const uid = Number(/^Uid:\t\d+\t(\d+)/m.exec(status)?.[1] ?? Number.NaN);
  const rss = Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  const exe = procfs.exe(pid), cgroup = procfs.read(`${pid}/cgroup`, 8192) ?? '';
  const known = origins.get(pid);
  // Another process may have got the number since.
  const origin = known?.ticks === stat.startTicks * msPerTick ? known : undefined;
  return {
    pid, ppid: stat.parentPid, name: stat.name, path: exe?.replace(/ \(deleted\)$/, ''), deleted: exe === undefined ? undefined : flag(exe.endsWith(' (deleted)')), cmdline: maskSecrets(procfs.cmdline(pid)), cwd: procfs.cwd(pid),
    ...(!Number.isNaN(uid) && { uid, user: userOf(uid) }), state: states[stat.state] ?? stat.state, threads: stat.threads, started: boot + stat.startTicks * msPerTick, cpu_ms: stat.ticks * msPerTick, rss_bytes: rss, terminal: terminalName(stat.tty),
    cgroup: cgroupPath(cgroup), container_id: containerOf(cgroup), kernel: flag(stat.kernelThread),
    ...(origin && { origin: origin.kind, origin_name: origin.name, origin_user: origin.user, origin_ip: origin.ip, origin_since: origin.since, package: origin.package, package_version: origin.version }),
  };
}
