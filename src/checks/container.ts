/** What a container that is described on the disk may do to its host, and what it runs: the same for Docker, Podman, containerd and pods. */
import type { Evidence, FindingKind } from '../core/finding.ts';
import { atLeast, type Level } from '../core/level.ts';
import { maskSecrets } from '../core/secrets.ts';
import type { Text } from '../core/text.ts';
import { judgeCommand } from './command.ts';
import { fact } from './finding.ts';
import type { ScanContext } from './port.ts';

export interface Container {
  name: string;
  image: string;
  /** Its arguments joined; words with blanks quoted. */
  command: string;
  privileged: boolean;
  /** `pid`, `network`, `ipc`, `user`. */
  hostNamespaces: readonly string[];
  binds: readonly Bind[];
  /** Without CAP_. */
  capabilities: readonly string[];
  /** Security options that take a guard away. */
  unguarded: readonly string[];
  /** Comes back by itself. */
  restarts: boolean;
}
export interface Bind { source: string; target: string; writable: boolean }

export interface ContainerJudgement { kind: FindingKind; level: Level; title: Text; evidence: Evidence[]; refs: string[] }

const miners = /(?:xmrig|xmr-?stak|monero|minerd|cpuminer|nicehash|nanominer|t-rex-miner|lolminer|kinsing|(?:^|[/_-])miner(?:[:/_-]|$))/i;
const escapes = /\bchroot\s+\/(?:mnt|host|rootfs|hostfs|node|h|m)\b|\bnsenter\b[^\n]{0,100}(?:-t\s*1\b|--target[ =]1\b)|\/(?:mnt|host|rootfs|hostfs)\/(?:etc\/cron|var\/spool\/cron|root\/\.ssh|etc\/ld\.so\.preload|etc\/(?:passwd|shadow))/;
const strong = new Set(['SYS_ADMIN', 'SYS_MODULE', 'SYS_PTRACE', 'SYS_RAWIO', 'DAC_READ_SEARCH', 'BPF', 'ALL']);

/** Undefined: it keeps to itself. */
export async function judgeContainer(one: Container, context: ScanContext): Promise<ContainerJudgement | undefined> {
  const evidence: Evidence[] = [];
  const refs = new Set<string>();
  let kind: FindingKind = 'weakness';
  let level: Level | undefined;
  let title: Text = { zh: '', en: '' };
  const add = (worth: Level, ref: string, text: Text, what: Text, value: string, sign = false): void => {
    evidence.push(fact(what, maskSecrets(value)));
    refs.add(`attack:${ref}`);
    // A sign of intrusion outweighs every weakness.
    if ((sign && kind !== 'intrusion') || ((sign || kind !== 'intrusion') && (level === undefined || !atLeast(level, worth)))) { level = worth; title = text; }
    if (sign) kind = 'intrusion';
  };
  const image = { zh: '镜像', en: 'image' };
  const command = { zh: '命令', en: 'command' };
  if (miners.test(one.image)) add('high', 'T1496', { zh: `容器的镜像是挖矿的：${one.image}`, en: `the image of the container is a miner: ${one.image}` }, image, one.image, true);
  if (/stratum\+(?:tcp|ssl)|--donate-level|\bxmrig\b/i.test(one.command)) add('critical', 'T1496', { zh: '容器在挖矿', en: 'the container mines' }, command, one.command, true);
  if (escapes.test(one.command)) add('critical', 'T1611', { zh: '容器的命令在动宿主机', en: 'the command of the container reaches into the host' }, command, one.command, true);
  // The programs it names lie in the image, not here: only what the words say counts.
  const judged = (await judgeCommand(one.command, context)).reasons.find((reason) => reason.rule !== undefined && atLeast(reason.level, 'high'));
  if (judged) add(judged.level === 'critical' ? 'high' : 'medium', judged.attack[0] ?? 'T1610', { zh: `容器的命令：${judged.text.zh}`, en: `the command of the container: ${judged.text.en}` }, command, one.command, true);
  if (one.privileged) add('high', 'T1611', { zh: '特权容器：里面的 root 就是宿主机的 root', en: 'a privileged container: its root is root of the host' }, { zh: '特权', en: 'privileged' }, 'true');
  for (const bind of one.binds) {
    const worth = bindWorth(bind);
    if (worth) add(worth.level, 'T1611', worth.title, { zh: '挂载', en: 'mount' }, `${bind.source} → ${bind.target}${bind.writable ? '' : ' (ro)'}`);
  }
  for (const name of one.hostNamespaces) if (name === 'pid' || name === 'user') add('low', 'T1611', { zh: `容器用宿主机的 ${name} 命名空间`, en: `the container shares the ${name} namespace of the host` }, { zh: '命名空间', en: 'namespace' }, name);
  for (const cap of one.capabilities) if (strong.has(cap)) add('medium', 'T1611', { zh: `容器有 ${cap} 能力，可借它进宿主机`, en: `the container has ${cap}, a way into the host` }, { zh: '能力', en: 'capability' }, cap);
  for (const option of one.unguarded) add('low', 'T1611', { zh: `容器去掉了防护：${option}`, en: `a guard of the container is off: ${option}` }, { zh: '安全选项', en: 'security option' }, option);
  if (level === undefined) return undefined;
  evidence.push(fact(image, one.image));
  if (one.command !== '') evidence.push(fact(command, maskSecrets(one.command)));
  if (one.restarts) evidence.push(fact({ zh: '自动重启', en: 'comes back by itself' }, 'true'));
  const name = one.name || one.image;
  return { kind, level, title: { zh: `${name}：${title.zh}`, en: `${name}: ${title.en}` }, evidence, refs: [...refs, 'attack:T1610'] };
}

function bindWorth({ source, writable }: Bind): { level: Level; title: Text } | undefined {
  const from = source.replace(/\/+$/, '') || '/';
  if (/\/(?:docker|containerd|crio|podman)(?:\/(?:docker|containerd|crio|podman))?\.sock$/.test(from)) return { level: 'medium', title: { zh: '容器拿着容器引擎的套接字，能起特权容器', en: 'the container holds the socket of the engine and may start privileged containers' } };
  const deep = from === '/' || /^\/(?:etc|root|boot|usr|usr\/s?bin|s?bin|lib(?:64)?|home|var|var\/lib|var\/spool|proc|dev|sys\/fs\/cgroup)$/.test(from) || /^\/(?:etc\/(?:cron|ssh|sudoers|systemd|passwd|shadow|pam\.d|ld\.so|profile|init\.d|kubernetes)|root\/|var\/spool\/cron|var\/lib\/(?:docker|kubelet)$|home\/[^/]+\/\.ssh)/.test(from);
  if (!deep) return undefined;
  const level: Level = !writable ? 'low' : from === '/dev' || from === '/proc' || from === '/sys/fs/cgroup' || from.startsWith('/root/') ? 'medium' : 'high';
  return { level, title: writable ? { zh: `容器能改宿主机的 ${from}`, en: `the container may change ${from} of the host` } : { zh: `容器能读宿主机的 ${from}`, en: `the container may read ${from} of the host` } };
}

/** Words as one line; those with blanks or shell characters in quotes, so that it can be taken apart again. */
export const joinWords = (words: readonly string[]): string => words.slice(0, 500).map((word) => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll('\'', '\'\\\'\'')}'`)).join(' ').slice(0, 32 * 1024);
