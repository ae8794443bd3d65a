import { texts } from '../../text/lang.ts';

export const words = texts('alerts', {
  en: {
    title: 'Alerts', lead: 'What a rule or behaviour judged. Repeats are one row.',
    search: 'Search in alerts', level: 'Level', level_from: '{{level}} and worse', allLevels: 'All levels', status: 'State', status_open: 'Open', status_closed: 'Closed', status_all: 'Open and closed', time: 'Time', time_1: 'Last hour', time_24: 'Last 24 hours', time_168: 'Last 7 days', time_all: 'All time', fold: 'Fold repeats', foldHow: 'Alerts of one rule become one row',
    many: '{{count}} alerts', unfold: 'Show each of them', sources: '{{count}} addresses',
    rule: 'Rule', source_ip: 'Source', host: 'Host', path: 'Path', pid: 'Process', only: 'Only {{value}}', remove: 'Remove the filter {{name}}',
    what: 'What', from: 'From', where: 'Host', count: 'Times', none: 'No alert', noneHow: 'Nothing was judged suspicious.', noneFiltered: 'No alert fits these filters', fresh_one: '{{count}} change — show it', fresh_other: '{{count}} changes — show them', table: 'Alerts, the latest first',
    folded: '{{alerts}} alerts, {{events}} events since {{first}}',
    back: 'Back to the list', close: 'Close the alert', reopen: 'Open it again', closedDone: 'Closed', openDone: 'Open again', first: 'First', last: 'Last', user: 'User', service: 'Service', origin: 'Came from', country: 'Country', incident: 'Part of the incident', process: 'Process', techniques: 'Technique',
    advice: 'What to do:', mayBe: 'May be harmless:', mayBeBetween: '; ',
    why: 'Why it fired', why_rule: 'A rule matched this event.', why_correlation: 'A rule counted events that belong together.', why_behaviour: 'A behaviour was judged over time.', why_check: 'A look at the machine found it.', why_unknown: 'The rule that judged this is not there any more.', ruleText: 'The rule itself', alike_one: 'One more event fits it.', alike_other: '{{count}} more events fit it.', selection: 'Selection', held: 'fits', notHeld: 'do not fit', missing: 'not there', condition: 'Condition', counted: 'counted within {{seconds}} s, for each {{by}}', wanted: 'wanted', notShown: '{{count}} values that do not fit',
    evidence: 'Evidence', raw: 'As the log has it', fields: 'Fields', field: 'Field', value: 'Value', chain: 'Where it came from', filterBy: 'Filter by {{value}}',
    except: 'Make an exception…', exceptTitle: 'An exception for this rule', exceptLead: 'Alerts of this rule stay quiet when all of the chosen fields have these values. You see what that would have silenced before it is kept.', exceptWhen: 'When', exceptWhy: 'Why it is all right', exceptWhyHow: 'Whoever reads this in a year wants to know.', exceptUntil: 'Until (optional)', exceptNone: 'Choose at least one field: without any the whole rule would be silent.', exceptStar: '* at the beginning or end stands for anything', preview: 'Preview', previewNone: 'It would not have silenced any of the last {{looked}} alerts.', previewSome_one: 'It would have silenced {{count}} alert of the last {{looked}}:', previewSome_other: 'It would have silenced {{count}} alerts of the last {{looked}}:', previewWide: 'Among them serious ones: look twice.', keep: 'Keep the exception', kept: 'The exception is kept', gone: 'The exception is taken back',
  },
  zh: {
    title: '告警', lead: '由规则或行为判定；重复的合为一行。',
    search: '在告警中搜索', level: '级别', level_from: '{{level}}及以上', allLevels: '全部级别', status: '状态', status_open: '未关闭', status_closed: '已关闭', status_all: '全部状态', time: '时间', time_1: '最近一小时', time_24: '最近 24 小时', time_168: '最近 7 天', time_all: '全部时间', fold: '折叠重复', foldHow: '同一规则的告警合为一行',
    many: '{{count}} 条', unfold: '逐条显示', sources: '{{count}} 个地址',
    rule: '规则', source_ip: '来源', host: '主机', path: '路径', pid: '进程', only: '只看 {{value}}', remove: '去掉筛选“{{name}}”',
    what: '内容', from: '来源', where: '主机', count: '次数', none: '没有告警', noneHow: '目前没有判定为可疑的情况。', noneFiltered: '没有符合筛选条件的告警', fresh_one: '有 {{count}} 处变化，点击显示', fresh_other: '有 {{count}} 处变化，点击显示', table: '告警，最新的在前',
    folded: '自{{first}}起 {{alerts}} 条告警、{{events}} 个事件',
    back: '返回列表', close: '关闭告警', reopen: '重新打开', closedDone: '已关闭', openDone: '已重新打开', first: '首次', last: '最近', user: '用户', service: '服务', origin: '来历', country: '国家或地区', incident: '所属事件', process: '进程', techniques: '攻击技术',
    advice: '怎么办：', mayBe: '这些情况可能正常：', mayBeBetween: '；',
    why: '为什么告警', why_rule: '有一条规则匹配了这个事件。', why_correlation: '有一条规则把相关的事件累计到了阈值。', why_behaviour: '根据一段时间内的行为判定。', why_check: '检查本机时发现。', why_unknown: '当时判定的规则已不存在。', ruleText: '规则原文', alike_one: '另有 {{count}} 个事件符合。', alike_other: '另有 {{count}} 个事件符合。', selection: '选择项', held: '符合', notHeld: '不符合', missing: '没有该字段', condition: '条件', counted: '在 {{seconds}} 秒内按 {{by}} 累计', wanted: '期望', notShown: '另有 {{count}} 个不符合的取值',
    evidence: '证据', raw: '日志原文', fields: '字段', field: '字段', value: '值', chain: '从哪里来', filterBy: '按 {{value}} 筛选',
    except: '添加例外…', exceptTitle: '为这条规则添加例外', exceptLead: '当所选字段都是这些值时，该规则不再告警。保存之前可以先看它会压下哪些告警。', exceptWhen: '当', exceptWhy: '为什么没有问题', exceptWhyHow: '以后看到的人会想知道原因。', exceptUntil: '截止日期（可不填）', exceptNone: '请至少选择一个字段，否则整条规则都会失声。', exceptStar: '首尾的 * 代表任意内容', preview: '预览', previewNone: '最近 {{looked}} 条告警中没有会被压下的。', previewSome_one: '最近 {{looked}} 条告警中会压下 {{count}} 条：', previewSome_other: '最近 {{looked}} 条告警中会压下 {{count}} 条：', previewWide: '其中有严重的告警，请再确认一遍。', keep: '保存例外', kept: '例外已保存', gone: '例外已撤回',
  },
});
