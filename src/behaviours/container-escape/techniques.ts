/** Ways out of a container, each told from one event of a process inside it. */
import type { Event } from '../../core/gen/event.ts';
import type { Level } from '../../core/level.ts';
import type { ProcessNode } from '../../core/lineage.ts';
import { placeBelow, placeOf, type PlaceId } from '../../core/places.ts';
import type { Text } from '../../core/text.ts';
import { extraOf } from '../actor.ts';
import { capabilitiesGained, isBind, namespacesOf } from '../namespaces.ts';
import { baseName } from '../program-kind.ts';

export interface Technique {
  id: string;
  level: Level;
  text: Text;
  /** Storage, network and monitoring containers do it as their work. */
  ofWork?: true;
}

/** What is known of the one who acts and of those acted upon. */
export interface Inside {
  name: string;
  cmdline: string;
  /** A process that an event names as its target. */
  target(pid: number): ProcessNode | undefined;
  /** It unshared a user namespace shortly before. */
  madeUserNamespace: boolean;
  /** Device numbers of the host's own file systems, as far as they were seen. */
  isHostDevice(device: number): boolean;
  /** Systemd as first process of a container mounts what a system needs. */
  isInit: boolean;
}

const technique = (id: string, level: Level, zh: string, en: string, more: { ofWork?: true } = {}): Technique => ({ id, level, text: { zh, en }, ...more });

const releaseAgent = technique('release_agent', 'critical', '改写控制组的 release_agent（宿主机会以 root 运行它）', 'wrote the release agent of a control group, which the host runs as root');
const notifyOnRelease = technique('notify_on_release', 'high', '打开控制组的 notify_on_release', 'switched on notify_on_release of a control group');
const corePattern = technique('core_pattern', 'critical', '改写宿主机的 core_pattern', 'wrote the host\'s core_pattern');
const modprobePath = technique('modprobe', 'critical', '改写内核的 modprobe/hotplug 程序路径', 'wrote the path of the kernel\'s modprobe or hotplug program');
const ueventHelper = technique('uevent_helper', 'critical', '改写内核的 uevent_helper', 'wrote the kernel\'s uevent_helper');
const binfmt = technique('binfmt_misc', 'high', '向内核登记可执行格式（binfmt_misc）', 'registered an executable format with the kernel (binfmt_misc)');
const sysctlKernel = technique('kernel-setting', 'high', '改写宿主机的 /proc/sys/kernel', 'wrote below the host\'s /proc/sys/kernel', { ofWork: true });
const sysrq = technique('sysrq', 'high', '写入 /proc/sysrq-trigger', 'wrote /proc/sysrq-trigger');
const rawDisk = technique('raw-disk', 'critical', '直接写宿主机磁盘设备', 'wrote to a disk device of the host', { ofWork: true });
const deviceNode = technique('device-node', 'high', '创建磁盘设备节点', 'made a node for a disk device', { ofWork: true });
const runtimeReplaced = technique('runtime-replaced', 'critical', '改写容器运行时程序（runc）', 'wrote the program of the container runtime');
const processMemory = technique('process-memory', 'high', '写入其他进程的内存（/proc/PID/mem）', 'wrote the memory of another process (/proc/PID/mem)');
const runtimeSocket = technique('runtime-socket', 'high', '使用容器运行时的控制套接字', 'used the control socket of the container runtime', { ofWork: true });
const runtimeClient = technique('runtime-client', 'high', '在容器内运行容器管理命令', 'ran a client of the container runtime', { ofWork: true });
const runtimeApi = technique('runtime-api', 'medium', '连接容器运行时的网络接口', 'connected to the network port of the container runtime', { ofWork: true });
const runtimeCreate = technique('runtime-create', 'critical', '经容器运行时接口新建容器', 'asked the container runtime to make a container');
const nsenterHost = technique('nsenter', 'critical', '用 nsenter 进入宿主机 1 号进程的命名空间', 'entered the namespaces of the host\'s first process by nsenter', { ofWork: true });
const setns = technique('setns', 'high', '切换到其他命名空间（setns）', 'entered other namespaces (setns)', { ofWork: true });
const setnsHost = technique('setns-host', 'critical', '切换到宿主机命名空间（setns）', 'entered the host\'s namespaces (setns)', { ofWork: true });
const mountDisk = technique('mount-disk', 'critical', '挂载磁盘设备', 'mounted a disk device', { ofWork: true });
const mountHostRoot = technique('mount-host-root', 'critical', '挂载宿主机根目录（/proc/1/root）', 'mounted the host\'s root through /proc/1/root');
const mountCgroup = technique('mount-cgroup', 'high', '挂载控制组 v1 文件系统', 'mounted control groups (v1)');
const mountBinfmt = technique('mount-binfmt', 'high', '挂载 binfmt_misc', 'mounted binfmt_misc');
const mountDebug = technique('mount-debugfs', 'medium', '挂载内核调试文件系统', 'mounted a debugging file system of the kernel', { ofWork: true });
const mountProc = technique('mount-proc', 'medium', '另挂一份 proc/sysfs', 'mounted another proc or sysfs');
const unmask = technique('unmask', 'high', '卸下容器对 /proc 的遮挡', 'took off what hides parts of /proc from a container');
const userMount = technique('userns-mount', 'high', '新建用户命名空间后挂载文件系统', 'made a user namespace and mounted in it');
const moduleLoad = technique('module-load', 'critical', '加载内核模块', 'loaded a kernel module', { ofWork: true });
const bpfLoad = technique('bpf-load', 'high', '加载 eBPF 程序', 'loaded an eBPF program', { ofWork: true });
const ptraceHost = technique('ptrace-host', 'critical', '跟踪宿主机进程（ptrace）', 'traced a process of the host (ptrace)', { ofWork: true });
const writeHost = technique('vm-write-host', 'critical', '改写宿主机进程的内存', 'wrote the memory of a process of the host');
const readHost = technique('vm-read-host', 'high', '读取宿主机进程的内存', 'read the memory of a process of the host', { ofWork: true });
const chrootHost = technique('chroot', 'high', '以宿主机目录为根运行命令（chroot）', 'ran a command with a folder of the host as its root (chroot)', { ofWork: true });
const leakedFolder = technique('leaked-folder', 'critical', '工作目录在容器之外（/proc/self/fd）', 'works in a folder outside the container (/proc/self/fd)');
const capability = technique('capability', 'medium', '取得危险权能', 'took a dangerous capability');
const escapeTool = technique('escape-tool', 'critical', '运行容器逃逸工具', 'ran a container escape tool');
const hostCredentials = technique('host-credentials', 'high', '读取宿主机的密码或密钥文件', 'read password or key files of the host');

