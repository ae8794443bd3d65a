/** Words of reports that are not sentences: what deeds, things and bones are called. */
import type { StoryDeed, StoryNodeKind } from '../core/incident.ts';
import type { Bone, ScopeItem, ScopeKind } from '../core/review.ts';
import type { ReceiptStatus } from '../core/action.ts';
import type { Text } from '../core/text.ts';

export const deedTexts: Readonly<Record<StoryDeed, Text>> = {
  started: { zh: '启动', en: 'started' }, became: { zh: '变为', en: 'became' }, wrote: { zh: '写入', en: 'wrote' }, removed: { zh: '删除', en: 'removed' }, ran: { zh: '运行', en: 'ran' }, read: { zh: '读取', en: 'read' },
  spoke: { zh: '连接', en: 'spoke to' }, asked: { zh: '查询', en: 'asked for' }, 'logged-on': { zh: '登录', en: 'log-on of' }, planted: { zh: '植入', en: 'planted' }, tells: { zh: '告警', en: 'alert' },
};

export const kindTexts: Readonly<Record<StoryNodeKind, Text>> = {
  process: { zh: '进程', en: 'process' }, file: { zh: '文件', en: 'file' }, persistence: { zh: '自启动项', en: 'start entry' }, address: { zh: '地址', en: 'address' }, name: { zh: '域名', en: 'name' }, account: { zh: '账号', en: 'account' },
  unit: { zh: '系统单元', en: 'unit' }, module: { zh: '内核模块', en: 'kernel module' }, container: { zh: '容器', en: 'container' }, package: { zh: '软件包', en: 'package' }, secret: { zh: '凭据', en: 'credential' }, alert: { zh: '告警', en: 'alert' }, finding: { zh: '检查发现', en: 'finding' },
};

export const scopeTexts: Readonly<Record<ScopeKind, Text>> = {
  account: { zh: '账号', en: 'accounts' }, process: { zh: '进程', en: 'processes' }, file: { zh: '文件', en: 'files' }, persistence: { zh: '自启动项', en: 'entries that start things again' }, unit: { zh: '系统单元', en: 'units' }, module: { zh: '内核模块', en: 'kernel modules' },
  container: { zh: '容器', en: 'containers' }, package: { zh: '有问题的软件包', en: 'packages that did it' }, secret: { zh: '被读取的凭据', en: 'credentials that were read' }, address: { zh: '公网地址', en: 'addresses of the internet' }, name: { zh: '域名', en: 'host names' }, neighbour: { zh: '内网邻机', en: 'neighbours on the inner network' },
};

export const noteTexts: Readonly<Record<NonNullable<ScopeItem['note']>, Text>> = { made: { zh: '新增', en: 'new' }, changed: { zh: '被改', en: 'changed' }, read: { zh: '被读', en: 'read' }, removed: { zh: '被删', en: 'removed' }, came: { zh: '来源', en: 'came from it' }, called: { zh: '外联', en: 'called' } };

export const boneTexts: Readonly<Record<Bone, Text>> = {
  people: { zh: '人员', en: 'People' }, process: { zh: '流程', en: 'Process' }, technology: { zh: '技术', en: 'Technology' }, configuration: { zh: '配置', en: 'Configuration' }, supplier: { zh: '供应商', en: 'Supplier' }, monitoring: { zh: '监测', en: 'Monitoring' },
};

export const receiptTexts: Readonly<Record<ReceiptStatus, Text>> = {
  applying: { zh: '执行中', en: 'under way' }, applied: { zh: '已执行', en: 'done' }, failed: { zh: '未成功，已还原', en: 'failed, taken back' }, undoing: { zh: '撤销中', en: 'being taken back' }, undone: { zh: '已撤销', en: 'taken back' }, stuck: { zh: '卡住，须人工查看', en: 'stuck: a person must look' },
};

/** What is changed of an incident, by the operation as the audit log calls it. */
export const operationTexts: Readonly<Record<string, Text>> = {
  'incident-formed': { zh: '事件形成', en: 'incident formed' }, 'incident-graded': { zh: '重新定级', en: 'graded anew' }, 'incident-merged': { zh: '合并', en: 'merged' }, 'incident-merge': { zh: '合并', en: 'merged' }, 'incident-returned': { zh: '再次出现，自动重新打开', en: 'it came back and was opened again' },
  'incident-status': { zh: '进度', en: 'status' }, 'incident-reopen': { zh: '重新打开', en: 'opened again' }, 'incident-false-alarm': { zh: '标为误报', en: 'marked a false alarm' }, 'incident-assign': { zh: '指定负责人', en: 'assigned' }, 'incident-note': { zh: '记录', en: 'note' },
  'incident-task': { zh: '任务', en: 'task' }, 'incident-task-done': { zh: '任务', en: 'task' }, 'incident-tag': { zh: '标签', en: 'tag' }, 'incident-untag': { zh: '标签', en: 'tag' }, 'incident-link': { zh: '关联', en: 'link' }, 'incident-unlink': { zh: '关联', en: 'link' },
  'incident-clock': { zh: '法定报告', en: 'statutory report' }, 'incident-improve': { zh: '改进项', en: 'improvement' }, 'incident-improve-done': { zh: '改进项', en: 'improvement' }, 'incident-indicators': { zh: '指标已应用', en: 'indicators applied' }, 'incident-report': { zh: '生成报告', en: 'report made' },
};
