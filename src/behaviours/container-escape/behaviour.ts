/**
 * Processes that leave their container: by a known way out (techniques.ts), or seen from its effect, when the host
 * itself runs a file that lies in a container. One alert a container, which lists what was tried. And the other way
 * round: a program of the host that has no business with the container runtime, whose socket is as good as root.
 */
import type { Event } from '../../core/gen/event.ts';
import type { Level } from '../../core/level.ts';
import { own } from '../../core/own.ts';
import type { ProcessNode } from '../../core/lineage.ts';
import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';
import { actorOf, extraOf, originKind, who, type Actor } from '../actor.ts';
import { Lru } from '../lru.ts';
import { namespacesOf } from '../namespaces.ts';
import { short } from '../process.ts';
import { baseName, deedFile } from '../program-kind.ts';
import { isOdd, provenanceOf } from '../provenance.ts';
import { list } from '../settings.ts';
import { listed, lowered, Stories } from '../stories.ts';
import { ancestors } from '../tree.ts';
import { isRuntimeSocket, techniqueOf, type Technique } from './techniques.ts';

export const containerEscape: Behaviour = {
  id: 'container-escape',
  title: { zh: '容器逃逸', en: 'Container escape' },
  means: { zh: '容器里的程序够到了宿主机；容器不再是边界', en: 'A program in a container reached the host: the container is no border any more' },
  advice: { zh: '停掉该容器并保留现场，检查宿主机上新出现的进程和文件；不要再用特权或挂载 docker.sock 启动它。', en: 'Stop the container and keep the evidence, look for new processes and files on the host; do not start it again privileged or with docker.sock mounted.' },
  blind: {
    zh: '没有内核传感器时只看得到程序启动；特权容器的启动参数看不到，只看得到它做了什么；容器运行时的套接字若不叫常见的名字则认不出；利用内核漏洞直接改写凭据的只看得到其后果。',
    en: 'Without the kernel sensor only program starts are seen. How a container was started (privileged) is not seen, only what it does. The socket of a container runtime is known by its usual names. An exploit that changes the kernel\'s memory shows only in what follows.',
  },
  kinds: ['file_event', 'namespace', 'process_creation', 'network_connection', 'flow', 'process_access', 'module', 'privilege'],
  settings: {
    known: {
      default: [
        'kube-proxy', 'cilium', 'calico', 'flannel', 'weave', 'antrea', 'multus', 'kube-router', 'terway', 'kube-ovn', 'node-exporter', 'node_exporter', 'cadvisor', 'csi', 'longhorn', 'openebs', 'rook',
        'ceph', 'node-problem-detector', 'falco', 'tetragon', 'tracee', 'datadog', 'device-plugin', 'nvidia', 'portainer', 'traefik', 'watchtower', 'moat',
      ],
      text: { zh: '因职责需要接触宿主机的容器（镜像名或容器名中的一段）：其本职动作不报告', en: 'containers that touch the host as their work, by a part of image or name: what belongs to that work is not told' },
    },
    clients: {
      default: ['docker', 'dockerd', 'docker-compose', 'docker-buildx', 'docker-proxy', 'containerd', 'ctr', 'crictl', 'nerdctl', 'podman', 'kubelet', 'BT-Panel', 'BT-Task', '1panel', '1panel-core', '1panel-agent', 'gitlab-runner', 'Runner.Worker', 'act_runner', 'netdata', 'telegraf', 'zabbix_agent2', 'lazydocker', 'ctop'],
      text: { zh: '宿主机上可以连接容器运行时套接字的程序名', en: 'names of programs of the host that may connect to the socket of a container runtime' },
    },
    builders: {
      default: ['dind', 'docker', 'buildkit', 'kaniko', 'buildah', 'podman', 'gitlab-runner', 'jenkins', 'drone', 'act_runner', 'act-runner', 'woodpecker'],
      text: { zh: '构建镜像的容器（镜像名或容器名中的一段）：每个容器只折叠为一条低级告警', en: 'containers that build or run others, by a part of image or name: one low alert each' },
    },
  },
  open,
};

const maxContainers = 2000;
const maxProcesses = 5000;
const storyMs = 24 * 3_600_000;
/** A mount so long after a user namespace was made still belongs to it. */
const namespaceMs = 5 * 60_000;
const maxDevices = 16;
const maxGroups = 1000;

