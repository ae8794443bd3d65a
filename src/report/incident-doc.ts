/** The report of one incident, as blocks: what a manager reads first, then what happened, what was done, why, and what is to be done. */
import { levelTexts } from '../core/level.ts';
import type { Cause, Happening, Measure, Review, ScopeKind, Some, StoryDigest } from '../core/review.ts';
import { bones } from '../core/review.ts';
import { span, statusTexts } from '../core/review-words.ts';
import type { Lang, Text } from '../core/text.ts';
import { type Block, code, type Doc, type Tone, type Words } from './doc.ts';
import { effectWords, fishbone, pathPicture } from './picture.ts';
import { boneTexts, deedTexts, kindTexts, noteTexts, operationTexts, receiptTexts, scopeTexts } from './words.ts';

export interface DocOptions { lang: Lang; /** Writes a time as people read it, with the zone in the foot. */ clock: (ms: number) => string; zone: string }

interface Pen extends DocOptions { t: (zh: string, en: string) => string; at: (ms: number) => string; day: (ms: number) => string }

const scopeShown = 12, tasksShown = 50, notesShown = 30;

export function incidentDoc(review: Review, options: DocOptions): Doc {
  const { lang, clock } = options;
  const pen: Pen = { ...options, t: (zh, en) => (lang === 'zh' ? zh : en), at: clock, day: (ms) => clock(ms).slice(0, 10) };
  const { t } = pen;
  return {
    lang, product: t('Moat 护城河 · 事件报告', 'Moat · incident report'), title: t(`事件 ${review.id}：${review.title.zh}`, `Incident ${review.id}: ${review.title.en}`),
    tone: toneOf(review), lead: review.summary.map((one) => one[lang]),
    blocks: [
      ...headOf(review, pen), ...timesOf(review, pen), ...timelineOf(review, pen), ...pathOf(review, pen), ...scopeOf(review, pen), ...dataOf(review, pen), ...actionsOf(review, pen),
      ...evidenceOf(review, pen), ...causesOf(review, pen), ...improvementsOf(review, pen), ...costOf(review, pen), ...formOf(review, pen), ...recordsOf(review, pen),
    ],
    foot: t(`Moat ${review.version} · 生成于 ${clock(review.made)}（${options.zone}）· 事件第 ${review.revision} 版`, `Moat ${review.version} · made ${clock(review.made)} (${options.zone}) · revision ${review.revision} of the incident`),
  };
}

function toneOf({ status, level }: Review): Tone {
  if (status === 'false-alarm' || status === 'closed' || status === 'recovered') return 'good';
  return level === 'critical' || level === 'high' ? 'bad' : 'warn';
}

const heading = (text: string): Block => ({ kind: 'heading', text });
const dim = (text: string): Block => ({ kind: 'text', words: text, tone: 'dim' });
const more = ({ items, total }: Some<unknown>, { t }: Pen): Block[] => (total > items.length ? [dim(t(`另有 ${total - items.length} 项未列出`, `and ${total - items.length} more, not listed here`))] : []);
const list = (words: readonly string[], lang: Lang): string => words.join(lang === 'zh' ? '、' : ', ');

function headOf(review: Review, { t, lang, at }: Pen): Block[] {
  const { host, level, grade, status, time, last_time: last, assignee, reached, reopened, tags, form, restored } = review;
  const gradeWords: Text[] = [{ zh: '一级：核心业务受害', en: '1 (core business is hit)' }, { zh: '二级：部分业务受害', en: '2 (part of the business is hit)' }, { zh: '三级：仅限感染', en: '3 (infection only)' }];
  const rows: [string, Words, Tone?][] = [
    [t('主机', 'host'), code(host)], [t('级别', 'level'), levelTexts[level][lang], level === 'critical' || level === 'high' ? 'bad' : 'warn'], [t('等级', 'grade'), gradeWords[grade - 1]![lang]], [t('现状', 'it is now'), statusTexts[status][lang]],
    [t('最早一条告警', 'first alert'), at(time)], [t('最近一条告警', 'latest alert'), at(last)], [t('负责人', 'looked after by'), assignee ?? t('未指定', 'nobody yet'), assignee === undefined ? 'dim' : undefined],
  ];
  if (reopened > 0) rows.push([t('重新打开', 'opened again'), t(`${reopened} 次`, reopened === 1 ? 'once' : `${reopened} times`), 'warn']);
  if (restored) rows.push([t('已恢复', 'restored'), t(`${restored.done}/${restored.total} 项`, `${restored.done} of ${restored.total}`), restored.done < restored.total ? 'warn' : 'good']);
  if (form.due !== undefined) rows.push([t('法定报告时限', 'statutory report due'), form.stopped ? `${at(form.due)} (${form.stopped.how === 'reported' ? t('已报告', 'made') : t('无需', 'not needed')})` : at(form.due), form.stopped ? 'good' : 'bad']);
  if (reached.techniques.length > 0) rows.push(['ATT&CK', list(reached.techniques.slice(0, 12), lang) + (reached.techniques.length > 12 ? ' …' : '')]);
  if (tags.length > 0) rows.push([t('标签', 'tags'), list(tags, lang)]);
  return [heading(t('概要', 'At a glance')), { kind: 'facts', rows }, ...(review.story_why ? [{ kind: 'text', words: review.story_why[lang], tone: 'warn' } as const] : [])];
}

