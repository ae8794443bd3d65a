/** Words that reports and their summary share. */
import type { IncidentStatus } from './incident.ts';
import type { Text } from './text.ts';

export const statusTexts: Readonly<Record<IncidentStatus, Text>> = {
  new: { zh: '新建，尚无人处理', en: 'new, nobody has taken it up' }, triaged: { zh: '已确认，正在处理', en: 'confirmed, being dealt with' }, contained: { zh: '已控制，不再扩散', en: 'contained, it spreads no further' }, eradicated: { zh: '已清除', en: 'cleaned up' },
  recovered: { zh: '已恢复', en: 'recovered' }, closed: { zh: '已结束', en: 'closed' }, 'false-alarm': { zh: '误报', en: 'a false alarm' },
};

/** In words. */
export function span(ms: number): Text {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1) { const s = Math.round(ms / 1000); return { zh: `${s} 秒`, en: `${s} s` }; }
  if (minutes < 120) return { zh: `${minutes} 分钟`, en: `${minutes} min` };
  const hours = ms / 3_600_000;
  if (hours < 48) return { zh: `${hours.toFixed(1)} 小时`, en: `${hours.toFixed(1)} h` };
  return { zh: `${(hours / 24).toFixed(1)} 天`, en: `${(hours / 24).toFixed(1)} days` };
}