/** Programs that set a container up from outside; at first they already stand in its control group. */
const runtimes = /^(?:runc|runc:\[\d:[A-Z]+\]|docker-runc|crun|youki|runsc|conmon|containerd-shim.*|dockerd|docker-init|docker-proxy|containerd|lxc-start|podman|buildah|buildkitd|kata-.*|nvidia-container-.*|crio|cri-o|kubelet|systemd-nspawn|runc_cloned.*|exe|5|6)$/;
/** Make namespaces and mount in them as their way of working. */
const sandboxes = /^(?:chrome|chromium|chromium-browser|chrome_crashpad_handler|headless_shell|electron|firefox|bwrap|flatpak|podman|buildah|kaniko|executor|rootlesskit|newuidmap|newgidmap|snap-confine|fuse-overlayfs|buildkitd|dockerd|runc|crun)$/;
/** Where runtimes keep the files of containers. */
const layer = /^\/(?:var\/lib\/(?:docker|containers|containerd|rancher|lxc)|run\/(?:containerd|docker|containers)|home\/[^/]{1,64}\/\.local\/share\/(?:docker|containers))\/.*\/(?:diff|merged|rootfs|fs)\//;
const lever = /\/(?:release_agent|core_pattern|uevent_helper|modprobe)$/;
const inCgroup = /(?:docker|libpod|cri-containerd|crio|kubepods.*?|lxc)[-/]([0-9a-f]{12,64})/;

const escaped: Technique = { id: 'runs-on-host', level: 'critical', text: { zh: '宿主机运行了容器里的文件', en: 'the host ran a file that lies in a container' } };
const leftGroup: Technique = { id: 'left-container', level: 'high', ofWork: true, text: { zh: '进程脱离了容器的控制组', en: 'a process left the control group of its container' } };

