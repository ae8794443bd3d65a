import { texts } from '../../text/lang.ts';

export const words = texts('firewall', {
  en: {
    edit: 'Change…', editPorts: 'Ports that may be entered', editZones: 'Zones and flows', save: 'Keep it', saved: 'It is kept', reset: 'As the configuration file has it…', resetOk: 'Take the file\'s', resetDone: 'The configuration file holds again',
    enforce: 'Enforce it', enforceHow: 'Off: a draft, nothing is dropped. On: new traffic to all other ports is dropped at once; connections that stand and the management channel go on. This switch holds for the zones too.', zonesEnforced: 'The list of ports and the zones are enforced now: what you keep holds at once.', zonesDraft: 'Nothing is enforced now, so this stays a draft. The switch stands under “Ports”.',
    port: 'Port', portHow: 'such as 443/tcp', from: 'From', any: 'Anyone', some: 'Only these networks', networks: 'Networks', networksHow: 'such as 203.0.113.0/24', rate: 'At most, from each source', rateHow: 'such as 50/s; empty: no limit', add: 'Add a port', remove: 'Remove {{what}}', take: 'Take over what listens now',
    zone: 'Zone', zoneName: 'Name', zoneNameHow: 'small letters, digits and -', addZone: 'Add a zone', flow: 'Flow', flowTo: 'to', host: 'this machine', addFlow: 'Add a flow', allPorts: 'all ports', flowPorts: 'Ports', flowPortsHow: 'empty: all',
    preview: 'What this would change', previewWait: 'Fill in what is missing: it is worked out as you go.', locked: 'You would lock yourself out', unseen: 'It could not be looked at what would change', same: 'Nothing that listens now is reached by more or by fewer.', cutTitle: 'No longer reached', openTitle: 'Reached from now on', lessTitle: 'Reached by others than before', draftSame: 'A draft: nothing changes until it is enforced.', zoneCut: 'members of {{zone}} no longer reach it', zoneOpen: 'members of {{zone}} reach it', ifEnforced: 'Once it is enforced:', between: 'Between zones', passes: '{{from}} reaches {{to}}: {{ports}}', passesNot: '{{from}} does not reach {{to}}', nobody: 'nobody', channel: 'management only', anyone: 'anyone', more_one: 'and {{count}} more', more_other: 'and {{count}} more', emptyAll: 'An empty list restricts nothing.',
  },
  zh: {
    edit: '修改…', editPorts: '允许进入的端口', editZones: '分区与流向', save: '保存', saved: '已保存', reset: '恢复为配置文件中的…', resetOk: '恢复', resetDone: '已恢复为配置文件中的设置',
    enforce: '执行', enforceHow: '关闭：只是草稿，不丢弃任何流量。打开：到其他端口的新流量立即丢弃；已建立的连接和管理通道不受影响。这个开关对分区同样有效。', zonesEnforced: '端口白名单与分区正在执行：保存后立即生效。', zonesDraft: '目前没有执行，保存的只是草稿。开关在“端口白名单”里。',
    port: '端口', portHow: '如 443/tcp', from: '来源', any: '任何人', some: '仅这些网段', networks: '网段', networksHow: '如 203.0.113.0/24', rate: '每个来源至多', rateHow: '如 50/s；留空为不限', add: '添加端口', remove: '移除 {{what}}', take: '填入当前监听的端口',
    zone: '分区', zoneName: '名称', zoneNameHow: '小写字母、数字和 -', addZone: '添加分区', flow: '流向', flowTo: '到', host: '本机', addFlow: '添加流向', allPorts: '全部端口', flowPorts: '端口', flowPortsHow: '留空为全部',
    preview: '这会改变什么', previewWait: '请先填完：边填边会算出结果。', locked: '这会把您自己关在门外', unseen: '无法查看会改变什么', same: '当前监听的端口，能到达的人没有变化。', cutTitle: '不再能到达', openTitle: '从此能到达', lessTitle: '能到达的人有变化', draftSame: '只是草稿：执行之前不会改变任何东西。', zoneCut: '{{zone}} 的成员不再能到达', zoneOpen: '{{zone}} 的成员可以到达', ifEnforced: '执行之后：', between: '分区之间', passes: '{{from}} 可到达 {{to}}：{{ports}}', passesNot: '{{from}} 不能到达 {{to}}', nobody: '无人', channel: '仅管理通道', anyone: '任何人', more_one: '还有 {{count}} 项', more_other: '还有 {{count}} 项', emptyAll: '列表为空时不作限制。',
  },
});
