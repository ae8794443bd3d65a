/** What the kernel says of itself: `modules`, `mounts`; and `containers`, which it knows by their control groups. */
import { MoatError } from '../../core/error.ts';
import { runningContainers } from '../../linux/containers.ts';
import { parseModules } from '../../linux/modules.ts';
import { readMounts } from '../../linux/mounts.ts';
import { type LiveTable, number, tellDenied, text } from '../table.ts';

const listMost = 4 << 20;

export const modules: LiveTable = {
  name: 'modules',
  title: { zh: '已装入的内核模块', en: 'kernel modules that are loaded' },
  blind: { zh: '把自己摘出名单的模块（moat scan 的 kernel-module 会找）', en: 'modules that took themselves out of the list (the check kernel-module looks for them)' },
  columns: { name: text('模块', 'module'), size: number('字节', 'bytes'), state: text('live、loading、unloading', 'live, loading, unloading'), taints: text('标志：O 树外、E 未签名、P 专有、F 强装', 'O from outside the kernel, E unsigned, P proprietary, F forced'), used_by: text('依赖它的模块，逗号分隔', 'modules that need it, with commas') },
  read(look) {
    const { procfs } = look;
    const list = procfs.read('modules', listMost);
    if (list === undefined) {
      if (procfs.denied.size > 0 || procfs.read('sys/kernel/modules_disabled', 16) !== undefined) throw new MoatError('blind', 'expected /proc/modules, it cannot be read', { zh: '读不了 /proc/modules' });
      look.blind('/proc/modules', { zh: '没有这份名单：内核不支持模块', en: 'there is no such list: this kernel takes no modules' });
      return [];
    }
    return [...parseModules(list).values()].map(({ name, size, state, taints, users }) => ({ name, size, state, taints, used_by: users.join(',') }));
  },
};

export const mounts: LiveTable = {
  name: 'mounts',
  title: { zh: '挂载', en: 'what is mounted where' },
  blind: { zh: '容器自己的挂载', en: 'mounts that containers alone have' },
  columns: { path: text('挂载点', 'where'), device: text('设备或来源', 'device or source'), type: text('文件系统', 'file system'), options: text('选项', 'options') },
  read({ procfs }) {
    const found = readMounts(procfs);
    if (found === undefined) throw new MoatError('blind', 'expected /proc/self/mountinfo, it cannot be read whole', { zh: '读不全 /proc/self/mountinfo' });
    return found.map(({ at, device, type, options }) => ({ path: at, device, type, options }));
  },
};

export const containers: LiveTable = {
  name: 'containers',
  title: { zh: '有进程在运行的容器', en: 'containers that have processes' },
  blind: { zh: '已停止的容器；不是 Docker、containerd、Podman 的容器没有名字', en: 'containers that stand still; those of other runtimes than Docker, containerd and Podman have no name' },
  columns: { id: text('容器号；与 processes.container_id 连接', 'its id: join it with processes.container_id'), name: text('名称', 'name'), image: text('镜像', 'image'), runtime: text('运行时', 'runtime'), processes: number('进程数', 'processes in it') },
  read(look) {
    const found = runningContainers(look.procfs);
    tellDenied(look);
    return found.map(({ id, name, image, runtime, processes }) => ({ id, name, image, runtime, processes }));
  },
};