function open(context: BehaviourContext): BehaviourRun {
  const known = list(context, 'known').map((word) => word.toLowerCase()), builders = list(context, 'builders').map((word) => word.toLowerCase());
  const clients = new Set(list(context, 'clients'));
  const stories = new Stories(maxContainers, storyMs, () => { context.count('containers forgotten'); });
  /** Processes in a process namespace of their own although no control group says so, and those that made a user namespace. */
  const strangers = new Lru<number>(maxProcesses, () => { context.count('processes forgotten'); });
  const userNamespaces = new Lru<number>(maxProcesses, () => { context.count('processes forgotten'); });
  const hostDevices = new Set<number>();
  /** Control groups looked at, with the container of each or nothing. Only saves time: cleared when full. */
  const groups = new Map<string, string>();

  /** The container that a control group says, by its name. */
  function idOf(cgroup: string | undefined): string | undefined {
    if (cgroup === undefined || cgroup.length < 20) return undefined;
    let id = groups.get(cgroup);
    if (id === undefined) {
      id = inCgroup.exec(cgroup.slice(0, 512))?.[1] ?? '';
      if (groups.size >= maxGroups) groups.clear();
      groups.set(own(cgroup), own(id));
    }
    return id === '' ? undefined : id;
  }

  function containerOf(event: Event, actor: Actor): string | undefined {
    if (actor.container !== undefined) return actor.container;
    const id = idOf(event.cgroup ?? actor.node?.cgroup);
    if (id !== undefined) return id;
    // Files are many, and of these processes only what is beyond doubt is told.
    if (strangers.size === 0 || (event.kind === 'file_event' && !lever.test(event.file_path ?? ''))) return undefined;
    if (strangers.get(keyOf(event)) !== undefined) return `pid namespace of ${event.pid ?? 0}`;
    for (const parent of ancestors(actor.node)) if (strangers.get(`${parent.pid}:${parent.started}`) !== undefined) return `pid namespace of ${parent.pid}`;
    return undefined;
  }

  function take(event: Event, actor: Actor, container: string, found: Technique): void {
    const info = actor.node?.origin.container;
    const called = `${info?.name ?? ''} ${info?.image ?? ''}`.toLowerCase();
    let { level }: { level: Level } = found;
    if (called.length > 1) {
      if (known.some((word) => called.includes(word)) && found.ofWork) return;
      if (builders.some((word) => called.includes(word)) && found.level !== 'critical') level = 'low';
      else if (builders.some((word) => called.includes(word)) && found.ofWork) level = 'low';
    } else if (found.ofWork && known.some((word) => actor.name.toLowerCase().includes(word))) {
      // Only the program's name speaks for it, and that can be chosen.
      level = lowered(lowered(level));
    }
    // Refused by the kernel: an attempt all the same.
    if (event.outcome === 'failure') level = lowered(level);
    const before = stories.get(container);
    // Several ways tried in turn are no accident.
    if (level === 'high' && before !== undefined && before.things.some((thing) => thing !== found.id) && before.level === 'high') level = 'critical';
    const told = stories.add(container, level, found.id, event.time);
    if (told !== undefined) tell(event, actor, container, found.text, told.story.level, told.count, listed(told.story));
  }

  function tell(event: Event, actor: Actor, container: string, what: Text, level: Level, count: number, ways: string): void {
    const info = actor.node?.origin.container;
    context.emit({
      ruleId: 'behaviour.container-escape', title: containerEscape.title, level,
      summary: {
        zh: `容器 {container} 中的 {program} ${what.zh}{object}（来由：{origin_zh}；此容器已见：{ways}）`,
        en: `{program} in container {container} ${what.en}{object} (from {origin_en}; seen of this container: {ways})`,
      },
      attack: ['T1611'], matrix: ['利用操作系统漏洞进行提权'], key: container, time: event.time, events: [event], count,
      group: { ...who(actor, event), container: short(info?.name ?? info?.image ?? container, 64), object: objectOf(event), ways },
    });
  }

  /** Without a container of its own: a file of a container that the host runs. */
  function fromOutside(event: Event, actor: Actor): void {
    const path = event.process_path;
    if (path === undefined || event.action === 'process-seen') return;
    const parentName = baseName(event.parent_path ?? actor.node?.parent?.path ?? '');
    if (layer.test(path) && !runtimes.test(parentName)) {
      const id = /\/([0-9a-f]{12,64})\//.exec(path.slice(0, 512))?.[1] ?? path.slice(0, 80);
      take(event, actor, id, escaped);
      return;
    }
  }

  /** A program of the host connects to the runtime: told only of those that nobody would let. */
  function byHost(event: Event, actor: Actor): void {
    const deed = deedFile(actor.program, event.process_cmdline ?? actor.node?.cmdline);
    const odd = [actor.program, deed].some((file) => isOdd(file, provenanceOf(context, file, undefined)));
    if (!odd && (clients.has(actor.name) || clients.has(baseName(deed)) || runtimes.test(actor.name))) return;
    const kind = originKind(actor, event);
    let level: Level;
    if (odd) level = 'critical';
    // A panel or a deployment hook does it itself; a shell or tool below it is a break-in.
    else if (kind === 'web') level = actor.node !== undefined && actor.node.root === actor.node ? 'medium' : 'critical';
    else if (kind === 'package') level = 'high';
    else return;
    if (event.outcome === 'failure') level = lowered(level);
    const told = stories.add(`host ${actor.tree}`, level, short(event.file_path ?? '?', 120), event.time);
    if (told === undefined) return;
    context.emit({
      ruleId: 'behaviour.container-escape', title: { zh: '宿主机程序连接容器运行时', en: 'Container runtime used by an unusual program' }, level: told.story.level,
      summary: {
        zh: '{program} 连接了容器运行时的控制套接字 {socket}（等同 root 权限；来由：{origin_zh}）',
        en: '{program} connected to the control socket of the container runtime, {socket}, which is as good as root (from {origin_en})',
      },
      attack: ['T1610', 'T1611'], matrix: ['利用操作系统漏洞进行提权'], key: `host ${actor.tree}`, time: event.time, events: [event], count: told.count,
      group: { ...who(actor, event), socket: listed(told.story) },
    });
  }

  /** Whether it stands in another control group than its container's, where its parent still stood. */
  function isOut(event: Event, actor: Actor, container: string): boolean {
    const parentGroup = actor.node?.parent?.cgroup;
    const part = container.slice(0, 12);
    return event.kind === 'process_creation' && event.action === 'process-start' && event.cgroup !== undefined && !event.cgroup.includes(part) && parentGroup !== undefined && parentGroup.includes(part);
  }

  /** What a start tells of namespaces and of the host's disks. */
  function learn(event: Event): void {
    if (event.container_id !== undefined) return;
    if (extraOf(event, 'pid_ns') !== '') { strangers.set(keyOf(event), event.time); return; }
    if (event.file_device !== undefined && hostDevices.size < maxDevices && event.process_path?.startsWith('/usr/') === true && extraOf(event, 'mnt_ns') === '') hostDevices.add(event.file_device);
  }

  /** Most that happens is the host's own and goes no further. */
  function isHostOwn(event: Event): boolean {
    if (event.container_id !== undefined || event.cgroup === undefined || idOf(event.cgroup) !== undefined) return false;
    return strangers.size === 0 || (event.kind === 'file_event' && !lever.test(event.file_path ?? ''));
  }

  return {
    observe(event) {
      if (event.kind === 'process_creation') learn(event);
      else if (isHostOwn(event)) {
        if (event.protocol === 'unix' && isRuntimeSocket(event)) byHost(event, actorOf(event, context));
        return;
      }
      const actor = actorOf(event, context);
      const container = containerOf(event, actor);
      if (container === undefined) {
        if (event.kind === 'process_creation') fromOutside(event, actor);
        else if (isRuntimeSocket(event)) byHost(event, actor);
        return;
      }
      if (setsUp(event, actor)) return;
      if (event.kind === 'namespace' && event.action === 'unshare' && !sandboxes.test(actor.name) && namespacesOf(event).has('user')) userNamespaces.set(actor.tree, event.time);
      if (isOut(event, actor, container)) take(event, actor, container, leftGroup);
      const madeAt = event.kind === 'namespace' && userNamespaces.size > 0 ? userNamespaces.get(actor.tree) : undefined;
      const found = techniqueOf(event, {
        name: actor.name, cmdline: short(event.process_cmdline ?? '', 2000),
        target: (pid) => context.lineage.process(pid),
        madeUserNamespace: madeAt !== undefined && event.time - madeAt < namespaceMs && !sandboxes.test(actor.name),
        isHostDevice: (device) => hostDevices.has(device),
        isInit: actor.name === 'systemd' || actor.name === 'init' || actor.name === 'openrc-init',
      });
      // What only shows as a namespace of processes may be a sandbox of the host: there, only what is beyond doubt.
      if (found !== undefined && (!container.startsWith('pid ') || found.level === 'critical')) take(event, actor, container, found);
    },
    size: () => stories.size + strangers.size + userNamespaces.size,
  };
}

