/** The stored views as they are explained to people: what each holds and what its columns mean. */
import type { Text } from '../core/text.ts';
import { huntViews, viewColumns } from '../stores/sqlite/schema.ts';
import { eventTexts } from './gen/event-texts.ts';

export interface StoredTable { name: string; title: Text; columns: { name: string; type: string; text: Text }[] }

const titles: Readonly<Record<string, Text>> = {
  events: { zh: '事件（归一化的观察）', en: 'events: normalised observations' }, alerts: { zh: '告警', en: 'alerts' }, receipts: { zh: '处置记录', en: 'receipts of actions' },
  blocks: { zh: '封禁：现在的与已解除的', en: 'blocked addresses and networks, also those that are blocked no more' }, playbook_runs: { zh: '预案执行', en: 'runs of playbooks' }, incidents: { zh: '事件（案件）', en: 'incidents' },
  incident_members: { zh: '事件包含的告警与发现', en: 'what incidents hold' }, findings: { zh: '检查的发现：现在的与已消失的', en: 'what scans found, also what is gone' },
};

const ms = (zh: string, en: string): Text => ({ zh: `${zh}，Unix 毫秒`, en: `${en}, Unix ms` });
/** By column; what means another thing in one view stands under `view.column`. */
const texts: Readonly<Record<string, Text>> = {
  'at': { zh: '开始时间，UTC 文本', en: 'when it began, as text in UTC' }, 'last_at': { zh: '最近一次，UTC 文本', en: 'when it was last seen, as text in UTC' }, 'changed_at': { zh: '最近改动，UTC 文本', en: 'when it last changed, as text in UTC' },
  'id': { zh: '编号', en: 'its id' }, 'time': ms('开始时间', 'when it began'), 'last_time': ms('最近一次', 'when it was last seen'), 'created': ms('开始时间', 'when it began'), 'changed': ms('最近改动', 'when it last changed'),
  'since': ms('开始时间', 'since when'), 'until': ms('到期时间；空为一直有效', 'until when; NULL for good'), 'first': ms('首次发现', 'when it was first seen'), 'last': ms('最近一次', 'when it was last seen'), 'gone': ms('何时不再发现；空为仍在', 'when it was found no more; NULL while it stands'),
  'level': { zh: '级别：critical、high、medium、low、info', en: 'level: critical, high, medium, low, info' }, 'status': { zh: '状态', en: 'its state' }, 'kind': { zh: '种类', en: 'what kind of thing it is' }, 'value': { zh: '全部内容（JSON）', en: 'all of it, as JSON' },
  'rule_id': { zh: '规则编号', en: 'rule that raised it' }, 'rule_name': { zh: '规则名', en: 'name of that rule' }, 'summary': { zh: '概要', en: 'what happened, in a sentence' }, 'title': { zh: '标题', en: 'its title' }, 'count': { zh: '次数', en: 'how often' },
  'host': { zh: '主机', en: 'host' }, 'source_ip': { zh: '来源地址', en: 'remote address' }, 'source_country': { zh: '来源国家', en: 'country of that address' }, 'origin': { zh: '来源：进程树由什么开始', en: 'what the process tree began with' }, 'origin_ip': { zh: '来源地址：从哪里登录进来', en: 'remote address that the tree began with' },
  'user': { zh: '账号', en: 'account' }, 'service': { zh: '服务', en: 'service' }, 'pid': { zh: '进程号；可与 processes.pid 连接', en: 'process id: join it with processes.pid' }, 'path': { zh: '文件', en: 'file' }, 'attack': { zh: 'ATT&CK 技术（JSON 数组）', en: 'techniques of ATT&CK, a JSON array' },
  'matrix': { zh: '云服务器攻防矩阵的格子（JSON 数组）', en: 'cells of the cloud server matrix, a JSON array' }, 'key': { zh: '归并依据', en: 'what its repeats have in common' }, 'lines': { zh: '日志行号', en: 'lines of the log' }, 'evidence': { zh: '证据（JSON）', en: 'evidence, as JSON' },
  'action': { zh: '动作', en: 'action' }, 'target': { zh: '对象', en: 'what it was done to' }, 'receipts.origin': { zh: '由哪条告警、预案或方案引起', en: 'alert, playbook or plan that called for it' },
  'network': { zh: '地址或网段', en: 'address or network' }, 'why': { zh: '原因', en: 'the reason' }, 'by': { zh: '谁做的', en: 'who did it' }, 'list': { zh: '来自哪份名单', en: 'list that it came from' }, 'active': { zh: '现在封禁着为 1', en: '1 while it is blocked' }, 'times': { zh: '封禁过几次', en: 'how often it was blocked' },
  'playbook': { zh: '预案', en: 'playbook' }, 'alert': { zh: '引起它的告警', en: 'alert that called for it' }, 'receipts': { zh: '处置记录编号（JSON 数组）', en: 'ids of its receipts, a JSON array' }, 'entries': { zh: '每一步（JSON 数组）', en: 'what was done step by step, a JSON array' },
  'revision': { zh: '第几版', en: 'how often it was changed' }, 'grade': { zh: '等级 1–3', en: 'grade 1 to 3' }, 'shown': { zh: '列在事件页为 1', en: '1 when it is on the page of incidents' }, 'parent': { zh: '并入或属于哪个事件', en: 'incident that it was merged into or belongs to' }, 'clock': ms('法定上报截止', 'when the statutory report is due'),
  'incident': { zh: '事件编号', en: 'id of the incident' }, 'what': { zh: '成员种类：alert、finding', en: 'what kind of member: alert, finding' },
  'check_id': { zh: '检查', en: 'check that found it' }, 'title_zh': { zh: '标题（中文）', en: 'title, in Chinese' }, 'title_en': { zh: '标题（英文）', en: 'title, in English' }, 'address': { zh: '地址', en: 'address' },
};

/** Throws for a column that nobody explained: a fault of ours. */
function textOf(view: string, column: string): Text {
  const found = view === 'events' ? eventTexts[column] ?? texts[column] : texts[`${view}.${column}`] ?? texts[column];
  if (!found) throw new Error(`${view}.${column} is not explained in src/hunt/stored.ts`);
  return found;
}

export const storedTables: readonly StoredTable[] = huntViews.map((name) => ({ name, title: titles[name] ?? { zh: name, en: name }, columns: viewColumns(name).map((column) => ({ ...column, text: textOf(name, column.name) })) }));
