/**
 * Indicators of an incident as a STIX 2.1 bundle. Ids come from the content, so that the same incident exported again gives the same
 * objects: those of observables as the standard says (2.9), the others in a namespace of our own, which the standard allows.
 */
import type { Indicator, Review } from '../core/review.ts';
import { safe } from '../core/safe.ts';

/** SHA-1 of UTF-8 text, as bytes. */
export type Sha1 = (bytes: Uint8Array) => Uint8Array;
export const tlps = ['white', 'green', 'amber', 'red'] as const;
export type Tlp = (typeof tlps)[number];
export interface StixOptions { sha1: Sha1; tlp: Tlp; /** Who says so: the organisation, where it is configured. */ author: string; /** When the indicators cease to hold, Unix ms. */ until?: number | undefined; lang: 'zh' | 'en' }
export type StixObject = { type: string; id: string; spec_version?: string } & Record<string, unknown>;
export interface Bundle { type: 'bundle'; id: string; objects: StixObject[] }

/** Of the standard, for observables only. */
const observableSpace = '00abedb4-aa42-466c-9c01-fed23315a9b7';
/** Ours, made once. */
const ownSpace = '6f1d3c0e-52b7-4f0a-9c8e-3a5b7d1e9f42';
/** Fixed by the standard (7.2.1.4). */
const markings: Record<Tlp, string> = { white: '613f2e26-407d-48c7-9eca-b8e91df99dc9', green: '34098fce-860f-48ae-8e50-ebd3cc5e41da', amber: 'f88d31f6-486f-44da-b317-01333bde0b82', red: '5e57c739-391a-4eb3-b6be-7d15ca92d5ed' };

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(hex.replaceAll('-', '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** RFC 4122, version 5. */
function uuid5(space: string, name: string, sha1: Sha1): string {
  const text = new TextEncoder().encode(name), head = bytesOf(space);
  const all = new Uint8Array(head.length + text.length);
  all.set(head);
  all.set(text, head.length);
  const hash = sha1(all).slice(0, 16);
  hash[6] = (hash[6]! & 0x0f) | 0x50;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  const hex = Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Canonical JSON (RFC 8785) of the properties that make an observable what it is: texts and objects of texts only. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, one]) => `${JSON.stringify(name)}:${canonical(one)}`).join(',')}}`;
}

export const observableId = (type: string, contributing: Record<string, unknown>, sha1: Sha1): string => `${type}--${uuid5(observableSpace, canonical(contributing), sha1)}`;

const iso = (ms: number): string => new Date(ms).toISOString();
const patternText = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
/** Half a pair of letters is no text in UTF-8, and no reader of JSON has to take it. */
const whole = (text: string, most: number): string => safe(text).slice(0, most).replace(/[\ud800-\udbff]$/, '');

function observable({ kind, value, path }: Indicator, sha1: Sha1): StixObject {
  switch (kind) {
    case 'address': { const type = value.includes(':') ? 'ipv6-addr' : 'ipv4-addr'; return { type, spec_version: '2.1', id: observableId(type, { value }, sha1), value }; }
    case 'domain': return { type: 'domain-name', spec_version: '2.1', id: observableId('domain-name', { value }, sha1), value };
    case 'sha256': {
      const name = path === undefined ? undefined : whole(path.slice(path.lastIndexOf('/') + 1), 255) || undefined;
      const own = { hashes: { 'SHA-256': value }, ...(name !== undefined && { name }) };
      return { type: 'file', spec_version: '2.1', id: observableId('file', own, sha1), ...own };
    }
  }
}

function patternOf({ kind, value }: Indicator): string {
  switch (kind) {
    case 'address': return `[${value.includes(':') ? 'ipv6-addr' : 'ipv4-addr'}:value = ${patternText(value)}]`;
    case 'domain': return `[domain-name:value = ${patternText(value)}]`;
    case 'sha256': return `[file:hashes.'SHA-256' = ${patternText(value)}]`;
  }
}

/** `made` of the review is when all of it was written last. */
export function stixOf(review: Review, { sha1, tlp, author, until, lang }: StixOptions): Bundle {
  const created = iso(review.created), modified = iso(Math.max(review.made, review.created));
  const marking = `marking-definition--${markings[tlp]}`;
  const own = (type: string, name: string): string => `${type}--${uuid5(ownSpace, `${type} ${name}`, sha1)}`;
  const byAuthor = own('identity', author);
  const head = (type: string, name: string): StixObject => ({ type, spec_version: '2.1', id: own(type, name), created_by_ref: byAuthor, created, modified, object_marking_refs: [marking] });
  const objects = new Map<string, StixObject>();
  const put = (one: StixObject): string => { if (!objects.has(one.id)) objects.set(one.id, one); return one.id; };
  const relate = (from: string, type: string, to: string): void => { put({ ...head('relationship', `${from} ${type} ${to}`), relationship_type: type, source_ref: from, target_ref: to }); };

  // No moment of it changes: two reports of one author name the same.
  const identity: StixObject = { type: 'identity', spec_version: '2.1', id: byAuthor, created: '2026-01-01T00:00:00.000Z', modified: '2026-01-01T00:00:00.000Z', name: whole(author, 200) || 'Moat', identity_class: 'organization' };
  put({ type: 'marking-definition', spec_version: '2.1', id: marking, created: '2017-01-20T00:00:00.000Z', definition_type: 'tlp', name: `TLP:${tlp.toUpperCase()}`, definition: { tlp } });
  put(identity);
  const incident = put({ ...head('incident', review.id), name: whole(review.title[lang], 500) || review.id, description: whole(review.summary.map((one) => one[lang]).join(lang === 'zh' ? '' : ' '), 5000), external_references: [{ source_name: 'moat', external_id: review.id }] });

  const techniques = new Map<string, string>();
  for (const technique of [...new Set([...review.reached.techniques, ...review.story?.indicators.items.flatMap(({ attack }) => attack) ?? []])].sort()) {
    if (!/^T\d{4}(?:\.\d{3})?$/.test(technique)) continue;
    techniques.set(technique, put({ ...head('attack-pattern', technique), name: technique, external_references: [{ source_name: 'mitre-attack', external_id: technique, url: `https://attack.mitre.org/techniques/${technique.replace('.', '/')}/` }] }));
  }
  for (const one of review.story?.indicators.items ?? []) {
    const seen = put(observable(one, sha1));
    const name = `${review.id} ${one.kind} ${one.value}`;
    const first = Math.min(one.first, one.last), last = Math.max(one.first, one.last);
    const observed = put({ ...head('observed-data', name), first_observed: iso(first), last_observed: iso(last), number_observed: 1, object_refs: [seen] });
    // What is doubtful was seen, and is no indicator.
    if (one.doubt !== undefined) continue;
    const indicator = put({
      ...head('indicator', name), name: `${one.kind} ${whole(one.value, 300)}`, indicator_types: ['malicious-activity'], pattern: patternOf(one), pattern_type: 'stix', pattern_version: '2.1', valid_from: iso(first),
      ...(until !== undefined && until > first && { valid_until: iso(until) }),
    });
    relate(indicator, 'based-on', observed);
    for (const technique of one.attack) { const pattern = techniques.get(technique); if (pattern !== undefined) relate(indicator, 'indicates', pattern); }
    relate(indicator, 'related-to', incident);
  }
  for (const pattern of techniques.values()) relate(incident, 'related-to', pattern);
  const refs = [...objects.keys()].filter((id) => id !== marking);
  put({ ...head('report', review.id), name: whole(review.title[lang], 500) || review.id, report_types: ['indicator', 'observed-data'], published: modified, object_refs: refs, lang, ...(review.summary[0] && { description: whole(review.summary[0][lang], 5000) }) });
  return { type: 'bundle', id: `bundle--${uuid5(ownSpace, `bundle ${review.id} ${modified}`, sha1)}`, objects: [...objects.values()] };
}
