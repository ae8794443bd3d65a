/** What an alert adds to what is known of an incident. Sets and maxima only: the order in which alerts come changes nothing. */
import type { Alert } from '../../core/alert.ts';
import type { Finding } from '../../core/finding.ts';
import type { IncidentFacts } from '../../core/incident-store.ts';
import { atLeast, type Level } from '../../core/level.ts';
import { roleOf } from '../origin/roles.ts';
import { tacticsOf } from '../response/tactics.ts';
import { isPrivate } from './addresses.ts';
import { addressOf, identity, treeOf, type Ties } from './ties.ts';

export const noFacts: IncidentFacts = { founds: false, tactics: {}, techniques: [], grave: [], root: false, accounts: [], addresses: [], trees: [], neighbours: [], services: [] };

const listMax = 50;
const wordMax = 200;

/** Of a technique that serves several tactics, the one that tells most of how far somebody got. */
const telling = ['impact', 'exfiltration', 'lateral-movement', 'credential-access', 'command-and-control', 'initial-access', 'persistence', 'privilege-escalation', 'execution', 'collection', 'defense-evasion', 'discovery', 'reconnaissance', 'resource-development'];

export function tacticOf(technique: string): string | undefined {
  const all = tacticsOf(technique);
  return telling.find((one) => all.includes(one));
}

/** `floor`: what is milder makes no incident by itself. */
export function factsOf(alert: Alert, finding: Finding | undefined, { attempt, node, address }: Ties, floor: Level): IncidentFacts {
  // Whoever installs a package did not write it.
  const isInstalling = (node?.origin.kind ?? alert.evidence[0]?.origin) === 'package';
  const from = isInstalling ? undefined : address ?? addressOf(alert);
  const headline = { level: alert.level, time: alert.time, id: alert.id, title: alert.title };
  const addresses = from === undefined ? [] : [from.slice(0, wordMax)];
  if (attempt) return { ...noFacts, founds: atLeast(alert.level, floor), tried: alert.level, headline, addresses };
  const first = alert.evidence[0] ?? {};
  // A door that stands open, and a disk that fills, belong to a story and make none.
  const isSign = finding !== undefined ? finding.kind === 'intrusion' : atLeast(alert.level, 'high') || (alert.attack.length > 0 && !alert.rule_id.startsWith('check.'));
  const tactics: Record<string, number> = {};
  if (isSign) for (const one of alert.attack) { const tactic = tacticOf(one); if (tactic !== undefined) tactics[tactic] = alert.time; }
  const user = node?.origin.user ?? (typeof first.origin_user === 'string' ? first.origin_user : undefined) ?? alert.user;
  const tree = node && treeOf(node);
  const inner = first.direction === 'outbound' && typeof first.destination_ip === 'string' && isPrivate(first.destination_ip) && alert.attack.some((one) => tacticOf(one) === 'lateral-movement' || one.startsWith('T1046')) ? [first.destination_ip] : [];
  const service = serviceOf(node);
  return {
    founds: isSign && atLeast(alert.level, floor), headline, tactics, techniques: isSign ? bounded(alert.attack) : [],
    ...(isSign && { worst: alert.level }), grave: isSign && atLeast(alert.level, 'high') ? [alert.rule_id.slice(0, wordMax)] : [],
    root: isSign && (first.uid === 0 || node?.uid === 0 || alert.user === 'root'),
    accounts: user === undefined ? [] : [user.slice(0, wordMax)], addresses, trees: tree ? [identity(tree)] : [], neighbours: inner, services: service === undefined ? [] : [service],
  };
}

/** `web nginx`, `database redis-server`: the business service that a process was started by. */
function serviceOf(node: Ties['node']): string | undefined {
  if (node === undefined || (node.origin.kind !== 'web' && node.origin.kind !== 'service')) return undefined;
  const { role, label } = roleOf(node.root.path, node.root.name, node.root.cmdline);
  if (node.origin.kind === 'web') return `web ${(node.origin.name ?? label).slice(0, wordMax)}`;
  return role === 'database' ? `database ${label.slice(0, wordMax)}` : undefined;
}

/** Both together. */
export function addFacts(a: IncidentFacts, b: IncidentFacts): IncidentFacts {
  const worst = worse(a.worst, b.worst), tried = worse(a.tried, b.tried), headline = leading(a.headline, b.headline);
  const tactics: Record<string, number> = { ...a.tactics };
  for (const [tactic, time] of Object.entries(b.tactics)) tactics[tactic] = Math.min(tactics[tactic] ?? time, time);
  return {
    founds: a.founds || b.founds, ...(worst !== undefined && { worst }), ...(tried !== undefined && { tried }), ...(headline !== undefined && { headline }), tactics, root: a.root || b.root,
    techniques: joined(a.techniques, b.techniques), grave: joined(a.grave, b.grave), accounts: joined(a.accounts, b.accounts), addresses: joined(a.addresses, b.addresses),
    trees: joined(a.trees, b.trees), neighbours: joined(a.neighbours, b.neighbours), services: joined(a.services, b.services),
  };
}

/** The first in order: which ones stay does not depend on which came first. */
const bounded = (words: readonly string[]): string[] => [...new Set(words)].sort().slice(0, listMax);

/** Both are in order and bounded. In a flood most have nothing new to say, or nothing that finds room. */
function joined(a: readonly string[], b: readonly string[]): readonly string[] {
  const last = a.length >= listMax ? a.at(-1)! : undefined;
  return b.every((word) => (last !== undefined && word > last) || a.includes(word)) ? a : bounded([...a, ...b]);
}

export const worse = (a: Level | undefined, b: Level | undefined): Level | undefined => (a === undefined ? b : b === undefined ? a : atLeast(a, b) ? a : b);

type Headline = NonNullable<IncidentFacts['headline']>;
function leading(a: Headline | undefined, b: Headline | undefined): Headline | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.level !== b.level) return atLeast(a.level, b.level) ? a : b;
  if (a.time !== b.time) return a.time < b.time ? a : b;
  return a.id <= b.id ? a : b;
}