/** Places of the host that give a foothold when a container writes them. */
const footholds: ReadonlySet<PlaceId> = new Set<PlaceId>([
  'cron', 'at', 'systemd', 'init', 'modules', 'profile', 'ssh', 'sshd', 'pam', 'sudo', 'accounts', 'preload', 'loader', 'udev', 'network-hook', 'package-hook', 'kernel-helper', 'pods', 'motd', 'boot', 'nss',
]);
const hostPlace = (before: string, level: Level): Technique => technique(`host-${before === '' ? 'file' : 'path'}`, level, '写入宿主机的启动项、密钥或账号文件', 'wrote a start-up, key or account file of the host');

const disk = /^\/dev\/(?:sd[a-z]|vd[a-z]|xvd[a-z]|hd[a-z]|nvme\d+n\d+|mmcblk\d+|dm-\d+|md\d+|mapper\/(?!control$)|disk\/|mem$|kmem$|port$)/;
const socketFile = /(?:^|\/)(?:docker|containerd|crio|podman|cri-dockerd|dockershim|buildkitd)\.sock$/;
const socketNamed = /(?:docker|containerd|crio|podman|cri-dockerd|dockershim)\.sock/;
const runtimeFile = /\/(?:runc|docker-runc|crun|youki|containerd-shim|containerd-shim-runc-v2|dockerd|containerd|conmon|kubelet)$/;
const clients = new Set(['docker', 'ctr', 'crictl', 'nerdctl']);
const tools = new Set(['cdk', 'deepce', 'deepce.sh', 'botb', 'amicontained', 'ctrsploit', 'peirates', 'kdigger', 'traitor']);
/** Settings that a container has for itself. */
const ownSetting = /\/(?:shmmax|shmall|shmmni|shm_rmid_forced|msgmax|msgmnb|msgmni|sem|hostname|domainname|ns_last_pid)$/;
/** Folders under which images are put together: what is written there runs nowhere yet. */
const buildFolder = /\/(?:overlay2?|merged|diff|layers|vfs|snapshots|kaniko|workspace|builds?|target|buildroot|debootstrap|chroots?|image|images|backups?|restore|stage\d?)(?:\/|$)/;

