/** Completion and templates of rules: pure, so that it is tested alone. */
import type { Completion } from '../../parts/editor.tsx';

/** What the fields of events and the log sources of loaded rules are called. */
export interface Known { fields: readonly string[]; services: readonly string[]; categories: readonly string[] }

const keys = ['title: ', 'name: ', 'description: ', 'status: ', 'level: ', 'author: ', 'logsource:', 'detection:', 'correlation:', 'falsepositives:', 'references:', 'tags:', 'fields:', 'id: ', 'moat:'];
const modifiers = ['contains', 'startswith', 'endswith', 'all', 're', 'cidr', 'exists', 'cased', 'windash', 'gt', 'gte', 'lt', 'lte', 'fieldref', 'base64', 'base64offset', 'neq'];
const values: Readonly<Record<string, readonly string[]>> = { level: ['informational', 'low', 'medium', 'high', 'critical'], status: ['stable', 'test', 'experimental'], product: ['linux'], type: ['event_count', 'value_count', 'temporal', 'temporal_ordered'], timespan: ['1m', '5m', '10m', '1h', '24h'] };
const correlationKeys = ['type: ', 'rules:', 'group-by:', 'timespan: ', 'condition:', 'gte: ', 'field: '];
const most = 12;

/** By where the caret stands: keys of the top, log sources, fields and their modifiers, names of selections in a condition. */
export function complete(text: string, caret: number, known: Known, always = false): Completion {
  const line = text.slice(text.lastIndexOf('\n', caret - 1) + 1, caret);
  const word = /[\w-]*$/.exec(line)![0];
  const from = caret - word.length;
  const before = line.slice(0, line.length - word.length);
  const offer = (candidates: readonly string[]): Completion => {
    if (word === '' && !always) return { from, items: [] };
    const wanted = word.toLowerCase();
    return { from, items: [...new Set(candidates)].filter((one) => one.toLowerCase().startsWith(wanted) && one.toLowerCase() !== wanted).slice(0, most) };
  };
  if (/^\s*#/.test(line)) return { from, items: [] };
  if (before === '') return offer(keys);
  if (/^[\s-]*[\w.]+(?:\|[\w-]+)*\|$/.test(before)) return offer(modifiers);
  const key = /^[\s-]*([\w-]+): *(?:.*[\s([{,])?$/.exec(before)?.[1];
  const section = sectionAt(text, caret);
  if (key === 'condition' && section !== 'correlation') return offer([...selections(text), 'and', 'or', 'not', '1 of ', 'all of ', 'them']);
  if (key === 'service' || (section === 'logsource' && /\bservice: *$/.test(before))) return offer(known.services);
  if (key === 'category' || (section === 'logsource' && /\bcategory: *$/.test(before))) return offer(known.categories);
  if (key !== undefined && values[key]) return offer(values[key]);
  if (!/^[\s-]*(?:[\w-]+: *\{ *(?:.*, *)?)?$/.test(before)) return { from, items: [] };
  switch (section) {
    case 'logsource': return offer(['product: ', 'category: ', 'service: ']);
    case 'detection': return offer(/^ {2}$/.test(before) ? ['selection:', 'filter:', 'condition: ', ...known.fields] : [...known.fields, 'condition: ']);
    case 'correlation': return offer(correlationKeys);
    default: return { from, items: [] };
  }
}

/** The key at the top that the caret stands under. */
function sectionAt(text: string, caret: number): string | undefined {
  const above = text.slice(0, caret).split('\n');
  for (let at = above.length - 1; at >= 0; at--) {
    const found = /^([a-z]+):/.exec(above[at]!)?.[1];
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Names under `detection`. */
function selections(text: string): string[] {
  const found: string[] = [];
  let isIn = false;
  for (const line of text.split('\n')) {
    if (/^\S/.test(line)) isIn = line.startsWith('detection:');
    const name = isIn ? /^(?: {2}| {4})([\w-]+):/.exec(line)?.[1] : undefined;
    if (name !== undefined && name !== 'condition') found.push(name);
  }
  return found;
}

/** A rule to begin with; it compiles as it is. */
export const template = (lang: 'zh' | 'en'): string => (lang === 'zh' ? `# 一条规则：哪些日志里，出现什么，就告警。
title: 有人以 backup 登录
name: backup_logged_on        # 规则的名字，全局唯一
description: backup 账号只供备份任务使用，不应有人登录。
level: high                   # informational、low、medium、high、critical
logsource:
  product: linux
  service: auth               # 看哪类日志
detection:
  selection:
    user: backup
    message|contains: Accepted
  condition: selection
falsepositives:
  - 管理员手动恢复备份
tags:
  - attack.t1078
` : `# A rule: in which logs, what must stand there, for an alert.
title: Somebody logged on as backup
name: backup_logged_on        # what the rule is called; no other rule may be called so
description: The account is for the backup job alone; nobody should log on with it.
level: high                   # informational, low, medium, high, critical
logsource:
  product: linux
  service: auth               # which logs are looked at
detection:
  selection:
    user: backup
    message|contains: Accepted
  condition: selection
falsepositives:
  - An administrator restores a backup by hand
tags:
  - attack.t1078
`);

/** A rule as the beginning of one's own: without its id, under a name that no other has. */
export function copyOf(yaml: string, taken: ReadonlySet<string>): string {
  const named = /^name: *(\S+)/m.exec(yaml)?.[1]?.replaceAll(/\W/g, '_');
  const stem = `own_${named ?? 'rule'}`.slice(0, 90);
  let name = stem;
  for (let n = 2; taken.has(name); n++) name = `${stem}_${n}`;
  const bare = yaml.replaceAll(/^(?:id|related):.*(?:\n[ -].*)*\n/gm, '');
  return named === undefined ? `name: ${name}\n${bare}` : bare.replace(/^name:.*$/m, `name: ${name}`);
}
