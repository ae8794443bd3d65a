/**
 * The report to the authority (国家网络安全事件报告管理办法), filled in as far as it is known. What only people know is left open, what is
 * guessed says so: whether it has to be reported is theirs to judge.
 */
import type { IncidentRecord } from '../../core/incident-store.ts';
import type { Cause, Cost, DataAtRisk, FormField, ReviewAction, ReviewPlace, Some, StatutoryForm, StoryDigest } from '../../core/review.ts';
import type { Text } from '../../core/text.ts';
import { destroys, interrupts, takes } from './grade.ts';

const summaryDays = 30;
const day = 86_400_000;
const listed = 8;

export interface FormInput { record: IncidentRecord; story: StoryDigest | undefined; causes: readonly Cause[]; data: readonly DataAtRisk[]; actions: Some<ReviewAction>; place: ReviewPlace; cost: Cost | undefined; clock: (ms: number) => string; evidence: number }

export function formOf(input: FormInput): StatutoryForm {
  const { record, place } = input;
  const { clock } = record;
  return {
    ...(clock && { due: clock.due, why: clock.why, ...(clock.stopped && { stopped: clock.stopped }) }),
    ...(record.status === 'closed' || record.status === 'recovered' ? { summary_due: record.since + summaryDays * day } : {}),
    fields: record.status === 'false-alarm' ? [] : [
      field('事发单位', 'organisation', place.organisation),
      field('报告人与联系方式', 'who reports, and how to reach them', place.contact),
      field('发生事件的系统或设施及其用途', 'system or facility, and what it is for', place.system === undefined ? undefined : `${place.system} (${record.host})`, place.system === undefined ? { zh: `主机 ${record.host}；系统名称与用途请填写`, en: `host ${record.host}; name and purpose of the system are for you to fill in` } : undefined),
      field('地点', 'where', place.place),
      { name: { zh: '发生时间', en: 'when it happened' }, ...(input.story && input.story.nodes > 0 && { value: both(input.clock(input.story.entry?.time ?? input.story.began)), guess: true }) },
      { name: { zh: '发现时间', en: 'when it was detected' }, value: both(input.clock(record.created)) },
      { name: { zh: '事件类型（GB/T 20986-2023）', en: 'class (GB/T 20986-2023)' }, value: classOf(record), guess: true },
      { name: { zh: '事件级别（特别重大、重大、较大、一般）', en: 'statutory level (特别重大, 重大, 较大, 一般)' }, ...(record.clock && { value: { zh: `疑似较大：${record.clock.why.zh}`, en: `a larger event (较大) is suspected: ${record.clock.why.en}` }, guess: true }), hint: { zh: '由你判定；涉及 100 万人以上个人信息为较大，1000 万重大，1 亿特别重大', en: 'yours to judge; personal data of 1 million people is 较大, 10 million 重大, 100 million 特别重大' } },
      { name: { zh: '已造成的影响和危害', en: 'effects and harm so far' }, ...harm(input), hint: { zh: '受影响的人数、业务与中断时长请补充', en: 'add how many people and which business are affected, and for how long' } },
      { name: { zh: '已采取的措施及效果', en: 'measures taken, and their effect' }, ...(input.actions.total > 0 && { value: measuresTaken(input.actions, record) }), ...(input.actions.total === 0 && { hint: { zh: '未通过 Moat 采取措施；其他措施请填写', en: 'none was taken through Moat; others are for you to fill in' } }) },
      ...(record.facts.techniques.some((one) => one.startsWith('T1486')) ? [{ name: { zh: '勒索：要求支付的金额、方式、日期', en: 'ransom: amount, way and date of payment asked for' } }] : []),
      { name: { zh: '事态发展趋势，可能造成的进一步影响', en: 'how it may go on, and further harm that is possible' }, ...further(input) },
      { name: { zh: '初步分析的原因', en: 'causes, as first analysed' }, ...causesText(input.causes), hint: { zh: '原因不明可先不报，查明后补报', en: 'where the cause is not known, report without it and add it later' } },
      { name: { zh: '调查所需的线索：可能的攻击者、攻击路径、漏洞', en: 'leads: possible attacker, way of the attack, holes' }, ...leads(input) },
      { name: { zh: '拟进一步采取的措施，请求支援事项', en: 'further measures planned, and support asked for' }, ...(record.tasks.some(({ done }) => done === undefined) && { value: both(record.tasks.filter(({ done }) => done === undefined).slice(0, listed).map(({ title }) => title).join('; ')), guess: true }) },
      { name: { zh: '现场与证据的保护情况', en: 'how the scene and the evidence are kept' }, ...(input.evidence > 0 && { value: { zh: `已固定 ${input.evidence} 份证据`, en: `${input.evidence} archives of evidence are kept` } }), ...(input.evidence === 0 && { hint: { zh: '尚未固定证据', en: 'no archive of evidence yet' } }) },
      { name: { zh: '其他应当报告的情况', en: 'anything else that should be reported' } },
    ],
  };
}

