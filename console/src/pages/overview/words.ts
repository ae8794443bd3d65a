import { texts } from '../../text/lang.ts';

export const words = texts('overview', {
  en: {
    title: 'Overview', verdict_calm: 'Calm', verdict_watch: 'Worth a look', verdict_attacked: 'Under attack', verdict_intruded: 'Somebody got in', verdict_blind: 'Not all is seen',
    score: 'Score', scoreNone: 'not known yet', scoreOf: '{{n}} of 100', next: 'Do these next', nextNone: 'Nothing is waiting for you.', nextNoneHow: 'Moat tells you here when there is something worth doing.',
    incidents: 'Open incidents', incidentsNone: 'No open incident', incidentsNoneHow: 'What belongs together is told as one story here, from the way in to the last effect.', allIncidents: 'All incidents', grade: 'grade {{n}}', due: 'to be reported {{when}}',
    curve: 'Alerts over time', curveLabel: 'Alerts over time by level; {{n}} in all, {{peak}} at most in one bar', curveNone: 'No alert in this time', hours_1: 'Hour', hours_24: 'Day', hours_168: 'Week', inAll_one: '{{count}} alert', inAll_other: '{{count}} alerts',
    sources: 'Where it comes from', sourcesNone: 'No address has attacked in this time', address: 'Address', alerts: 'Alerts', last: 'Last', blocked: 'blocked', notBlocked: 'not blocked',
    health: 'How Moat itself is', live_one: '{{count}} part at work', live_other: '{{count}} parts at work', blind_one: '{{count}} blind spot', blind_other: '{{count}} blind spots', blindNone: 'No blind spot', since: 'Started', memory: 'Memory', processor: 'Processor', blockedCount: 'Addresses blocked', dropped: 'Left out', requests: 'Waiting for an answer', mode: 'Mode', waiting: 'Not begun: {{what}}',
    mode_observe: 'observe: tells, does nothing', mode_guard: 'guard: does what can be taken back', mode_strict: 'strict: isolates too', paused: 'Response is paused; it goes on {{when}}.',
  },
  zh: {
    title: '总览', verdict_calm: '一切平静', verdict_watch: '有情况要看', verdict_attacked: '正在受到攻击', verdict_intruded: '有人已经进来', verdict_blind: '没有看全',
    score: '评分', scoreNone: '尚无', scoreOf: '{{n}} 分（满分 100）', next: '接下来做这几件事', nextNone: '没有要您处理的事。', nextNoneHow: '有值得做的事时，会在这里告诉您。',
    incidents: '未结事件', incidentsNone: '没有未结事件', incidentsNoneHow: '属于同一件事的告警会在这里讲成一个故事：从怎么进来，到最后做了什么。', allIncidents: '全部事件', grade: '{{n}} 级', due: '须上报：{{when}}',
    curve: '告警走势', curveLabel: '按级别的告警走势，共 {{n}} 条，单柱最多 {{peak}} 条', curveNone: '这段时间没有告警', hours_1: '一小时', hours_24: '一天', hours_168: '一周', inAll_one: '{{count}} 条告警', inAll_other: '{{count}} 条告警',
    sources: '攻击来自哪里', sourcesNone: '这段时间没有地址发起攻击', address: '地址', alerts: '告警', last: '最近', blocked: '已封禁', notBlocked: '未封禁',
    health: 'Moat 自身状况', live_one: '{{count}} 个部件在工作', live_other: '{{count}} 个部件在工作', blind_one: '{{count}} 处盲区', blind_other: '{{count}} 处盲区', blindNone: '没有盲区', since: '启动于', memory: '内存', processor: '处理器', blockedCount: '已封禁地址', dropped: '未处理', requests: '等待答复', mode: '模式', waiting: '尚未开始：{{what}}',
    mode_observe: '观察：只告诉您，不动手', mode_guard: '守护：自动做可以撤销的处置', mode_strict: '严格：必要时隔离主机', paused: '自动处置已暂停，{{when}}恢复。',
  },
});
