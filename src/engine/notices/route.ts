/** Which alerts go to which channel. */
import type { Level } from '../../core/level.ts';
import { atLeast, levels } from '../../core/level.ts';
import type { NoticeRows, QueuedNotice } from '../../core/notice.ts';
import { equals } from '../exceptions.ts';
import type { Folded } from '../fold.ts';
import { headOf, type AlertHead } from './item.ts';

/** Rule names may have `*` at an end. */
export interface Route { name: string; level: Level; rules: readonly string[]; except: readonly string[] }

const wants = (route: Route, level: Level, rule: string): boolean =>
  atLeast(level, route.level) && (route.rules.length === 0 || route.rules.some((one) => equals(rule, one))) && !route.except.some((one) => equals(rule, one));

/** Alerts that are new or have become worse; undefined when nobody wants any. Of more than `max` for a channel the worst are taken and the others counted. */
export function routed(folded: readonly Folded[], routes: readonly Route[], max: number, now: number): NoticeRows | undefined {
  const rows: QueuedNotice[] = [];
  const dropped = new Map<string, number>();
  const told = folded.filter(({ isNew, isWorse, alert }) => (isNew || isWorse) && alert.status === 'open');
  if (told.length === 0) return undefined;
  for (const route of routes) {
    let wanted = told.filter(({ alert }) => wants(route, alert.level, alert.rule_id));
    if (wanted.length > max) {
      dropped.set(route.name, wanted.length - max);
      // Of equals the newest, as the queue does.
      wanted = wanted.map((one, i) => ({ one, i })).sort((a, b) => levels.indexOf(b.one.alert.level) - levels.indexOf(a.one.alert.level) || b.i - a.i).slice(0, max).sort((a, b) => a.i - b.i).map(({ one }) => one);
    }
    for (const { alert } of wanted) rows.push({ channel: route.name, subject: alert.id, level: alert.level, time: now, alert: headOf(alert) });
  }
  return rows.length === 0 ? undefined : { rows, max, dropped };
}

/** One thing that is told whatever was told before. */
export function routedTo(alert: AlertHead, routes: readonly Route[], max: number, now: number): NoticeRows | undefined {
  const rows = routes.filter((route) => wants(route, alert.level, alert.rule_id)).map((route): QueuedNotice => ({ channel: route.name, subject: alert.id, level: alert.level, time: now, alert }));
  return rows.length === 0 ? undefined : { rows, max };
}