/** The way out that this event shows; undefined for nearly all events. */
export function techniqueOf(event: Event, inside: Inside): Technique | undefined {
  switch (event.kind) {
    case 'file_event': return ofFile(event, inside);
    case 'namespace': return ofNamespace(event, inside);
    case 'process_creation': return ofProgram(event, inside);
    case 'network_connection': return ofConnection(event);
    case 'flow': return ofFlow(event);
    case 'process_access': return ofAccess(event, inside);
    case 'module': return event.action === 'bpf-load' ? bpfLoad : moduleLoad;
    case 'privilege': return event.action === 'capset' && !inside.isInit && capabilitiesGained(event).length > 0 ? capability : undefined;
    default: return undefined;
  }
}

function ofFile(event: Event, inside: Inside): Technique | undefined {
  const path = event.file_path;
  if (path === undefined) return undefined;
  if (socketFile.test(path)) return event.action === 'delete' || event.action === 'create' ? undefined : runtimeSocket;
  if (event.action === 'read') return readsHost(path) ? hostCredentials : undefined;
  if (event.action !== 'write' && event.action !== 'create' && event.action !== 'rename' && event.action !== 'link') return undefined;
  switch (baseName(path)) {
    case 'release_agent': return releaseAgent;
    case 'notify_on_release': return notifyOnRelease;
    case 'core_pattern': return path.endsWith('/sys/kernel/core_pattern') ? corePattern : undefined;
    case 'modprobe': case 'hotplug': if (path.includes('/sys/kernel/')) return modprobePath; break;
    case 'uevent_helper': return ueventHelper;
    case 'register': if (path.includes('binfmt_misc/')) return binfmt; break;
    case 'sysrq-trigger': return sysrq;
    case 'mem': if (/\/proc\/\d+\/mem$/.test(path) && !path.endsWith(`/proc/${event.pid ?? 'self'}/mem`)) return processMemory; break;
    default: break;
  }
  if (path.startsWith('/dev/')) return disk.test(path) ? (event.action === 'create' ? deviceNode : rawDisk) : undefined;
  if (path.includes('/proc/sys/kernel/')) return ownSetting.test(path) ? undefined : sysctlKernel;
  if (runtimeFile.test(path)) return (event.file_device !== undefined && inside.isHostDevice(event.file_device)) || path.startsWith('/proc/') ? runtimeReplaced : undefined;
  return ofFoothold(event, path, inside);
}

/** A start-up or key file of the host: on the host's own disk, or below a folder that shows the host's root. */
function ofFoothold(event: Event, path: string, inside: Inside): Technique | undefined {
  const place = placeOf(path);
  if (place !== undefined) {
    // A volume lies on the host's disk too: where services keep keys of their own is no sign, the system's places are.
    const onHost = event.file_device !== undefined && inside.isHostDevice(event.file_device) && /^\/(?:etc|root|var\/spool\/cron)\//.test(path);
    return onHost && footholds.has(place) ? hostPlace('', 'high') : undefined;
  }
  const below = placeBelow(path);
  if (below === undefined || !footholds.has(below.id) || buildFolder.test(`${below.before}/`)) return undefined;
  if (hostRoot(below.before) || below.id === 'kernel-helper' || (event.file_device !== undefined && inside.isHostDevice(event.file_device))) return hostPlace(below.before, 'critical');
  // One folder below the root is where a host's root is put by hand; deeper is more likely a copy of a system.
  return hostPlace(below.before, below.before.lastIndexOf('/') === 0 ? 'high' : 'medium');
}

const hostRoot = (folder: string): boolean => /^\/(?:host|hostfs|host-?root|host_root|rootfs|node|node-root|proc\/\d+\/root)(?:\/|$)/.test(folder);

/** Password and key files below a folder that shows the host's root. */
function readsHost(path: string): boolean {
  const end = /^(\/(?:[^/]{1,64}\/){0,2}[^/]{1,64})\/(?:etc\/(?:shadow|gshadow|kubernetes\/admin\.conf|kubernetes\/pki\/)|root\/\.ssh\/id_|home\/[^/]{1,64}\/\.ssh\/id_|root\/\.kube\/config|var\/lib\/kubelet\/pki\/)/.exec(path.slice(0, 512));
  return end !== null && !buildFolder.test(`${end[1] ?? ''}/`) && (hostRoot(end[1] ?? '') || (end[1] ?? '').lastIndexOf('/') === 0);
}

