/** How bad an incident is (level), what it means for the business (grade 一/二/三级), and whether the statutory clock runs. */
import type { IncidentFacts } from '../../core/incident-store.ts';
import type { Grade } from '../../core/incident.ts';
import { atLeast, type Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { worse } from './facts.ts';

/** core: the business stops or its data are lost with it; part: a part of it; low: nothing of it runs here. */
export type Importance = 'core' | 'part' | 'low';

/** What the machine is to the business, and why that is thought. */
export interface HostWorth { importance: Importance; why: Text }

export interface Judgement { level: Level; grade: Grade; why: Text; /** Why 较大 (a larger event) is suspected. */ larger?: Text }

/** How sure it is that somebody was at work. */
type Certainty = 'certain' | 'likely' | 'possible';

function certaintyOf({ worst, grave }: IncidentFacts): Certainty {
  if (worst === 'critical' || grave.length >= 2) return 'certain';
  return worst === 'high' ? 'likely' : 'possible';
}

const certaintyTexts: Record<Certainty, Text> = { certain: { zh: '确凿', en: 'certain' }, likely: { zh: '很可能', en: 'likely' }, possible: { zh: '待核实', en: 'to be confirmed' } };
export const tacticTexts: Readonly<Record<string, Text>> = {
  'initial-access': { zh: '进入', en: 'initial access' }, 'execution': { zh: '执行', en: 'execution' }, 'persistence': { zh: '驻留', en: 'persistence' }, 'privilege-escalation': { zh: '提权', en: 'privilege escalation' },
  'defense-evasion': { zh: '躲避检测', en: 'defence evasion' }, 'credential-access': { zh: '窃取凭据', en: 'credential access' }, 'discovery': { zh: '侦察内部', en: 'discovery' }, 'lateral-movement': { zh: '横向移动', en: 'lateral movement' },
  'collection': { zh: '收集数据', en: 'collection' }, 'command-and-control': { zh: '受控外联', en: 'command and control' }, 'exfiltration': { zh: '外传数据', en: 'exfiltration' }, 'impact': { zh: '破坏或滥用', en: 'impact' },
};
const gradedFirst = 5, gradedLast = 45;
/** The first and the latest changes of a level: the middle gives way. */
export const boundedGrades = <T>(graded: readonly T[]): readonly T[] => (graded.length > gradedFirst + gradedLast ? [...graded.slice(0, gradedFirst), ...graded.slice(-gradedLast)] : graded);

const gradeTexts: Record<Grade, Text> = { 1: { zh: '一级：核心业务受害', en: 'grade 1: core business is hit' }, 2: { zh: '二级：部分业务受害', en: 'grade 2: part of the business is hit' }, 3: { zh: '三级：仅限感染', en: 'grade 3: infection only' } };
export const gradeText = (grade: Grade): Text => gradeTexts[grade];

/** The machine's own work stops, or its power is taken: what only uses its power is no hit on the business. */
const onlyPower = /^T1496(?:\.|$)/;
export const destroys = /^T(?:1485|1486|1490|1491|1561|1565|1657)(?:\.|$)/;
export const interrupts = /^T(?:1489|1495|1498|1499|1529|1531)(?:\.|$)/;
/** It left this machine. */
export const sends = /^T(?:1020|1030|1041|1048|1537|1567)(?:\.|$)/;
export const takes = /^T(?:1020|1030|1041|1048|1537|1567|1005|1039|1074|1119|1213|1530|1560)(?:\.|$)/;

const sidelines = new Set(['reconnaissance', 'resource-development', 'discovery']);

export function judge(facts: IncidentFacts, worth: HostWorth): Judgement {
  const { worst, tried, techniques, tactics } = facts;
  if (worst === undefined) {
    // However hard they try: nobody is in.
    const level = tried === undefined ? 'info' : atLeast(tried, 'medium') ? 'medium' : tried;
    const n = facts.addresses.length;
    return { level, grade: 3, why: { zh: `只有外来的尝试（${n >= 50 ? '50 个以上' : `${n} 个`}地址），没有人进来`, en: `attempts from outside only (${n >= 50 ? '50 addresses or more' : n === 1 ? '1 address' : `${n} addresses`}), nobody got in` } };
  }
  const certainty = certaintyOf(facts);
  const stages = Object.keys(tactics).filter((one) => !sidelines.has(one) && (one !== 'impact' || !techniques.every((t) => onlyPower.test(t))));
  const destroyed = techniques.some((one) => destroys.test(one)), interrupted = techniques.some((one) => interrupts.test(one)), taken = techniques.some((one) => takes.test(one));
  const spread = facts.neighbours.length > 0 || tactics['lateral-movement'] !== undefined;
  const stays = tactics['persistence'] !== undefined || tactics['command-and-control'] !== undefined;
  const reasons: Text[] = [];
  const because = (zh: string, en: string): void => { reasons.push({ zh, en }); };

  let level = worst;
  const atLeastLevel = (floor: Level): void => { level = worse(level, floor) ?? level; };
  if (stages.length >= 3 && atLeast(worst, 'medium')) atLeastLevel('high');
  if (stages.length >= 4 && facts.grave.length > 0) atLeastLevel('critical');
  if ((destroyed || taken || spread) && atLeast(worst, 'high')) atLeastLevel('critical');
  if (facts.root && stays && certainty === 'certain') atLeastLevel('critical');

  const reached = Object.keys(tactics).filter((one) => tacticTexts[one] !== undefined).sort((a, b) => (tactics[a] ?? 0) - (tactics[b] ?? 0) || (a < b ? -1 : 1));
  if (reached.length > 0) because(`已到：${reached.map((one) => tacticTexts[one]!.zh).join('、')}`, `reached: ${reached.map((one) => tacticTexts[one]!.en).join(', ')}`);
  if (facts.root) because('已有 root 权限', 'root rights');

  let grade: Grade = 3;
  const sure = certainty !== 'possible';
  if ((destroyed || interrupted || taken) && sure) {
    because(destroyed ? '数据被毁或加密' : taken ? '数据被取走' : '服务被中断', destroyed ? 'data destroyed or encrypted' : taken ? 'data taken' : 'services interrupted');
    grade = worth.importance === 'core' ? 1 : worth.importance === 'part' || destroyed ? 2 : 3;
  }
  if (facts.root && stays && sure && worth.importance !== 'low') grade = least(grade, worth.importance === 'core' && certainty === 'certain' ? 1 : 2);
  if (facts.services.length > 0 && sure) {
    because(`经由业务服务：${facts.services.join('、')}`, `by way of a business service: ${facts.services.join(', ')}`);
    grade = least(grade, worth.importance === 'low' ? 3 : 2);
  }
  if (spread && sure) {
    because(facts.neighbours.length > 0 ? `波及 ${facts.neighbours.length} 台邻机` : '向邻机移动', facts.neighbours.length > 0 ? `${facts.neighbours.length} neighbours reached` : 'moves on to neighbours');
    grade = least(grade, worth.importance === 'core' ? 1 : 2);
  }
  const counts: [number, string, string][] = [[facts.accounts.length, '个账号', 'accounts'], [facts.trees.length, '个进程树', 'process trees'], [facts.addresses.length, '个地址', 'addresses']];
  const wide = counts.filter(([n]) => n > 1);
  if (wide.length > 0) because(`范围：${wide.map(([n, zh]) => `${n} ${zh}`).join('、')}`, `spread: ${wide.map(([n, , en]) => `${n} ${en}`).join(', ')}`);
  because(`把握：${certaintyTexts[certainty].zh}`, `certainty: ${certaintyTexts[certainty].en}`);
  if (grade < 3 || worth.importance === 'low') reasons.push(worth.why);
  const why = { zh: `${gradeTexts[grade].zh}；${reasons.map(({ zh }) => zh).join('；')}`, en: `${gradeTexts[grade].en}; ${reasons.map(({ en }) => en).join('; ')}` };
  const larger = grade === 1 ? { zh: '核心业务受害', en: 'core business is hit' } : taken && tactics['exfiltration'] !== undefined && certainty === 'certain' ? { zh: '数据很可能已外传', en: 'data most likely left this machine' } : undefined;
  return { level, grade, why, ...(larger && { larger }) };
}

/** The graver of two grades. */
const least = (a: Grade, b: Grade): Grade => (a < b ? a : b);
