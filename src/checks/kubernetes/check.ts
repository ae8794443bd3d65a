/** A node of Kubernetes: what its kubelet lets others do, pods it starts by itself, and papers that lie about. */
import type { Finding } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { judgeContainer } from '../container.ts';
import { below, expandAll } from '../expand.ts';
import { fact, finding, lineFact, octal } from '../finding.ts';
import { anyoneWrites, homesIn, linesIn, readText, statOf, targetStat, type Line } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { at, readYaml, textAt } from '../values.ts';
import { podContainers } from './pods.ts';

const configs = ['/var/lib/kubelet/config.yaml', '/etc/kubernetes/kubelet.conf.d/*.conf', '/etc/kubernetes/kubelet*.yaml', '/etc/kubernetes/kubelet/*.yaml', '/etc/kubernetes/kubelet/*.json', '/var/lib/rancher/k3s/agent/etc/kubelet.conf.d/*.conf'];
const flagFiles = ['/var/lib/kubelet/kubeadm-flags.env', '/etc/default/kubelet', '/etc/sysconfig/kubelet', '/etc/systemd/system/kubelet.service', '/etc/systemd/system/kubelet.service.d/*.conf', '/usr/lib/systemd/system/kubelet.service.d/*.conf', '/etc/systemd/system/k3s*.service', '/etc/rancher/k3s/config.yaml'];
const papers = ['/etc/kubernetes/*.conf', '/etc/kubernetes/*.kubeconfig', '/etc/rancher/k3s/k3s.yaml', '/etc/rancher/rke2/rke2.yaml', '/var/lib/kubelet/kubeconfig', '/var/lib/kube-proxy/kubeconfig'];

