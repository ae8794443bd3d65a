/** Why it could happen, as far as it is known: the bones of a fishbone diagram, each cause with what it is known from. What nobody knows is not guessed. */
import type { Alert } from '../../core/alert.ts';
import type { Finding } from '../../core/finding.ts';
import type { IncidentRecord } from '../../core/incident-store.ts';
import type { Bone, Cause, Measures, StoryDigest } from '../../core/review.ts';
import type { Text } from '../../core/text.ts';
import type { Turn } from './measures.ts';

const perBone = 8;
const citesMost = 5;
const hour = 3_600_000;
/** Longer than this between the first act and its detection is a cause of its own. */
const lateMs = hour;

const people = new Set(['weak-passwords', 'accounts', 'shell-history']);
const technology = new Set(['package-files', 'integrity', 'setuid', 'capability', 'kernel-module', 'webshell', 'yara', 'clamav', 'loader', 'preload']);
const supplier = new Set(['maintainer-scripts', 'package-hooks', 'image-config']);
const monitoring = new Set(['logging', 'log-gaps', 'logrotate', 'fake-logs', 'logon-records']);

export interface CauseInput { record: IncidentRecord; alerts: readonly Alert[]; findings: readonly Finding[]; story: StoryDigest | undefined; measures: Measures; turns: readonly Turn[] }

