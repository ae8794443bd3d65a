import { texts } from '../../text/lang.ts';

export const words = texts('playbook', {
  en: {
    all: 'All playbooks', steps: 'What it does, step by step', begins: 'When it begins', begins_guard: 'By itself in Guard and Strict mode, when an alert of level {{level}} or worse fits: {{what}}.', begins_strict: 'By itself in Strict mode, when an alert of level {{level}} or worse fits: {{what}}.', begins_manual: 'Only when somebody runs it.', anyAlert: 'any alert', longest: 'It takes {{span}} at the most; one run at a time for each: {{per}}.', perAlert: 'alert', back: 'If it fails, what it did is taken back.',
    phase_cut: 'Cut off', phase_isolate: 'Hold', phase_handle: 'Put right', phase_trace: 'Find out',
    ifKnown: 'Only if {{what}} is known', ifHolds: 'Only if', whileHolds: 'As long as (at most {{n}} times)', cases: 'Depending on', when_false: 'otherwise', when_failure: 'if that fails', when_beside: 'at the same time', when_case: 'if it is {{of}}', wait: 'waits {{span}} first', asks: 'a person is asked first', byPerson: 'A person does this, then approves', tells: 'People are told', and: ' and ', lastsFor: 'for {{span}}', longer: 'longer each time',
   
    var_source_ip: 'the address it came from', var_origin_ip: 'the address it began with', var_peer_ip: 'the address it speaks with', var_pid: 'the process', var_started: 'when it began', var_path: 'the file', var_program: 'its program', var_file: 'the file it wrote', var_user: 'the account', var_port: 'its port', var_host: 'this machine', var_service: 'the service',
    tryTitle: 'Try it, then run it', tryHow: 'Choose what it is about. What it would do right now is worked out below; nothing is done until you run it.', about: 'Which alert it answers', aboutNone: 'None: only the values below', searchAlerts: 'Search alerts', values: 'Values', noValues: 'It takes its values from the alert.',
    dryTitle: 'What it would do now', dryNone: 'With this it would do nothing: something it needs is not known. Choose an alert.', autoDoes: 'by itself', asksFirst: 'asks you first', waitsYou: 'waits for a person', would: 'would be refused', onFailure: 'only if “{{of}}” fails', summary: '{{auto}} by itself, {{asks}} after a yes, {{refused}} refused', modeIs: 'Mode now: {{mode}}',
    run: 'Run it…', running: 'The run has begun', runDanger: 'Steps marked “by itself” happen at once.', mayNotRun: 'Your role may read playbooks, not run them.',
    approveStep: 'Approve', rejectStep: 'Reject', approveTitle: 'Approve this step?', rejectTitle: 'Reject this step?', approveHow: 'It is done at once; the run goes on.', rejectHow: 'It is not done; the run goes on as the playbook says.', answered: 'Your answer is kept', undoToo: 'Also take back what it did ({{count}})', openPlaybook: 'Open the playbook', receipt: 'what was done', alertOf: 'the alert',
    what_begun: 'Began', what_done: 'Done', what_failed: 'Failed', what_asked: 'Asked a person', what_approved: 'Approved', what_rejected: 'Rejected', what_expired: 'Nobody answered', what_told: 'Told', what_undone: 'Taken back', 'what_not-undone': 'Could not be taken back', what_ended: 'Ended',
  },
  zh: {
    all: '全部预案', steps: '它逐步做什么', begins: '何时开始', begins_guard: '守护与严格模式下，遇到{{level}}及以上的相符告警自动开始：{{what}}。', begins_strict: '严格模式下，遇到{{level}}及以上的相符告警自动开始：{{what}}。', begins_manual: '只在有人执行时。', anyAlert: '任何告警', longest: '最长 {{span}}；同时只执行一次的对象：{{per}}。', perAlert: '告警', back: '失败时会撤销已做的动作。',
    phase_cut: '断链', phase_isolate: '隔离', phase_handle: '处置', phase_trace: '溯源',
    ifKnown: '仅当已知{{what}}', ifHolds: '仅当', whileHolds: '当以下成立时重复（至多 {{n}} 次）', cases: '视情况', when_false: '否则', when_failure: '若失败', when_beside: '同时', when_case: '若为 {{of}}', wait: '先等 {{span}}', asks: '先征得人同意', byPerson: '由人来做，做完请同意', tells: '通知', and: '和', lastsFor: '持续 {{span}}', longer: '逐次加长',
   
    var_source_ip: '来源地址', var_origin_ip: '来由地址', var_peer_ip: '通信的对方地址', var_pid: '进程', var_started: '开始时间', var_path: '文件', var_program: '程序文件', var_file: '它写入的文件', var_user: '账号', var_port: '它的端口', var_host: '本机', var_service: '服务',
    tryTitle: '先预演，再执行', tryHow: '选择针对什么。下面会列出现在将做的一切；在您执行之前什么都不会做。', about: '针对哪条告警', aboutNone: '不针对告警：只用下面的值', searchAlerts: '搜索告警', values: '取值', noValues: '取值来自告警。',
    dryTitle: '现在会做什么', dryNone: '照此不会做任何事：缺少它需要的信息。请选择一条告警。', autoDoes: '自动执行', asksFirst: '先问您', waitsYou: '等待人', would: '会被拒绝', onFailure: '仅当“{{of}}”失败', summary: '自动 {{auto}} 项，同意后 {{asks}} 项，拒绝 {{refused}} 项', modeIs: '当前模式：{{mode}}',
    run: '执行…', running: '已开始执行', runDanger: '标为“自动执行”的步骤会立即进行。', mayNotRun: '您的角色可以查看预案，不能执行。',
    approveStep: '同意', rejectStep: '拒绝', approveTitle: '同意这一步？', rejectTitle: '拒绝这一步？', approveHow: '立即执行，预案继续。', rejectHow: '不执行，预案按其规定继续。', answered: '已记录您的答复', undoToo: '同时撤销已做的动作（{{count}} 项）', openPlaybook: '查看预案', receipt: '处置记录', alertOf: '相关告警',
    what_begun: '开始', what_done: '完成', what_failed: '失败', what_asked: '询问', what_approved: '同意', what_rejected: '拒绝', what_expired: '无人答复', what_told: '已通知', what_undone: '已撤销', 'what_not-undone': '未能撤销', what_ended: '结束',
  },
});