function ofNamespace(event: Event, inside: Inside): Technique | undefined {
  const source = extraOf(event, 'source');
  const type = extraOf(event, 'type').toLowerCase();
  const target = event.file_path ?? '';
  switch (event.action) {
    case 'mount': {
      if (/^\/proc\/(?:1|self\/root\/proc\/1)\/root(?:\/|$)/.test(source) || /^\/proc\/1\/root(?:\/|$)/.test(target)) return mountHostRoot;
      if (disk.test(source) && !isBind(event)) return mountDisk;
      if (inside.isInit) return undefined;
      if (type === 'cgroup') return mountCgroup;
      if (type === 'binfmt_misc') return mountBinfmt;
      if (type === 'debugfs' || type === 'tracefs' || type === 'securityfs') return mountDebug;
      if (inside.madeUserNamespace) return userMount;
      return (type === 'proc' && target !== '/proc') || (type === 'sysfs' && target !== '/sys') ? mountProc : undefined;
    }
    case 'umount': return /^\/(?:proc|sys)\/./.test(target) && !inside.isInit ? unmask : undefined;
    case 'setns': {
      const entered = namespacesOf(event);
      if (extraOf(event, 'host') === 'true' || target.startsWith('/proc/1/ns/') || source.startsWith('/proc/1/ns/')) return entered.size === 1 && entered.has('net') ? setns : setnsHost;
      // Network plug-ins enter the networks of pods; that alone leads nowhere.
      return entered.has('mnt') || entered.has('pid') || entered.has('user') ? setns : undefined;
    }
    case 'pivot-root': return hostRoot(target) ? chrootHost : undefined;
    default: return undefined;
  }
}

function ofProgram(event: Event, inside: Inside): Technique | undefined {
  const { name, cmdline } = inside;
  if (tools.has(name) || name.startsWith('cdk_linux')) return escapeTool;
  if (/^\/proc\/(?:self|\d+)\/fd\//.test(event.process_cwd ?? '')) return leakedFolder;
  if (name === 'nsenter' && /(?:-t\s*1\b|--target[\s=]1\b|\/proc\/1\/ns\/)/.test(cmdline)) return nsenterHost;
  if (name === 'chroot' && /\s\/(?:host|hostfs|host-?root|node|proc\/1\/root)(?:\/|\s|$)/.test(cmdline)) return chrootHost;
  if (clients.has(name) && !/ (?:--version|version|--help|help|-v|-h)$/.test(cmdline)) return runtimeClient;
  return socketNamed.test(cmdline) ? runtimeSocket : undefined;
}

function ofConnection(event: Event): Technique | undefined {
  if (event.direction !== 'outbound') return undefined;
  if (isRuntimeSocket(event)) return runtimeSocket;
  return event.destination_port === 2375 || event.destination_port === 2376 ? runtimeApi : undefined;
}

/** Whether it is a connection to the control socket of a container runtime. */
export const isRuntimeSocket = (event: Event): boolean => event.kind === 'network_connection' && event.direction === 'outbound' && socketFile.test(event.file_path ?? event.destination_host ?? '');

/** A request to the interface of Docker or the kubelet, whatever port it goes to. */
function ofFlow(event: Event): Technique | undefined {
  const sent = event.payload;
  if (sent === undefined || event.direction === 'inbound') return undefined;
  if (/^POST \/(?:v1\.\d{1,3}\/)?(?:containers\/(?:create|[0-9a-f]{6,64}\/(?:exec|start))|exec\/)/.test(sent)) return runtimeCreate;
  return /^GET \/(?:v1\.\d{1,3}\/)?(?:containers|images)\/json/.test(sent) ? runtimeApi : undefined;
}

function ofAccess(event: Event, inside: Inside): Technique | undefined {
  if (event.action === 'signal') return undefined;
  const pid = Number(extraOf(event, 'target_pid') || undefined);
  const target = Number.isInteger(pid) ? inside.target(pid) : undefined;
  if (target === undefined || target.container !== undefined || target.origin.container !== undefined) return undefined;
  return event.action === 'vm-write' ? writeHost : event.action === 'vm-read' ? readHost : ptraceHost;
}
