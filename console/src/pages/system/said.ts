/** What raw words of the server mean to people: pure, so that it is tested alone. */

export interface Who { kind: 'account' | 'token' | 'operator' | 'automatic'; name: string }
/** `account:li`, `token:li/grafana`, `operator:root`; all else is Moat itself. */
export function whoOf(by: string): Who {
  const at = by.indexOf(':');
  const kind = by.slice(0, Math.max(0, at));
  return kind === 'account' || kind === 'token' || kind === 'operator' ? { kind, name: by.slice(at + 1) } : { kind: 'automatic', name: by };
}

const browsers = [['Edg/', 'Edge'], ['OPR/', 'Opera'], ['MicroMessenger/', 'WeChat'], ['Firefox/', 'Firefox'], ['Chrome/', 'Chrome'], ['Safari/', 'Safari'], ['curl/', 'curl']] as const;
const systems = [['Windows', 'Windows'], ['Android', 'Android'], ['iPhone', 'iPhone'], ['iPad', 'iPad'], ['Mac OS X', 'macOS'], ['Linux', 'Linux']] as const;
/** The browser and the system that a User-Agent says it is; whoever sends it may lie. Undefined where nothing is known of it. */
export function browserOf(agent: string): string | undefined {
  const browser = browsers.find(([sign]) => agent.includes(sign))?.[1], system = systems.find(([sign]) => agent.includes(sign))?.[1];
  return browser === undefined ? system : system === undefined ? browser : `${browser} · ${system}`;
}

/** Spans of time that a list is filtered by, in ms. */
export const spans = { day: 86_400_000, week: 7 * 86_400_000, month: 30 * 86_400_000, year: 365 * 86_400_000 } as const;
export type Span = keyof typeof spans;
export const spanOf = (word: string | undefined): Span | undefined => (Object.keys(spans) as Span[]).find((one) => one === word);

export interface Scoped { groups?: readonly string[]; environments?: readonly string[]; outside?: 'read' }
/** Left out where it holds no limit: an empty list would be for no host at all. `mayLook`: on all other hosts. */
export function scopeOf(groups: readonly string[], environments: readonly string[], mayLook: boolean): Scoped | undefined {
  const named = [...new Set(groups.map((one) => one.trim()).filter((one) => one !== ''))];
  return named.length + environments.length === 0 ? undefined : { ...(named.length > 0 && { groups: named }), ...(environments.length > 0 && { environments }), ...(mayLook && { outside: 'read' }) };
}