export const kubernetes: PlaceCheck = {
  id: 'kubernetes',
  title: { zh: 'Kubernetes 节点', en: 'Kubernetes node' },
  blind: { zh: '集群里的权限（RBAC）和对象在 etcd 里，不在此查；只认得列出的目录里抄出来的令牌', en: 'rights and objects of the cluster are in etcd and not looked at; copied tokens are looked for in homes and temporary folders only' },
  group: 'services',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    const manifests = new Set(['/etc/kubernetes/manifests', '/var/lib/rancher/k3s/agent/pod-manifests', '/var/lib/rancher/rke2/agent/pod-manifests', '/etc/kubelet.d']);
    const started = expandAll(context, flagFiles).map((path) => ({ path, lines: [...linesIn(context, path, { joined: true })] }));
    for (const path of new Set(expandAll(context, [...configs, ...started.flatMap(({ lines }) => lines.flatMap(namedConfigs))]))) for (const config of readYaml(context, path)) {
      yield* kubelet(path, config, context);
      const folder = textAt(config, 'staticPodPath');
      if (folder !== undefined && /^\/[^*?[]+$/.test(folder)) manifests.add(folder.replace(/\/+$/, ''));
    }
    for (const { path, lines } of started) yield* flags(path, lines, context);
    for (const folder of manifests) for (const { path, stat } of below(context, folder, 0)) if (stat.kind === 'file' || stat.kind === 'link') yield* manifest(path, context);
    for (const path of expandAll(context, [...papers, ...homesIn(context).flatMap(({ home }) => (/[*?[]/.test(home) ? [] : [`${home}/.kube/config`]))])) yield* paper(path, context);
    for (const folder of ['/tmp', '/var/tmp', '/dev/shm', ...homesIn(context).map(({ home }) => home)]) yield* tokens(folder, context);
  },
};

/** Settings that the kubelet is told to read from elsewhere: a file, or a folder whose files come on top. */
function namedConfigs({ text }: Line): string[] {
  return [...text.matchAll(/(?<![\w-])(?:--)?config(-dir)?(?:=|\s{1,16})["']?(\/[\w./-]{1,300})/g)].map(([, folder, path]) => (folder === undefined ? path! : `${path}/*.conf`));
}

function* kubelet(path: string, config: unknown, context: ScanContext): Iterable<Finding> {
  const anonymous = at(config, 'authentication', 'anonymous', 'enabled') === true;
  const always = textAt(config, 'authorization', 'mode') === 'AlwaysAllow';
  const port = at(config, 'readOnlyPort');
  const means = { zh: '能连上 10250 端口的人可以在节点的任何容器里执行命令。', en: 'Who reaches port 10250 may run commands in every container of the node.' };
  if (anonymous && always) yield about(path, 'open', 'weakness', 'critical', { zh: 'kubelet 让任何人做任何事', en: 'the kubelet lets anybody do anything' }, context, { means, evidence: [fact({ zh: '认证', en: 'authentication' }, 'anonymous.enabled: true'), fact({ zh: '授权', en: 'authorization' }, 'AlwaysAllow')], refs: ['attack:T1133', 'attack:T1609', 'dengbao:8.1.4.1'] });
  else if (anonymous) yield about(path, 'anonymous', 'weakness', 'medium', { zh: 'kubelet 接受没有身份的请求', en: 'the kubelet takes requests of nobody in particular' }, context, { means, evidence: [fact({ zh: '认证', en: 'authentication' }, 'anonymous.enabled: true')], refs: ['attack:T1133', 'dengbao:8.1.4.1'] });
  else if (always) yield about(path, 'always', 'weakness', 'high', { zh: 'kubelet 不管是谁都放行', en: 'the kubelet allows whatever somebody asks' }, context, { means, evidence: [fact({ zh: '授权', en: 'authorization' }, 'AlwaysAllow')], refs: ['attack:T1609'] });
  if (typeof port === 'number' && port > 0) yield about(path, 'readonly', 'weakness', 'medium', { zh: `kubelet 的只读端口 ${port} 不认证`, en: `the read-only port ${port} of the kubelet asks nobody who he is` }, context, { evidence: [fact({ zh: '端口', en: 'port' }, String(port))], refs: ['attack:T1613'] });
}

/**
 * A flag with its value: `--name=value`, on two words, quoted, and `name=value` as k3s and RKE2 take it from their settings. A switch without a value is on.
 */
const flag = (name: string, value: string): RegExp => new RegExp(String.raw`(?<![\w-])(?:--(?:${name})(?:=|\s{1,16})|(?:${name})=)["']?(?:${value})`, 'i');
const switched = (name: string): RegExp => new RegExp(String.raw`(?<![\w-])(?:--${name}(?=["']?(?:\s|$))(?!["']?\s{1,16}["']?(?:false|f|0)\b)|(?:--)?${name}=["']?(?:true|t|1)\b)`, 'i');

const badFlags: readonly (readonly [RegExp, Level, string, string])[] = [
  [switched('anonymous-auth'), 'medium', '接受没有身份的请求', 'takes requests of nobody in particular'],
  [flag('authorization-mode', String.raw`(?:[\w,]{0,60},)?AlwaysAllow\b`), 'high', '不管是谁都放行', 'allows whatever somebody asks'],
  [flag('insecure-port', String.raw`(?!0\b)\d+`), 'critical', '有不认证的端口', 'has a port that asks nobody who he is'],
  [flag('insecure-bind-address', String.raw`0\.0\.0\.0`), 'critical', '不认证的端口对外开放', 'opens a port without authentication to all'],
  [flag('read-only-port', String.raw`(?!0\b)\d+`), 'medium', '有不认证的只读端口', 'has a read-only port without authentication'],
  [flag('token-auth-file|basic-auth-file', String.raw`[^\s"']`), 'medium', '认静态的口令文件', 'takes tokens or passwords from a file'],
];

function* flags(path: string, lines: Iterable<{ number: number; text: string }>, context: ScanContext): Iterable<Finding> {
  for (const { number, text } of lines) for (const [find, level, zh, en] of badFlags) {
    if (find.test(text.slice(0, 20_000))) yield about(path, `flag\0${find.source}`, 'weakness', level, { zh: `Kubernetes 的程序${zh}`, en: `a program of Kubernetes ${en}` }, context, { evidence: [lineFact(path, number, text.trim())], refs: ['attack:T1133', 'dengbao:8.1.4.1'] });
  }
}

const controlPlane = /(?:^|\/)(?:kube-(?:apiserver|controller-manager|scheduler|proxy)|etcd|pause|coredns|cloud-controller-manager|hyperkube|rke2-\w+|hardened-[\w-]+|kube-vip|haproxy|keepalived|nginx-proxy)(?:-(?:amd64|arm64))?(?::|@|$)/;

async function* manifest(path: string, context: ScanContext): AsyncIterable<Finding> {
  if (!/\.(?:ya?ml|json|manifest)$/i.test(path) && path.slice(path.lastIndexOf('/') + 1).startsWith('.')) return; // the kubelet passes over names with a dot
  for (const pod of readYaml(context, path)) for (const one of podContainers(pod)) {
    const known = controlPlane.test(one.image);
    yield* flags(path, [{ number: 1, text: one.command }], context);
    const judged = await judgeContainer(one, context);
    // The control plane lives with its own folders of the host and often its network.
    if (known && judged?.kind !== 'intrusion' && !one.privileged && one.binds.every(({ source }) => source !== '/' && !/^\/(?:root|home|var\/spool\/cron|etc\/(?:cron|ssh))/.test(source))) continue;
    if (judged) yield about(path, `pod\0${one.name}`, judged.kind, judged.level, { zh: `静态 Pod ${judged.title.zh}`, en: `static pod ${judged.title.en}` }, context, {
      evidence: judged.evidence, refs: [...judged.refs, 'attack:T1053.007'],
      means: { zh: 'kubelet 自己启动这个目录里的 Pod，删掉 Pod 会再回来，集群里也看不到是谁建的。', en: 'The kubelet starts these by itself: a pod that is deleted comes back, and the cluster does not know who made it.' },
      fix: { zh: `不是自己放的就隔离 ${path}`, en: `put ${path} away if it is not yours` },
    });
    else if (!known) yield about(path, `pod\0${one.name}`, 'notice', 'low', { zh: `控制面之外的静态 Pod：${one.image}`, en: `a static pod that is no part of the control plane: ${one.image}` }, context, { evidence: [fact({ zh: '镜像', en: 'image' }, one.image), fact({ zh: '命令', en: 'command' }, one.command)], refs: ['attack:T1053.007'] });
  }
}

function* paper(path: string, context: ScanContext): Iterable<Finding> {
  const stat = targetStat(context, path);
  if (!stat || (stat.mode & 0o044) === 0) return;
  const holds = readYaml(context, path).some((config) => textAt(config, 'kind') === 'Config' && /"(?:client-key-data|token|password|client-key)":/.test(JSON.stringify(at(config, 'users') ?? '').slice(0, 100_000)));
  const all = (stat.mode & 0o004) !== 0;
  if (holds && (all || stat.gid !== 0)) yield about(path, 'mode', 'weakness', all ? 'high' : 'low', { zh: `${all ? '本机任何账号' : '同组账号'}都能读到进集群的凭据`, en: `${all ? 'every account of this machine' : 'accounts of the group'} may read what opens the cluster` }, context, { evidence: [fact({ zh: '权限', en: 'mode' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid}`)], commands: [['chmod', '600', path]], refs: ['attack:T1552.001', 'dengbao:8.1.4.2'] });
}

const tokenForm = /\beyJ[\w-]{10,4000}\.(eyJ[\w-]{20,8000})\.[\w-]{20,2000}/g;

/** Tokens of service accounts belong in /run of a pod and nowhere else. */
function* tokens(folder: string, context: ScanContext): Iterable<Finding> {
  for (const { path, stat } of below(context, folder, 0)) {
    if (stat.kind !== 'file' || stat.size < 100 || stat.size > 64 * 1024) continue;
    const text = readText(context, path, 64 * 1024) ?? '';
    for (const found of text.matchAll(tokenForm)) {
      const claims = /"sub"\s*:\s*"(system:serviceaccount:[\w:.-]{1,300})"/.exec(Buffer.from(found[1]!, 'base64url').toString('utf8'));
      if (!claims) continue;
      const open = anyoneWrites.test(path);
      yield about(path, 'token', open ? 'intrusion' : 'weakness', 'medium', { zh: `抄出来的集群令牌：${claims[1]}`, en: `a token of the cluster that was copied: ${claims[1]}` }, context, { evidence: [fact({ zh: '账号', en: 'account' }, claims[1]!)], refs: ['attack:T1528', 'attack:T1552.001'], fix: { zh: '查明是谁抄的，再删掉 Secret 或账号让令牌作废', en: 'see who copied it, then delete the secret or the account so that it is worth nothing' } });
      break;
    }
  }
}

interface More { means?: Text; fix?: Text; commands?: string[][]; refs?: string[]; evidence: Finding['evidence'] }

function about(path: string, key: string, kind: Finding['kind'], level: Level, title: Text, context: ScanContext, more: More): Finding {
  return finding('kubernetes', `${path}\0${key}`, {
    kind, level, path, title, evidence: more.evidence, time: statOf(context, path)?.changed, ...(more.means && { means: more.means }),
    fix: { text: more.fix ?? { zh: `改 ${path} 并重启 kubelet`, en: `change ${path} and restart the kubelet` }, commands: more.commands ?? [] }, refs: more.refs ?? [],
  });
}
