/** How bad a finding or alert is, mildest first (Sigma's own words). */
export const levels = ['info', 'low', 'medium', 'high', 'critical'] as const;
export type Level = (typeof levels)[number];
const levelRank = (level: Level): number => levels.indexOf(level);
export const atLeast = (level: Level, floor: Level): boolean => levelRank(level) >= levelRank(floor);