function timesOf({ measures }: Review, { t, lang, at }: Pen): Block[] {
  const row = (name: string, meaning: string, { ms, from, to, why }: Measure): Words[] => [name, ms === undefined ? t('未知', 'not known') : span(ms)[lang], ms === undefined ? why?.[lang] ?? '' : t(`${at(from!)} → ${at(to!)}`, `${at(from!)} → ${at(to!)}`), meaning];
  return [
    heading(t('响应用时', 'How long it took')),
    { kind: 'table', head: [t('指标', 'figure'), t('用时', 'time'), t('起止', 'from → to'), t('怎么算', 'how it is taken')], widths: [17, 14, 33, 36], rows: [
      row(t('发现（MTTD）', 'detect (MTTD)'), t('从已知的第一个入侵动作，到 Moat 形成事件', 'from the first known act of the intruder to when Moat made the incident'), measures.detect),
      row(t('遏制（MTTC）', 'contain (MTTC)'), t('从形成事件，到最后一次标为已遏制（或更进一步）', 'from then to when it was last marked contained, or further'), measures.contain),
      row(t('恢复（MTTR）', 'recover (MTTR)'), t('从形成事件，到最后一次标为已恢复或关闭', 'from then to when it was last marked recovered, or closed'), measures.recover),
    ] },
  ];
}

/** What happened and what was done, in one order. */
function timelineOf({ story, alerts, changes }: Review, pen: Pen): Block[] {
  const { t, at, lang } = pen;
  const rows: { time: number; row: Words[] }[] = [];
  if (story) {
    for (const one of story.happened.items) rows.push({ time: one.time, row: [when(one.time, one.last, at), happened(one, pen), list(one.attack, 'en')] });
    for (const { from, to, what } of story.gaps.items) rows.push({ time: from, row: [when(from, to, at), `${t('空白', 'gap')}: ${what[lang]}`, ''] });
  } else for (const { time, last_time: last, level, title, count, attack } of alerts.items) rows.push({ time, row: [when(time, last, at), `${t('告警', 'alert')} (${levelTexts[level][lang]}): ${title[lang]}${count > 1 ? ` ×${count}` : ''}`, list(attack, 'en')] });
  for (const { time, operation, by, result } of changes.items) if (operation === 'incident-status' || operation === 'incident-returned' || operation === 'incident-reopen' || operation === 'incident-false-alarm') rows.push({ time, row: [at(time), `${operationTexts[operation]![lang]}: ${result} (${by})`, ''] });
  rows.sort((a, b) => a.time - b.time);
  const rest = story ? story.happened : alerts;
  return [
    heading(t('时间线', 'Timeline')), ...(rows.length === 0 ? [dim(t('没有可列出的', 'nothing to list'))] : [{ kind: 'table', head: [t('时间', 'time'), t('发生了什么', 'what happened'), 'ATT&CK'], widths: [22, 64, 14], rows: rows.map(({ row }) => row) } as const]), ...more(rest, pen),
  ];
}

const when = (from: number, to: number, at: (ms: number) => string): string => (to - from < 1000 ? at(from) : at(from).slice(0, 10) === at(to).slice(0, 10) ? `${at(from)} – ${at(to).slice(11)}` : `${at(from)} – ${at(to)}`);