const both = (text: string): Text => ({ zh: text, en: text });
const field = (zh: string, en: string, value: string | undefined, hint?: Text): FormField => ({ name: { zh, en }, ...(value !== undefined && value !== '' && { value: both(value) }), ...(hint && { hint }) });

function classOf({ facts: { techniques } }: IncidentRecord): Text {
  const any = (pattern: RegExp): boolean => techniques.some((one) => pattern.test(one));
  if (any(/^T1486|^T1496|^T1204|^T1505/)) return { zh: '恶意程序事件', en: 'malicious programs (恶意程序事件)' };
  if (any(takes)) return { zh: '数据安全事件', en: 'data security (数据安全事件)' };
  return { zh: '网络攻击事件', en: 'network attack (网络攻击事件)' };
}

function harm({ record, data, cost, story }: FormInput): Partial<FormField> {
  const { techniques } = record.facts;
  const zh: string[] = [], en: string[] = [];
  const say = (a: string, b: string): void => { zh.push(a); en.push(b); };
  if (techniques.some((one) => destroys.test(one))) say('有数据被毁或加密的迹象', 'signs of data destroyed or encrypted');
  if (techniques.some((one) => takes.test(one))) say('有数据被取走的迹象', 'signs of data taken');
  if (techniques.some((one) => interrupts.test(one))) say('有服务被中断的迹象', 'signs of services interrupted');
  for (const { what, items } of data.slice(0, 4)) say(`${what.zh} ${items.total} 项`, `${what.en}: ${items.total}`);
  if (story && story.scope.neighbour.total > 0) say(`波及内网 ${story.scope.neighbour.total} 个地址`, `${story.scope.neighbour.total} addresses of the inner network reached`);
  if (cost?.total !== undefined) say(`损失估算 ${cost.total} ${cost.currency}`, `estimated at ${cost.total} ${cost.currency}`);
  return zh.length === 0 ? {} : { value: { zh: zh.join('；'), en: en.join('; ') }, guess: true };
}

function measuresTaken({ items, total }: Some<ReviewAction>, { status }: IncidentRecord): Text {
  const done = items.filter(({ status: state }) => state === 'applied').slice(0, listed);
  const more = total - done.length;
  return { zh: `${done.map(({ title }) => title.zh).join('；')}${more > 0 ? `；另有 ${more} 项` : ''}。现状：${status}`, en: `${done.map(({ title }) => title.en).join('; ')}${more > 0 ? `; ${more} more` : ''}. It is now: ${status}` };
}

function further({ record, data }: FormInput): Partial<FormField> {
  if (data.some(({ certain }) => certain)) return { value: { zh: '被读取的凭据可能用于进入其他系统', en: 'credentials that were read may open other systems' }, guess: true };
  return record.status === 'contained' || record.status === 'eradicated' || record.status === 'recovered' || record.status === 'closed' ? { value: { zh: '已遏制，未见扩散', en: 'it is contained; no sign that it spreads' }, guess: true } : {};
}

function causesText(causes: readonly Cause[]): Partial<FormField> {
  const known = causes.filter(({ bone }) => bone !== 'monitoring' && bone !== 'process').slice(0, listed);
  return known.length === 0 ? {} : { value: { zh: known.map(({ text }) => text.zh).join('；'), en: known.map(({ text }) => text.en).join('; ') }, guess: true };
}

function leads({ story, record }: FormInput): Partial<FormField> {
  const addresses = story?.indicators.items.filter(({ kind, doubt }) => kind === 'address' && doubt === undefined).map(({ value }) => value) ?? record.facts.addresses;
  if (addresses.length === 0 && story?.entry === undefined) return {};
  const entry = story?.entry?.text;
  const some = addresses.slice(0, listed).join(', ');
  return { value: { zh: [entry && `入口：${entry.zh}`, some && `地址：${some}`].filter(Boolean).join('；'), en: [entry && `way in: ${entry.en}`, some && `addresses: ${some}`].filter(Boolean).join('; ') }, guess: true };
}