const keyOf = (event: Event): string => `${event.pid ?? 0}:${event.process_started ?? 0}`;

/**
 * Whether this is the runtime's own work on a container: it runs in the container's control group already, but was
 * started from outside it. A program of that name which the container itself started is no runtime.
 */
function setsUp(event: Event, actor: Actor): boolean {
  if (!runtimes.test(actor.name)) return false;
  const { node } = actor;
  if (node === undefined) return runtimes.test(baseName(event.parent_path ?? ''));
  for (const parent of ancestors(node)) {
    if (isRuntime(parent)) { if (parent.container === undefined) return true; continue; }
    return parent.container === undefined;
  }
  return true;
}

const isRuntime = (node: ProcessNode): boolean => runtimes.test(node.path === undefined ? node.name ?? '' : baseName(node.path));

/** What was touched, for the summary. */
function objectOf(event: Event): string {
  switch (event.kind) {
    case 'file_event': return `: ${short(event.file_path ?? '', 120)}`;
    case 'namespace': return event.action === 'mount' ? `: ${short(extraOf(event, 'source') || extraOf(event, 'type'), 60)} → ${short(event.file_path ?? '?', 100)}` : '';
    case 'process_creation': return `: ${short(event.process_cmdline ?? '', 160)}`;
    case 'network_connection': return event.file_path !== undefined ? `: ${short(event.file_path, 120)}` : `: ${event.destination_ip ?? short(event.destination_host ?? '?', 60)}:${event.destination_port ?? ''}`;
    case 'flow': return `: ${short((event.payload ?? '').split('\r', 1)[0] ?? '', 80)}`;
    case 'process_access': return `: ${short(extraOf(event, 'target_name'), 40)} (${short(extraOf(event, 'target_pid'), 12)})`;
    case 'module': return `: ${short(event.file_path ?? extraOf(event, 'name'), 100)}`;
    default: return '';
  }
}