function happened({ what, who, actors, text, kind, labels, count, level }: Happening, { t, lang }: Pen): Words {
  switch (what) {
    case 'entry': return `${t('入口', 'way in')}: ${text?.[lang] ?? ''}`;
    case 'alert': case 'finding': return `${what === 'alert' ? t('告警', 'alert') : t('检查发现', 'finding')}${level === undefined ? '' : ` (${levelTexts[level][lang]})`}: ${text?.[lang] ?? ''}${count > 1 ? ` ×${count}` : ''}`;
    default: {
      const rest = count - labels.length;
      const things = labels.flatMap((label, i) => (i === 0 ? [code(label)] : [t('、', ', '), code(label)]));
      return [code(who ?? ''), ...(actors === undefined ? [] : [t(` 等 ${actors} 个`, ` and ${actors - 1} like it`)]), ` ${what === 'logged-on' ? t('登录', 'logged on') : deedTexts[what][lang]}${what === 'logged-on' || kind === undefined ? '' : t(kindTexts[kind].zh, ` ${kindTexts[kind].en}`)} `, ...things, ...(rest > 0 ? [t(` 等 ${count} 项`, ` and ${rest} more`)] : [])];
    }
  }
}

function pathOf({ story }: Review, { t, lang, clock }: Pen): Block[] {
  if (story === undefined || story.path.items.length === 0) return [heading(t('攻击路径', 'Path of the attack')), dim(t('没有可画的经过', 'there is no story to draw'))];
  return [
    heading(t('攻击路径', 'Path of the attack')),
    { kind: 'figure', svg: pathPicture(story, lang, clock), caption: t('从入口（上）逐步到每一步的后果（右）；红色是告警指向的进程，蓝色是它借道的正常程序，虚线表示中间略去若干步', 'From the way in (top) step by step to what each did (right). Red: an alert tells of it; blue: an ordinary program that it came through; dashed: steps between are not drawn'), lines: pathLines(story, lang, t) },
  ];
}

function pathLines({ entry, path }: StoryDigest, lang: Lang, t: Pen['t']): { depth: number; words: Words }[] {
  return [
    { depth: 0, words: `${t('入口', 'way in')}: ${entry === undefined ? t('不明', 'not known') : entry.text[lang]}` },
    ...path.items.flatMap(({ depth, label, count, alarmed, effects }) => [
      { depth: depth + 1, words: [...(alarmed ? [t('（告警）', '(alert) ')] : []), code(label), ...(count > 1 ? [` ×${count}`] : [])] as Words },
      ...effects.items.map((effect) => ({ depth: depth + 2, words: ['→ ', code(effectWords(effect, lang))] as Words })),
    ]),
  ];
}

function scopeOf({ story, host }: Review, pen: Pen): Block[] {
  const { t, lang } = pen;
  if (story === undefined) return [heading(t('影响范围', 'Scope')), dim(t(`主机 ${host}；其余未知`, `host ${host}; more is not known`))];
  const kinds = (Object.keys(story.scope) as ScopeKind[]).filter((kind) => story.scope[kind].total > 0);
  const rows: Words[][] = [[t('主机', 'hosts'), '1', code(host)], ...kinds.map((kind): Words[] => {
    const { items, total } = story.scope[kind];
    const shown = items.slice(0, scopeShown);
    const words = shown.flatMap(({ label, note, lives }, i): (string | { code: string })[] => {
      const remarks = [...(note ? [noteTexts[note][lang]] : []), ...(lives === true && (kind === 'process' || kind === 'file' || kind === 'persistence') ? [t('仍在', 'still there')] : [])];
      return [...(i === 0 ? [] : [t('；', '; ')]), code(label), ...(remarks.length > 0 ? [` (${list(remarks, lang)})`] : [])];
    });
    return [scopeTexts[kind][lang], String(total), total > shown.length ? [...words, t(`；另有 ${total - shown.length} 项`, `; and ${total - shown.length} more`)] : words];
  })];
  return [heading(t('影响范围', 'Scope')), { kind: 'table', head: [t('什么', 'what'), t('数量', 'number'), t('明细', 'which')], widths: [20, 10, 70], rows }, ...(story.left > 0 ? [dim(t(`经过太大，另有 ${story.left} 项没有记下`, `the story is too large: ${story.left} things more were not kept`))] : [])];
}

