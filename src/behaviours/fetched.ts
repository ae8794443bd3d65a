/** Whether a file came from the network: who wrote it, and which connection that process or its pipe had. */
import type { PeerTouch, ProcessNode } from '../core/lineage.ts';
import { kindOf, shellUse } from './program-kind.ts';
import { isGate, outbound } from './tree.ts';

export interface Fetched { by: ProcessNode; peer: PeerTouch | undefined }

/** Connections this long before the write belong to it. */
const beforeMs = 600_000;

/**
 * The process that fetched what `writer` wrote at `time`: itself, one beside it in the same pipe (curl | base64 -d > x),
 * or the script above it. `local` counts connections to the machine itself.
 */
export function fetchedBy(writer: ProcessNode, time: number, local: boolean): Fetched | undefined {
  const own = ofNode(writer, time, local);
  if (own) return own;
  const { parent } = writer;
  if (parent === undefined || isGate(parent)) return undefined;
  let left = 32;
  for (const other of parent.children) {
    if (left-- <= 0) break;
    if (other === writer || Math.abs(other.started - writer.started) > 5000) continue;
    const found = ofNode(other, time, local);
    if (found) return found;
  }
  // A shell that a person types into only started both.
  if (kindOf(parent.path, parent.cmdline) === 'shell' && shellUse(parent.cmdline).use === 'interactive') return undefined;
  return ofNode(parent, time, local);
}

function ofNode(node: ProcessNode, time: number, local: boolean): Fetched | undefined {
  const peer = outbound(node, time - beforeMs, local);
  if (peer !== undefined && peer.first <= time + 60_000) return { by: node, peer };
  return kindOf(node.path, node.cmdline) === 'download' && !asksItself(node.cmdline) ? { by: node, peer: undefined } : undefined;
}

const asksItself = (cmdline: string | undefined): boolean => cmdline !== undefined && /(?:file:\/\/|\/\/(?:localhost|127\.|\[::1\])|--unix-socket)/.test(cmdline.slice(0, 512));

/** An address instead of a name in what is fetched: nobody who means well hands those out. */
export const fetchesByAddress = (cmdline: string | undefined): boolean => cmdline !== undefined && /(?:(?:https?|t?ftp):\/\/|\s)\d{1,3}(?:\.\d{1,3}){3}(?:[:/]|\s|$)/.test(cmdline.slice(0, 512));

/** Programs whose work it is to fetch others and to run or install them. */
export const usualFetchers: readonly string[] = (
  'git git-remote-https git-remote-http svn hg scp sftp rsync ansible ansible-playbook ansible-pull terraform '
  + 'tofu puppet chef-client salt-minion salt-call vagrant aws gcloud aliyun tccli az kubectl helm code code-server '
  + 'nvim vim mise asdf tfenv rbenv pyenv go java mvn gradle dotnet Runner.Listener Runner.Worker gitlab-runner '
  + 'buildkite-agent aliyun-service tat_agent YDService AliYunDun cloud-init restic borg puppeteer chrome'
).split(' ');
