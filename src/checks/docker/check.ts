/** Docker, Podman and containerd: the engine's doors, and containers that are no wall. */
import { socketOwners, readSockets, type Socket } from '../../linux/proc-net.ts';
import type { Finding } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { judgeFile } from '../command.ts';
import { judgeContainer } from '../container.ts';
import { expandAll } from '../expand.ts';
import { fact, finding, lineFact, octal } from '../finding.ts';
import { linesIn, statOf } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { isLoopback } from '../reach.ts';
import { at, entriesAt, readJson, textAt, textsAt } from '../values.ts';
import { dockerContainer, ociContainer, quadlet } from './containers.ts';

const units = ['/etc/systemd/system/docker.service', '/etc/systemd/system/docker.service.d/*.conf', '/etc/systemd/system/docker.socket', '/etc/systemd/system/docker.socket.d/*.conf', '/usr/lib/systemd/system/docker.service', '/usr/lib/systemd/system/docker.socket', '/usr/lib/systemd/system/docker.service.d/*.conf', '/run/systemd/system/docker.service.d/*.conf', '/etc/systemd/system/podman.socket.d/*.conf', '/etc/default/docker', '/etc/sysconfig/docker', '/etc/conf.d/docker'];

export const docker: PlaceCheck = {
  id: 'docker',
  title: { zh: '容器（Docker、Podman、containerd）', en: 'containers (Docker, Podman, containerd)' },
  blind: { zh: '镜像里的内容不在此查：用 moat scan --image', en: 'does not look into images: moat scan --image does' },
  group: 'services',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    const config = readJson(context, '/etc/docker/daemon.json');
    yield* daemon(config, context);
    yield* commandLines(config, context);
    yield* sockets(context);
    if (context.machine) yield* listeners(context);
    const named = textAt(config, 'data-root') ?? textAt(config, 'graph');
    const data = named !== undefined && /^\/[^*?[]+$/.test(named) ? [named, '/var/lib/docker'] : ['/var/lib/docker'];
    for (const path of expandAll(context, data.map((root) => `${root.replace(/\/+$/, '')}/containers/*/config.v2.json`))) {
      const json = readJson(context, path);
      if (json !== undefined) yield* container(path, dockerContainer(json, readJson(context, path.replace(/config\.v2\.json$/, 'hostconfig.json'))), context);
    }
    for (const path of expandAll(context, ['/var/lib/containers/storage/overlay-containers/*/userdata/config.json', '/home/*/.local/share/containers/storage/overlay-containers/*/userdata/config.json', '/run/containerd/io.containerd.runtime.v2.task/*/*/config.json'])) {
      // Docker's own are told above, pods by their manifests.
      if (/\/(?:moby|k8s\.io)\//.test(path)) continue;
      const json = readJson(context, path);
      if (json !== undefined) yield* container(path, ociContainer(json), context);
    }
    for (const path of expandAll(context, ['/etc/containers/systemd/*.container', '/etc/containers/systemd/*/*.container', '/usr/share/containers/systemd/*.container', '/root/.config/containers/systemd/*.container', '/home/*/.config/containers/systemd/*.container'])) {
      if ((await context.provenance.owner(path))?.state !== 'intact') yield* container(path, quadlet(context, path), context);
    }
    yield* podman(context);
  },
};

async function* container(path: string, one: ReturnType<typeof dockerContainer>, context: ScanContext): AsyncIterable<Finding> {
  if (!one) { context.blind(path, { zh: '看不懂这个容器的配置', en: 'the settings of this container cannot be understood' }); return; }
  const judged = await judgeContainer(one, context);
  if (!judged) return;
  yield about(path, 'container', judged.kind, judged.level, judged.title, context, {
    evidence: judged.evidence, refs: judged.refs,
    means: { zh: '容器里的人能借这些权限走到宿主机。自己装的面板和监控常要这些，不认识的容器则是后门。', en: 'Whoever is inside gets to the host by these rights. Panels and monitors of your own often need them; a container you do not know is a back door.' },
    fix: { zh: '不认识就先停下并留证（docker stop、docker export），再删除；认识就去掉不需要的权限', en: 'if you do not know it, stop it and keep a copy (docker stop, docker export) before you remove it; else take away the rights it does not need' },
  });
}

async function* daemon(config: unknown, context: ScanContext): AsyncIterable<Finding> {
  const path = '/etc/docker/daemon.json';
  for (const host of [...textsAt(config, 'hosts'), textAt(config, 'hosts') ?? '']) {
    const found = openHost(host, at(config, 'tlsverify') === true);
    if (found) yield remote(path, host, found.level, [fact({ zh: '监听', en: 'hosts' }, host)], context);
  }
  for (const registry of textsAt(config, 'insecure-registries')) {
    if (/^(?:0\.0\.0\.0\/0|::\/0)$/.test(registry)) yield about(path, `registry\0${registry}`, 'weakness', 'high', { zh: '镜像可从任何地方不加密地拉取', en: 'images may come from anywhere without TLS' }, context, { evidence: [fact({ zh: '仓库', en: 'registry' }, registry)], refs: ['attack:T1195'] });
    else if (!isLoopback(registry.replace(/[:/].*$/, '')) && !registry.startsWith('127.')) yield about(path, `registry\0${registry}`, 'weakness', 'low', { zh: `从 ${registry} 拉镜像不验证书`, en: `images come from ${registry} without a check of its certificate` }, context, { evidence: [fact({ zh: '仓库', en: 'registry' }, registry)], refs: ['attack:T1195'] });
  }
  for (const [name, runtime] of entriesAt(config, 'runtimes')) {
    const program = textAt(runtime, 'path');
    const judged = program?.startsWith('/') ? await judgeFile(program, context) : undefined;
    if (program !== undefined && judged?.level !== undefined) yield about(path, `runtime\0${program}`, 'intrusion', judged.level, { zh: `容器由 ${program} 来启动：${judged.reasons[0]!.text.zh}`, en: `containers are started by ${program}: ${judged.reasons[0]!.text.en}` }, context, { evidence: [fact({ zh: '运行时', en: 'runtime' }, `${name}: ${program}`), ...judged.reasons.map(({ evidence }) => evidence)], refs: ['attack:T1554'] });
  }
}

/** `-H tcp://…`, `ListenStream=…` in units and files of options. */
function* commandLines(config: unknown, context: ScanContext): Iterable<Finding> {
  for (const path of expandAll(context, units)) {
    for (const { number, text } of linesIn(context, path, { joined: true })) {
      const tls = at(config, 'tlsverify') === true || /--tlsverify(?:\s|=true|"|'|$)/.test(text);
      const stream = /^\s*ListenStream\s*=\s*(\S{1,200})/.exec(text)?.[1];
      const hosts = stream === undefined ? [...text.matchAll(/(?:^|[\s"'=])(?:-H|--host)[\s=]{0,4}["']?([a-z]{2,5}:\/\/[^\s"']{0,200})/g)].map((one) => one[1]!) : stream.startsWith('/') ? [] : [`tcp://${/^\d+$/.test(stream) ? `0.0.0.0:${stream}` : stream}`];
      for (const host of hosts) {
        const found = openHost(host, tls);
        if (found) yield remote(path, host, found.level, [lineFact(path, number, text.trim())], context);
      }
    }
  }
}

function openHost(host: string, tls: boolean): { level: Level } | undefined {
  if (!host.startsWith('tcp://') || tls) return undefined;
  const address = host.slice(6).replace(/:\d+\/?$/, '');
  return { level: isLoopback(address) ? 'medium' : 'critical' };
}

const remoteMeans = { zh: '能连上这个端口的人可以起一个挂着整块磁盘的容器，等于不用密码的 root。扫描这个端口的蠕虫很多。', en: 'Who reaches this port may start a container with the whole disk in it: root without a password. Many worms look for it.' };

const remote = (path: string, host: string, level: Level, evidence: Finding['evidence'], context: ScanContext): Finding => about(path, `host\0${host}`, 'weakness', level, { zh: `Docker 的接口不加密也不验身份：${host}`, en: `the API of Docker asks nobody who he is: ${host}` }, context, {
  evidence, means: remoteMeans, refs: ['attack:T1610', 'attack:T1190', 'dengbao:8.1.4.1'], fix: { zh: '去掉 tcp:// 监听，要远程用 SSH（docker -H ssh://…），或开 tlsverify', en: 'take the tcp:// host out; from afar use SSH (docker -H ssh://…), or turn tlsverify on' },
});

function* sockets(context: ScanContext): Iterable<Finding> {
  for (const path of expandAll(context, ['/run/docker.sock', '/var/run/docker.sock', '/run/containerd/containerd.sock', '/run/podman/podman.sock', '/run/crio/crio.sock'])) {
    const stat = statOf(context, path);
    if (stat?.kind === 'socket' && (stat.mode & 0o002) !== 0) yield about(path, 'mode', 'weakness', 'critical', { zh: '本机任何账号都能经它成为 root', en: 'every account of this machine becomes root by it' }, context, { evidence: [fact({ zh: '权限', en: 'mode' }, octal(stat.mode))], commands: [['chmod', 'o-rwx', path]], refs: ['attack:T1611', 'dengbao:8.1.4.2'] });
  }
}

/** What listens now where the engine does when it is open. */
function* listeners({ machine, ...context }: ScanContext): Iterable<Finding> {
  const { procfs } = machine!;
  const open: Socket[] = [];
  readSockets(procfs, (state, protocol, _key, parse) => {
    if (state !== 'listening' || protocol !== 'tcp') return;
    const socket = parse();
    if (socket.localPort === 2375 && open.length < 20) open.push(socket);
  });
  const { owners } = socketOwners(procfs, new Set(open.map(({ inode }) => inode)), open.length === 0 ? [] : procfs.pids(), 200_000);
  for (const { localIp, localPort, inode } of open) {
    const pid = owners.get(inode);
    yield {
      ...about(undefined, `port\0${localIp}`, 'weakness', isLoopback(localIp) ? 'medium' : 'critical', { zh: `${localIp}:${localPort} 上有不加密的 Docker 接口`, en: `an open API of Docker listens on ${localIp}:${localPort}` }, { ...context, machine }, { evidence: [fact({ zh: '监听', en: 'listens on' }, `${localIp}:${localPort}`), ...(pid === undefined ? [] : [fact({ zh: '进程', en: 'process' }, `${pid} ${procfs.cmdline(pid) ?? ''}`)])], means: remoteMeans, refs: ['attack:T1610', 'attack:T1190', 'dengbao:8.1.4.1'] }),
      address: localIp, ...(pid !== undefined && { pid }),
    };
  }
}

/** Programs that Podman starts for each container. */
async function* podman(context: ScanContext): AsyncIterable<Finding> {
  for (const path of expandAll(context, ['/etc/containers/containers.conf', '/etc/containers/containers.conf.d/*.conf', '/root/.config/containers/containers.conf'])) {
    if ((await context.provenance.owner(path))?.state === 'intact') continue;
    for (const { number, text } of linesIn(context, path)) {
      if (/^\s*privileged\s*=\s*true/.test(text)) yield about(path, 'privileged', 'weakness', 'high', { zh: '所有容器默认都有特权', en: 'every container is privileged unless it says otherwise' }, context, { evidence: [lineFact(path, number, text)], refs: ['attack:T1611'] });
      const key = /^\s*(?:conmon_path|crun|runc|init_path|network_cmd_path|hooks_dir|helper_binaries_dir)\s*=(.{0,2000})/.exec(text)?.[1];
      for (const found of (key ?? '').matchAll(/"(\/[^"]{1,500})"/g)) {
        const judged = await judgeFile(found[1]!, context);
        if (judged.level !== undefined) yield about(path, `program\0${found[1]}`, 'intrusion', judged.level, { zh: `每个容器启动时都会用 ${found[1]}：${judged.reasons[0]!.text.zh}`, en: `each container starts ${found[1]}: ${judged.reasons[0]!.text.en}` }, context, { evidence: [lineFact(path, number, text), ...judged.reasons.map(({ evidence }) => evidence)], refs: ['attack:T1554'] });
      }
    }
  }
}

interface More { means?: Text; fix?: Text; commands?: string[][]; refs?: string[]; evidence: Finding['evidence'] }

function about(path: string | undefined, key: string, kind: Finding['kind'], level: Level, title: Text, context: ScanContext, more: More): Finding {
  return finding('docker', `${path ?? ''}\0${key}`, {
    kind, level, title, evidence: more.evidence, ...(path !== undefined && { path, time: statOf(context, path)?.changed }),
    ...(more.means && { means: more.means }),
    fix: { text: more.fix ?? { zh: '核对，不需要就关掉', en: 'look at it and shut what is not needed' }, commands: more.commands ?? [] },
    refs: more.refs ?? [],
  });
}