function dataOf({ data, status }: Review, { t, lang }: Pen): Block[] {
  if (status === 'false-alarm') return [];
  const head = heading(t('数据风险', 'Data at risk'));
  if (data.length === 0) return [head, dim(t('没有看到数据被触及；这不等于没有发生', 'no data was seen to be touched; that does not prove that none was'))];
  return [head, { kind: 'table', head: [t('什么', 'what'), t('把握', 'certainty'), t('明细', 'which')], widths: [34, 18, 48], rows: data.map(({ what, items, certain }): Words[] => [what[lang], certain ? t('看到了', 'seen') : t('可触及，未见触及', 'within reach, not seen'), [...items.items.flatMap((one, i) => (i === 0 ? [code(one)] : [t('、', ', '), code(one)])), ...(items.total > items.items.length ? [t(` 等 ${items.total} 项`, ` and ${items.total - items.items.length} more`)] : [])]]) }];
}

function actionsOf({ actions, status }: Review, pen: Pen): Block[] {
  const { t, lang, at } = pen;
  if (status === 'false-alarm' && actions.total === 0) return [];
  return [
    heading(t('采取的措施', 'Measures taken')),
    ...(actions.total === 0 ? [dim(t('没有通过 Moat 采取措施', 'none was taken through Moat'))] : [{ kind: 'table', head: [t('时间', 'time'), t('措施', 'measure'), t('由谁，为何', 'by whom, why'), t('结果', 'result'), t('回执', 'receipt')], widths: [17, 32, 24, 14, 13], rows: actions.items.map(({ time, title, by, why, status: state, receipt, verdict }): Words[] => [at(time), verdict ? `${title[lang]} — ${verdict[lang]}` : title[lang], why === '' ? by : `${by}: ${why}`, receiptTexts[state][lang], code(receipt)]) } as const]),
    ...more(actions, pen),
  ];
}

function evidenceOf({ evidence, id, status }: Review, { t, at }: Pen): Block[] {
  if (status === 'false-alarm' && evidence.length === 0) return [];
  return [
    heading(t('证据', 'Evidence')),
    evidence.length === 0 ? dim(t(`还没有固定证据。固定：moat incident evidence ${id}`, `no archive of evidence yet; make one by: moat incident evidence ${id}`))
      : { kind: 'table', head: [t('名称', 'name'), t('固定于', 'made'), t('由谁', 'by'), t('大小', 'size'), 'SHA-256'], widths: [26, 18, 14, 12, 30], rows: evidence.map(({ name, made, by, bytes, items, sha256, held }): Words[] => [held ? [code(name), t('（保留）', ' (held)')] : code(name), at(made), by, `${bytes === undefined ? '' : size(bytes)}${items === undefined ? '' : t(`，${items} 项`, `, ${items} items`)}`, sha256 === undefined ? '' : code(sha256)]) },
  ];
}

const size = (bytes: number): string => (bytes >= 1 << 20 ? `${(bytes / (1 << 20)).toFixed(1)} MiB` : `${Math.ceil(bytes / 1024)} KiB`);

function causesOf({ causes, title, status }: Review, { t, lang }: Pen): Block[] {
  if (status === 'false-alarm') return [];
  const cited: Record<Cause['cites'][number]['what'], Text> = { alert: { zh: '告警', en: 'alert' }, finding: { zh: '检查发现', en: 'finding' }, gap: { zh: '空白', en: 'gap' }, entry: { zh: '入口', en: 'way in' }, audit: { zh: '审计', en: 'audit log' }, record: { zh: '事件', en: 'incident' } };
  const rows = bones.map((bone): Words[] => {
    const mine = causes.filter((cause) => cause.bone === bone);
    return [boneTexts[bone][lang], mine.length === 0 ? t('目前没有线索，请人工补充', 'nothing known; for a person to fill in') : mine.flatMap(({ text, cites, likely }, i): (string | { code: string })[] => [`${i === 0 ? '' : t('；', '; ')}${likely ? t('（可能）', '(likely) ') : ''}${text[lang]} `, ...cites.flatMap(({ what, id }) => ['[', `${cited[what][lang]} `, code(id), ']'])])];
  });
  return [
    heading(t('根因', 'Root causes')),
    { kind: 'figure', svg: fishbone(causes, title[lang], lang), caption: t('鱼骨图：由已知的告警、发现与空白预填；问号表示尚未核实', 'Fishbone: filled in from alerts, findings and gaps that are known; a question mark: nobody has confirmed it'), lines: [] },
    { kind: 'table', head: [t('方面', 'aspect'), t('原因与依据', 'causes, and what they are known from')], widths: [20, 80], rows },
  ];
}

