/** How well this machine is kept: one figure, and what costs it. */
import { levels, type Level } from '../../core/level.ts';
import type { Store } from '../../core/ports.ts';
import type { KeptFinding } from '../../core/scan-store.ts';

/** Points that a finding costs, and what all of its level cost together at most: one bad door is bad, a hundred small ones are not a ruin. */
const costs: Readonly<Record<Level, { each: number; most: number }>> = { critical: { each: 30, most: 60 }, high: { each: 12, most: 40 }, medium: { each: 3, most: 25 }, low: { each: 0.5, most: 10 }, info: { each: 0, most: 0 } };
const kindsCounted = new Set(['intrusion', 'weakness']);
const samplesShown = 5, groupsMost = 500, trendMost = 200;

type Standing = ReturnType<Store['scans']['standing']>;

/** 0 to 100. Notices cost nothing. */
export function scoreOf(standing: Standing): number {
  let score = 100;
  for (const level of levels) {
    const n = standing.reduce((sum, one) => sum + (one.level === level && kindsCounted.has(one.kind) ? one.count : 0), 0);
    score -= Math.min(costs[level].most, n * costs[level].each);
  }
  return Math.max(0, Math.round(score));
}

export const flat = ({ finding, first, last, gone }: KeptFinding): object => ({ ...finding, first, last, ...(gone !== undefined && { gone }) });

/** Grouped by check, the dearest first. */
export function postureOf(store: Pick<Store, 'scans'>): { score: number; groups: object[]; by_level: Record<Level, number>; trend: object[] } {
  const standing = store.scans.standing();
  const byLevel = Object.fromEntries(levels.map((level) => [level, standing.reduce((sum, one) => sum + (one.level === level ? one.count : 0), 0)])) as Record<Level, number>;
  const groups = standing.map(({ check, kind, level, count }) => ({ check, kind, level, count, cost: kindsCounted.has(kind) ? count * costs[level].each : 0 }))
    .sort((a, b) => b.cost - a.cost || levels.indexOf(b.level) - levels.indexOf(a.level) || b.count - a.count).slice(0, groupsMost)
    .map((group) => {
      const samples = store.scans.findings({ check: group.check, kind: group.kind, level: [group.level], limit: samplesShown });
      const [first] = samples;
      return { ...group, ...(first && { title: first.finding.title }), fix: samples.some(({ finding: { fix } }) => (fix?.actions?.length ?? 0) > 0 || (fix?.commands.length ?? 0) > 0), samples: samples.map(flat) };
    });
  const trend = store.scans.scans({ limit: trendMost }).toReversed().map(({ id, ended, score }) => ({ time: ended, score, scan: id }));
  return { score: scoreOf(standing), groups, by_level: byLevel, trend };
}
