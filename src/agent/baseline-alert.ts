/** A change since the baseline as an alert: what it is, and who did it where that was seen. */
import { createHash } from 'node:crypto';
import type { Detection } from '../core/alert.ts';
import type { Finding } from '../core/finding.ts';
import { Event } from '../core/gen/event.ts';
import type { ProcessNode } from '../core/lineage.ts';
import { atLeast } from '../core/level.ts';
import { maskSecrets } from '../core/secrets.ts';
import type { Lang } from '../core/text.ts';

/** Who did something to a file. */
export interface Who {
  pid: number | undefined;
  started: number | undefined;
  name: string | undefined;
  path: string | undefined;
  cmdline: string | undefined;
  user: string | undefined;
  uid: number | undefined;
  container: string | undefined;
  /** What was done, in the words of file events. */
  action: string | undefined;
  /** Unix ms. */
  time: number;
  isPackageManager: boolean;
}

const messageMax = 2000;
const pathMax = 300;

/** `again`: how often the path changed and was put right before. What is but low is one alert a folder. */
export function changeAlert(finding: Finding, signature: string, again: number, who: Who | undefined, { lang, host, now }: { lang: Lang; host: string; now: number }): { event: Event; detection: Detection } {
  const { id, level, kind, path, title, evidence, refs } = finding;
  const event = new Event(`baseline:${id}:${again}:${signature}`, now, 'finding');
  event.host = host;
  event.source = 'baseline';
  event.service = 'baseline';
  event.action = who?.action ?? 'changed';
  event.file_path = path;
  event.pid = who?.pid;
  event.process_started = who?.started;
  event.process_name = who?.name;
  event.process_path = who?.path;
  event.process_cmdline = who?.cmdline;
  event.user = who?.user;
  event.uid = who?.uid;
  event.container_id = who?.container;
  event.message = maskSecrets([title[lang], ...evidence.map(({ what, value }) => `${what[lang]}: ${value}`)].join('\n').slice(0, messageMax));
  const isGrave = kind === 'intrusion' || atLeast(level, 'medium');
  const folder = path?.slice(0, path.lastIndexOf('/')) || '/';
  return { event, detection: {
    ruleId: 'check.integrity', level, attack: refs.filter((ref) => ref.startsWith('attack:')).map((ref) => ref.slice('attack:'.length)),
    title: isGrave ? title : { zh: `${folder} 里的文件自基线以来有变化`, en: `files in ${folder} are not as they were in the baseline` },
    key: isGrave ? (again === 0 ? id : `${id} ${again}`) : createHash('sha256').update(`folder ${folder}`).digest('hex').slice(0, 16),
    time: event.time, events: [event], count: 1,
    // What data says stands in no template.
    summary: { zh: '{finding}{by}', en: '{finding}{by}' }, group: { finding: title[lang], by: who ? byText(who, lang) : '' },
  } };
}

function byText({ pid, name, path, user }: Who, lang: Lang): string {
  const program = (path ?? name)?.slice(0, pathMax);
  if (pid === undefined && program === undefined) return '';
  const number = pid === undefined ? '' : lang === 'zh' ? `（进程 ${pid}${user === undefined ? '' : `，${user}`}）` : ` (pid ${pid}${user === undefined ? '' : `, ${user}`})`;
  return lang === 'zh' ? `，由 ${program ?? '已结束的程序'} 改动${number}` : `, by ${program ?? 'a program that has ended'}${number}`;
}

const managers = new Set('dpkg dpkg-deb dpkg-divert dpkg-statoverride rpm apk dnf dnf5 dnf-3 microdnf yum tdnf zypper apt apt-get aptitude unattended-upgrade update-alternatives packagekitd'.split(' '));
const systemPrograms = /^\/(?:usr\/)?(?:s?bin|lib(?:64|exec)?)\//;
const generations = 32;

/** What is asked of a process and of those above it. */
export type Ancestor = Pick<ProcessNode, 'path' | 'cmdline'> & { readonly parent: Ancestor | undefined };

/** Is this a package manager of the system, or one of its scripts? `owned`: does a package have this program, unchanged as far as is known. */
export function isPackageManager(node: Ancestor | undefined, owned: (path: string) => boolean): boolean {
  for (let at = node, i = 0; at && i < generations; at = at.parent, i++) {
    if (at.path === undefined || !systemPrograms.test(at.path) || !owned(at.path)) continue;
    const name = at.path.slice(at.path.lastIndexOf('/') + 1);
    if (managers.has(name)) return true;
    // dnf, yum and unattended-upgrade are scripts.
    if (!/^(?:platform-)?python/.test(name)) continue;
    const script = at.cmdline?.split(' ').slice(1).find((word) => !word.startsWith('-'));
    if (script !== undefined && systemPrograms.test(script) && managers.has(script.slice(script.lastIndexOf('/') + 1)) && owned(script)) return true;
  }
  return false;
}