function improvementsOf({ improvements, id, made, status }: Review, { t, day }: Pen): Block[] {
  if (status === 'false-alarm' && improvements.length === 0) return [];
  return [
    heading(t('改进', 'Improvements')),
    improvements.length === 0 ? dim(t(`还没有。添加：moat incident improve ${id} add 内容 --owner 谁 --due 日期`, `none yet; add one by: moat incident improve ${id} add TEXT --owner NAME --due DAY`))
      : { kind: 'table', head: ['#', t('改进', 'improvement'), t('负责人', 'owner'), t('期限', 'due'), t('状态', 'state')], widths: [6, 38, 16, 18, 22], rows: improvements.map(({ id: n, title, owner, due, done }): Words[] => [String(n), title, owner ?? t('未定', 'nobody'), due === undefined ? t('未定', 'none') : day(due), done ? t(`已完成 ${day(done.time)}`, `done ${day(done.time)}`) : due !== undefined && due < made ? t('逾期', 'overdue') : t('进行中', 'open')]) },
  ];
}

function costOf({ cost }: Review, { t, lang }: Pen): Block[] {
  if (cost === undefined) return [];
  return [
    heading(t('损失估算', 'Estimated cost')),
    { kind: 'table', head: [t('项', 'item'), t('数量', 'quantity'), t('单价', 'price'), t('金额', 'amount'), t('假设', 'assumption')], widths: [16, 14, 16, 16, 38], rows: [
      ...cost.lines.map(({ what, quantity, unit, price, amount, assumption }): Words[] => [what[lang], quantity === undefined ? t('未知', 'not known') : `${quantity} ${unit[lang]}`, `${price} ${cost.currency}/${unit[lang]}`, amount === undefined ? t('未知', 'not known') : `${amount} ${cost.currency}`, assumption[lang]]),
      ...(cost.total === undefined ? [] : [[t('合计（已知部分）', 'total of what is known'), '', '', `${cost.total} ${cost.currency}`, t('单价来自配置 report.costs', 'prices are from report.costs of the configuration')]]),
    ] },
  ];
}

function formOf({ form, status }: Review, { t, lang, at }: Pen): Block[] {
  if (status === 'false-alarm' || form.fields.length === 0) return [];
  const clock: Block[] = [];
  if (form.due !== undefined) clock.push({ kind: 'text', words: form.stopped ? t(`已由 ${form.stopped.by} 于 ${at(form.stopped.time)} 注明：${form.stopped.how === 'reported' ? '已报告' : '无需报告'}${form.stopped.why === '' ? '' : `（${form.stopped.why}）`}`, `${form.stopped.by} said at ${at(form.stopped.time)}: ${form.stopped.how === 'reported' ? 'it was reported' : 'it need not be reported'}${form.stopped.why === '' ? '' : ` (${form.stopped.why})`}`) : t(`时限：${at(form.due)}。${form.why?.zh ?? ''}。报告至所在地省级网信部门，热线 12387。`, `Due ${at(form.due)}: ${form.why?.en ?? ''}. To the provincial Cyberspace Administration; hotline 12387.`), tone: form.stopped ? 'good' : 'bad' });
  else clock.push(dim(t('没有迹象表明是较大以上事件；如你判定为较大及以上，须在 4 小时内（关键信息基础设施 1 小时，中央机关 2 小时）报告，热线 12387。', 'Nothing says that it is 较大 or above. If you judge that it is, it has to be reported within 4 hours (critical infrastructure 1, central organs 2); hotline 12387.')));
  if (form.summary_due !== undefined) clock.push(dim(t(`处置结束后 30 日内提交总结：${at(form.summary_due)} 前`, `A summary is due within 30 days of its end: before ${at(form.summary_due)}`)));
  return [
    heading(t('网络安全事件报告表（预填）', 'Statutory report form, filled in as far as known')), ...clock,
    { kind: 'table', head: [t('栏目', 'field'), t('内容', 'content')], widths: [34, 66], rows: form.fields.map(({ name, value, guess, hint }): Words[] => [name[lang], `${value === undefined ? t('【请填写】', '[to be filled in]') : `${guess ? t('【请核对】', '[please check] ') : ''}${value[lang]}`}${hint ? t(`（${hint.zh}）`, ` (${hint.en})`) : ''}`]) },
  ];
}

