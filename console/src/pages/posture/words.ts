import { texts } from '../../text/lang.ts';

export const words = texts('posture', {
  en: {
    title: 'Posture', lead: 'How well this machine is kept, what costs points, and how to put it right', sections: 'Parts of posture', summary: 'In short', findings: 'Findings', patches: 'Patches', scans: 'Checks done',
    score: 'Score', scoreOf: '{{n}} of 100', good: 'Well kept', fair: 'Some doors stand open', poor: 'Act soon', unknown: 'Nobody has looked yet', last: 'Last looked', next: 'next', off: 'does not look by itself', never: 'never', trend: 'Score over time', trendOne: 'After the second check a line appears here.', trendLabel: 'Score over time, from {{from}} to {{to}}',
    start: 'Check now', startTitle: 'Check this machine now?', startHow: 'Moat looks through settings, files, accounts and programs. It changes nothing, works at low priority and can be stopped.', only: 'What to look at', onlyAll: 'Everything', started: 'The check has begun', running: 'Checking', stop: 'Stop', stopped: 'The check is stopped', failed: 'The check failed',
    toDo: 'What to put right, the dearest first', clean: 'Nothing to put right', cleanHow: 'The last check found nothing that costs points.', count_one: '{{count}} finding', count_other: '{{count}} findings', costs_one: 'costs {{count}} point', costs_other: 'costs {{count}} points', hasFix: 'with a fix',
    intrusion: 'Sign of an intrusion', weakness: 'Open door', notice: 'To know', kind: 'Kind', level: 'Level', check: 'Check', anyLevel: 'Any level', anyKind: 'Any kind', standing: 'There now', gone: 'Gone', what: 'What', seen: 'First seen', lastSeen: 'Last seen', none: 'Nothing was found', noneHow: 'Either all is well, or nobody has looked: start a check.', noneFiltered: 'Nothing fits', noneFilteredHow: 'Take a filter away.', goneSince: 'Gone since',
    means: 'What it means', evidence: 'What was seen', fix: 'How to put it right', noFix: 'A person has to judge; there is no ready way.', refs: 'Where it is written', path: 'File', user: 'Account', address: 'Address', pid: 'Process', checkFilter: 'Check: {{check}}', remove: 'Take this filter away', line: 'line {{n}}',
    patchesHow: 'Updates that the package lists of this machine know of.', patchesNone: 'All packages are up to date', patchesBlind: 'Could not look', asOf: 'Lists fetched', security: 'Security', patchCount_one: '{{count}} security update', patchCount_other: '{{count}} security updates',
    when: 'When', verdict: 'Verdict', verdict_clean: 'Clean', verdict_suspicious: 'Suspicious', verdict_compromised: 'Compromised', by: 'By', files: 'Files', blindCount_one: '{{count}} place could not be looked at', blindCount_other: '{{count}} places could not be looked at', scansNone: 'No check was done yet', cut: 'Not finished',
  },
  zh: {
    title: '体检', lead: '这台机器维护得如何，哪些地方扣分，怎样改好', sections: '体检的各部分', summary: '概要', findings: '发现', patches: '补丁', scans: '检查记录',
    score: '评分', scoreOf: '{{n}} 分（满分 100）', good: '维护良好', fair: '有些门没关好', poor: '请尽快处理', unknown: '还没有检查过', last: '上次检查', next: '下次', off: '没有启用定时检查', never: '从未', trend: '评分变化', trendOne: '第二次检查之后，这里会出现曲线。', trendLabel: '评分变化，从 {{from}} 到 {{to}}',
    start: '立即检查', startTitle: '现在检查这台机器？', startHow: 'Moat 会查看设置、文件、账号和程序。不做任何改动，以低优先级运行，可随时中止。', only: '检查哪些', onlyAll: '全部', started: '检查已开始', running: '正在检查', stop: '中止', stopped: '检查已中止', failed: '检查失败',
    toDo: '需要改好的，扣分多的在前', clean: '没有需要处理的', cleanHow: '上次检查没有发现扣分的问题。', count_one: '{{count}} 项发现', count_other: '{{count}} 项发现', costs_one: '扣 {{count}} 分', costs_other: '扣 {{count}} 分', hasFix: '有修复办法',
    intrusion: '入侵迹象', weakness: '薄弱之处', notice: '需知', kind: '类别', level: '级别', check: '检查项', anyLevel: '全部级别', anyKind: '全部类别', standing: '现有', gone: '已消失', what: '内容', seen: '首次发现', lastSeen: '最近发现', none: '没有发现', noneHow: '可能一切正常，也可能还没检查过：请开始一次检查。', noneFiltered: '没有符合的内容', noneFilteredHow: '请去掉筛选条件。', goneSince: '消失于',
    means: '这意味着什么', evidence: '看到了什么', fix: '怎样改好', noFix: '没有现成的办法，需要人判断。', refs: '依据', path: '文件', user: '账号', address: '地址', pid: '进程', checkFilter: '检查项：{{check}}', remove: '去掉这个筛选', line: '第 {{n}} 行',
    patchesHow: '本机软件包列表所知的更新。', patchesNone: '所有软件包都是最新的', patchesBlind: '无法查看', asOf: '列表获取于', security: '安全', patchCount_one: '{{count}} 个安全更新', patchCount_other: '{{count}} 个安全更新',
    when: '时间', verdict: '结论', verdict_clean: '干净', verdict_suspicious: '可疑', verdict_compromised: '已失陷', by: '谁', files: '文件数', blindCount_one: '{{count}} 处无法查看', blindCount_other: '{{count}} 处无法查看', scansNone: '还没有检查过', cut: '未完成',
  },
});
