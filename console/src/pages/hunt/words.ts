import { texts } from '../../text/lang.ts';

export const words = texts('hunt', {
  en: {
    title: 'Hunt', lead: 'Ask what Moat has seen and what is on this machine right now. Questions only read; nothing is changed.',
    sql: 'Question in SQL', run: 'Ask', running: 'Asking…', keys: 'Ctrl+Enter asks, Ctrl+Space completes', examples: 'To begin with', saved: 'Saved', savedNone: 'Nothing saved yet', save: 'Save…', saveTitle: 'Save this question', name: 'Name', share: 'Everybody who may hunt sees it', savedDone: 'Saved', remove: 'Remove {{name}}', removed: 'Removed', by: 'by {{by}}', schema: 'What was stored', schemaHow: 'Click a name to put it into the question.', liveTables: 'What is now', liveHow: 'Looked at when a question names the table. Join them with what was stored.', notIn: 'Not in it: {{what}}', lookedAt_one: '{{count}} row as of', lookedAt_other: '{{count}} rows as of', notWhole: '{{table}} is not whole', noneNow: 'There is nothing like that',
    rows_one: '{{count}} row', rows_other: '{{count}} rows', took: '{{ms}} ms', cut_rows: 'There are more rows; only the first are shown. Narrow the question or count.', cut_bytes: 'The answer is too big; only its beginning is shown. Ask for fewer columns.', none: 'Nothing like that was seen', noneHow: 'The question is right, and no row fits it.', begin: 'Ask a question', beginHow: 'Choose one from the list, or write your own in SQL.', table: 'Table', chart: 'Chart', answer: 'Answer', csv: 'Export CSV', chartOf: '{{value}} by {{label}}', row: 'Row', limits: 'At most {{rows}} rows and {{seconds}} seconds.', more: 'and {{count}} more',
  },
  zh: {
    title: '猎捕', lead: '查询 Moat 见过的一切，以及本机此刻的状态。查询只读取，不会改动任何东西。',
    sql: 'SQL 查询', run: '查询', running: '正在查询…', keys: 'Ctrl+Enter 查询，Ctrl+空格 补全', examples: '从这里开始', saved: '已保存', savedNone: '还没有保存的查询', save: '保存…', saveTitle: '保存这条查询', name: '名称', share: '有猎捕权限的人都能看到', savedDone: '已保存', remove: '删除 {{name}}', removed: '已删除', by: '{{by}}', schema: '已存储的', schemaHow: '点击名称可填入查询。', liveTables: '此刻的状态', liveHow: '查询提到某张表时才去看；可以与已存储的内容连接。', notIn: '不包含：{{what}}', lookedAt_one: '{{count}} 行，查看于', lookedAt_other: '{{count}} 行，查看于', notWhole: '{{table}} 不完整', noneNow: '没有这样的情况',
    rows_one: '{{count}} 行', rows_other: '{{count}} 行', took: '{{ms}} 毫秒', cut_rows: '还有更多行，只显示了前面的。请缩小范围或改用计数。', cut_bytes: '结果太大，只显示了开头。请减少列。', none: '没有见过这样的情况', noneHow: '查询没有错，只是没有符合的行。', begin: '提一个问题', beginHow: '从列表中选一个，或自己写 SQL。', table: '表格', chart: '图表', answer: '结果', csv: '导出 CSV', chartOf: '各 {{label}} 的 {{value}}', row: '行', limits: '最多 {{rows}} 行、{{seconds}} 秒。', more: '还有 {{count}} 个',
  },
});