function recordsOf(review: Review, pen: Pen): Block[] {
  const { t, lang, at } = pen;
  const { alerts, findings, changes, tasks, notes, links, graded, false_alarm: alarm } = review;
  const out: Block[] = [heading(t('附录', 'Appendix'))];
  if (alarm) out.push({ kind: 'text', words: t(`误报：${alarm.by} 于 ${at(alarm.time)} 标记，${at(alarm.until)} 前同样的事不再告警；原因：${alarm.why}`, `False alarm: marked by ${alarm.by} at ${at(alarm.time)}; the same stays quiet until ${at(alarm.until)}; why: ${alarm.why}`) });
  if (graded.length > 0) out.push({ kind: 'subheading', text: t('定级与理由', 'Level and grade, and why') }, { kind: 'list', items: graded.map(({ time, level, grade, why }) => `${at(time)} ${levelTexts[level][lang]}, ${grade}: ${why[lang]}`) });
  if (alerts.items.length > 0) out.push({ kind: 'subheading', text: t(`告警（${alerts.total}）`, `Alerts (${alerts.total})`) }, { kind: 'table', head: [t('时间', 'time'), t('级别', 'level'), t('告警', 'alert'), 'ID'], widths: [20, 10, 52, 18], rows: alerts.items.map(({ id, time, level, title, summary, count }): Words[] => [at(time), levelTexts[level][lang], summary === '' || summary === title[lang] ? `${title[lang]}${count > 1 ? ` ×${count}` : ''}` : [`${title[lang]}${count > 1 ? ` ×${count}` : ''} — `, code(summary)], code(id)]) }, ...more(alerts, pen));
  if (findings.items.length > 0) out.push({ kind: 'subheading', text: t(`检查发现（${findings.total}）`, `Findings (${findings.total})`) }, { kind: 'table', head: [t('级别', 'level'), t('发现', 'finding'), t('位置', 'where'), 'ID'], widths: [10, 44, 28, 18], rows: findings.items.map(({ id, level, title, path, fix }): Words[] => [levelTexts[level][lang], fix ? `${title[lang]} — ${fix[lang]}` : title[lang], path === undefined ? '' : code(path), code(id)]) }, ...more(findings, pen));
  if (tasks.length > 0) out.push({ kind: 'subheading', text: t('任务', 'Tasks') }, { kind: 'list', items: tasks.slice(0, tasksShown).map(({ title, assignee, done }) => `${done ? '✓' : '○'} ${title}${assignee === undefined ? '' : ` (${assignee})`}${done ? ` — ${done.by}, ${at(done.time)}` : ''}`) }, ...more({ items: tasks.slice(0, tasksShown), total: tasks.length }, pen));
  if (notes.length > 0) out.push({ kind: 'subheading', text: t('记录', 'Notes') }, { kind: 'list', items: notes.slice(-notesShown).map(({ time, by, text }) => `${at(time)} ${by}: ${text}`) }, ...more({ items: notes.slice(-notesShown), total: notes.length }, pen));
  if (links.length > 0) out.push({ kind: 'subheading', text: t('关联', 'Links') }, { kind: 'list', items: links.map(({ target, title }) => (title === undefined ? code(target) : [`${title}: `, code(target)])) });
  if (changes.items.length > 0) out.push({ kind: 'subheading', text: t('处理记录（审计）', 'What was changed, by the audit log') }, { kind: 'table', head: [t('时间', 'time'), t('由谁', 'by'), t('什么', 'what'), t('结果', 'result')], widths: [20, 18, 18, 44], rows: changes.items.map(({ time, by, operation, result, why }): Words[] => [at(time), by, operationTexts[operation]?.[lang] ?? operation, why === '' || operation === 'incident-graded' || operation === 'incident-formed' ? result : `${result} (${why})`]) }, ...more(changes, pen));
  return out;
}
