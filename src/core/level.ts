import type { Text } from './text.ts';

/** How bad a finding or alert is, mildest first (Sigma's own words). */
export const levels = ['info', 'low', 'medium', 'high', 'critical'] as const;
export type Level = (typeof levels)[number];
const levelRank = (level: Level): number => levels.indexOf(level);
export const atLeast = (level: Level, floor: Level): boolean => levelRank(level) >= levelRank(floor);

export const levelTexts: Readonly<Record<Level, Text>> = {
  info: { zh: '提示', en: 'info' },
  low: { zh: '低危', en: 'low' },
  medium: { zh: '中危', en: 'medium' },
  high: { zh: '高危', en: 'high' },
  critical: { zh: '严重', en: 'critical' },
};
