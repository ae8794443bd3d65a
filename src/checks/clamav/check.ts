/** ClamAV's signatures, through clamd when it runs here. */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import type { Finding } from '../../core/finding.ts';
import { fact, finding } from '../finding.ts';
import type { Visitor, WalkCheck, WalkedFile, ScanContext } from '../port.ts';
import { bytesOf, isShipped, worthSignatures } from '../unowned.ts';
import { reasonText } from '../reasons.ts';
import { askClamd, type Answer } from './clamd.ts';

/** Where distributions put it. */
const usualSockets = ['/run/clamav/clamd.ctl', '/var/run/clamav/clamd.ctl', '/run/clamd.scan/clamd.sock', '/var/run/clamd.scan/clamd.sock', '/run/clamav/clamd.sock', '/var/run/clamav/clamd.sock', '/run/clamd/clamd.sock', '/tmp/clamd.socket'];
/** clamd's own limit unless its settings say more. */
const sizeMax = 25 << 20;
const pendingMax = 2;
/** Failures in a row before it is not asked any more. */
const failuresMax = 3;

interface Pending { file: WalkedFile; bytes: Buffer; done: Promise<Answer> }

export const clamav: WalkCheck = clamavCheck();

/** Other sockets and time for tests. */
export function clamavCheck({ sockets = usualSockets, timeoutMs = 60_000 }: { sockets?: readonly string[]; timeoutMs?: number } = {}): WalkCheck {
  return {
    id: 'clamav',
    title: { zh: 'ClamAV 特征（装了 clamd 才有）', en: 'ClamAV signatures (where clamd runs)' },
    blind: { zh: '没有 clamd 时什么也不查；大于 25 MB 的文件和软件包原样装的文件不看', en: 'looks at nothing where clamd does not run; not at files above 25 MB and those that are as their package shipped them' },
    group: 'malware',
    scope: 'tree',
    everyMinutes: 24 * 60,
    walk(context): Visitor {
      const socket = sockets.find(isSocket);
      if (socket === undefined) {
        context.count('ClamAV not asked: clamd does not run here', 1);
        return { wants: () => false, async *look() { /* nothing is wanted */ } };
      }
      const pending: Pending[] = [];
      let failures = 0;
      const next = async (): Promise<Finding[]> => {
        const { file, bytes, done } = pending.shift()!;
        const answer = await done;
        switch (answer.state) {
          case 'clean': failures = 0; return [];
          case 'found': failures = 0; return [found(file, bytes, answer.name)];
          case 'too-large': context.count('files too large for ClamAV'); return [];
          case 'failed': {
            failures++;
            tell(context, file.path, answer.why, failures >= failuresMax);
            return [];
          }
          default: return answer satisfies never;
        }
      };
      return {
        asksOwner: true,
        wants: (file) => worthSignatures(file, sizeMax),
        async *look(file) {
          if (failures >= failuresMax) { context.count('files ClamAV was not asked about: it had failed'); return; }
          if (await isShipped(file.path, context)) return;
          const bytes = bytesOf(file.path, context, sizeMax);
          if (!bytes) return;
          pending.push({ file, bytes, done: askClamd(socket, bytes, timeoutMs) });
          while (pending.length > pendingMax) yield* await next();
        },
        async *end() { while (pending.length > 0) yield* await next(); },
      };
    },
  };
}

function tell(context: ScanContext, path: string, why: string, last: boolean): void {
  context.blind(path, { zh: `ClamAV 没有看完：${reasonText(why).zh}${last ? '；之后不再问它' : ''}`, en: `ClamAV did not look at it: ${why}${last ? '; it is not asked any more' : ''}` });
}

/** It is not a file of the tree but a door of this machine. */
function isSocket(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
}

function found({ path, stat }: WalkedFile, bytes: Buffer, name: string): Finding {
  // What ClamAV itself calls unwanted is not always hostile.
  const doubtful = /^(?:PUA\.|Heuristics\.|.*\.Adware)/i.test(name);
  return finding('clamav', path, {
    kind: 'intrusion', level: doubtful ? 'low' : 'high', path,
    title: { zh: `${path}：ClamAV 认出 ${name}`, en: `${path}: ClamAV knows it as ${name}` },
    evidence: [fact({ zh: 'ClamAV 的特征', en: "ClamAV's signature" }, name), fact({ zh: 'SHA-256', en: 'SHA-256' }, createHash('sha256').update(bytes).digest('hex'))],
    means: { zh: 'ClamAV 的特征库里有这个文件。特征也会认错，先看看它是什么、从哪里来。', en: "ClamAV's signatures know this file. They are wrong at times: see what it is and where it came from." },
    fix: { text: { zh: '先让它不能再被运行，保留作证据', en: 'stop it from being run and keep it as evidence' }, commands: [['chmod', '000', path]] },
    refs: ['attack:T1204.002', 'dengbao:8.1.4.5'],
    time: stat.changed,
  });
}