export function causesOf(input: CauseInput): Cause[] {
  const { record, alerts, findings, story, measures, turns } = input;
  if (record.status === 'false-alarm') return [];
  const causes = new Map<string, Cause & { cites: Cause['cites'][number][] }>();
  const add = (bone: Bone, text: Text, what: Cause['cites'][number]['what'], id: string, likely = false): void => {
    const key = `${bone} ${text.en}`;
    const known = causes.get(key);
    if (known) { if (known.cites.length < citesMost && !known.cites.some((one) => one.what === what && one.id === id)) known.cites.push({ what, id }); return; }
    if ([...causes.values()].filter((one) => one.bone === bone).length < perBone) causes.set(key, { bone, text, cites: [{ what, id }], likely });
  };
  const of = (technique: RegExp): readonly Alert[] => alerts.filter(({ attack }) => attack.some((one) => technique.test(one)));
  const entry = story?.entry;

  if (entry !== undefined) {
    const guessed = of(/^T1110/);
    switch (entry.kind) {
      case 'login':
        if (guessed.length > 0) for (const { id } of guessed) add('people', { zh: `账号 ${entry.user ?? '（未知）'} 的口令可以被猜中`, en: `the password of ${entry.user ?? 'an account'} could be guessed` }, 'alert', id, true);
        else add('people', { zh: `账号 ${entry.user ?? '（未知）'} 的口令或密钥落入他人之手，或由本人所为`, en: `password or key of ${entry.user ?? 'an account'} got into other hands, or it was its owner` }, 'entry', entry.node, true);
        if (guessed.length > 0) add('configuration', { zh: '允许从外面用口令登录', en: 'log-on by password is allowed from outside' }, 'entry', entry.node, true);
        break;
      case 'web': add('technology', { zh: `网站服务 ${entry.service ?? ''} 上的程序可被利用来执行命令${entry.request === undefined ? '' : `（${entry.request}）`}`, en: `a program of the web server ${entry.service ?? ''} lets visitors run commands${entry.request === undefined ? '' : ` (${entry.request})`}` }, 'entry', entry.node); break;
      case 'service': add('configuration', { zh: `服务 ${entry.service ?? ''} 可从外面直接使用`, en: `the service ${entry.service ?? ''} can be used from outside` }, 'entry', entry.node, true); break;
      case 'container': add('technology', { zh: `从容器 ${entry.service ?? ''} 中发起`, en: `it began in the container ${entry.service ?? ''}` }, 'entry', entry.node); break;
      case 'package': add('supplier', { zh: `${entry.service ?? '包管理器'} 安装的软件包${entry.package === undefined ? '' : ` ${entry.package} `}的脚本`, en: `a script of ${entry.package === undefined ? 'a package' : `the package ${entry.package}`} that ${entry.service ?? 'the package manager'} installed` }, 'entry', entry.node); break;
      case 'cloud': add('supplier', { zh: '经由云平台下发：云账号或其密钥可能已失陷', en: 'it came through the cloud console: the cloud account or its key may be taken' }, 'entry', entry.node, true); break;
      case 'console': add('people', { zh: `${entry.user ?? '有人'} 在本机终端操作`, en: `${entry.user ?? 'somebody'} worked at the console` }, 'entry', entry.node); break;
      case 'cron': case 'timer': case 'kernel': case 'unknown': add('monitoring', { zh: '不知道最初是怎么进来的', en: 'how somebody first came in is not known' }, 'entry', entry.node); break;
    }
  } else if (record.kind === 'story') add('monitoring', { zh: '不知道最初是怎么进来的', en: 'how somebody first came in is not known' }, 'record', record.id);

  for (const { id } of of(/^T1190/)) add('technology', { zh: '对外的服务有可利用的漏洞', en: 'a service that faces outside has a hole that can be used' }, 'alert', id, true);
  for (const { id } of of(/^T1195/)) add('supplier', { zh: '软件来源可能被投毒', en: 'a source of software may be poisoned' }, 'alert', id, true);
  for (const { id } of of(/^T1068|^T1611/)) add('technology', { zh: '普通程序取得了更高的权限', en: 'an ordinary program got higher rights' }, 'alert', id);
  for (const { id } of of(/^T1562|^T1070/)) add('monitoring', { zh: '防护或日志被动过', en: 'protection or logs were tampered with' }, 'alert', id);
  for (const { id, rule_id: rule } of alerts) if (rule === 'behaviour.login-hours' || rule === 'behaviour.login-address') add('people', { zh: '登录的时间或来源与平时不同', en: 'somebody logged on at an unusual hour or from an unusual address' }, 'alert', id);

  for (const finding of findings) {
    if (finding.kind !== 'weakness') continue;
    const { check, title, id } = finding;
    add(people.has(check) ? 'people' : technology.has(check) ? 'technology' : supplier.has(check) ? 'supplier' : monitoring.has(check) ? 'monitoring' : 'configuration', title, 'finding', id, true);
    if (finding.time !== undefined && story !== undefined && finding.time < story.began - 24 * hour) add('process', { zh: '事件之前就存在的薄弱项没有处理', en: 'a weakness that was there before was not dealt with' }, 'finding', id, true);
  }

  for (const [i, { what }] of (story?.gaps.items ?? []).entries()) add('monitoring', what, 'gap', String(i + 1));
  if (story !== undefined && story.left > 0) add('monitoring', { zh: `经过太大，${story.left} 项没有记下`, en: `the story is too large: ${story.left} things were not kept` }, 'gap', 'left');
  if (measures.detect.ms !== undefined && measures.detect.ms > lateMs) add('monitoring', { zh: `从开始到发现用了 ${hours(measures.detect.ms)} 小时`, en: `it took ${hours(measures.detect.ms)} h from its beginning to its detection` }, 'record', record.id);
  const seen = turns.find(({ to }) => to !== 'new');
  if (seen !== undefined && seen.time - record.created > hour) add('process', { zh: `发现之后 ${hours(seen.time - record.created)} 小时才有人处理`, en: `nobody took it up for ${hours(seen.time - record.created)} h` }, 'audit', 'incident-status');
  if (record.clock?.stopped !== undefined && record.clock.stopped.time > record.clock.due) add('process', { zh: '法定报告晚于时限', en: 'the statutory report was late' }, 'record', record.id);
  for (const { how } of turns) if (how === 'returned') add('process', { zh: '处置之后又有动静：没有清理干净，或入口没有堵上', en: 'it came back after it was dealt with: something was left, or the way in stayed open' }, 'audit', 'incident-returned');
  return [...causes.values()];
}

const hours = (ms: number): string => (ms / hour).toFixed(1);
