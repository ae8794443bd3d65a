/** Attributes of MISP exports: events, feeds and attribute searches. */
import type { IndicatorKind } from '../../core/lineage.ts';
import { jsonElements } from './json-elements.ts';
import type { ListBuilder } from './list.ts';
import { addValue } from './recognise.ts';
import type { ListReader } from './text-lists.ts';

type Part = IndicatorKind | 'rest';

/** Attribute type → what its value is; composed ones are split at |. A port or file name is the rest. */
const types: Readonly<Record<string, readonly Part[]>> = {
  'ip-src': ['address'], 'ip-dst': ['address'], 'ip-src|port': ['address', 'rest'], 'ip-dst|port': ['address', 'rest'],
  domain: ['domain'], hostname: ['domain'], 'hostname|port': ['domain', 'rest'], 'domain|ip': ['domain', 'address'], url: ['domain'], uri: ['domain'],
  md5: ['hash'], sha1: ['hash'], sha256: ['hash'], 'filename|md5': ['rest', 'hash'], 'filename|sha1': ['rest', 'hash'], 'filename|sha256': ['rest', 'hash'],
  'malware-sample': ['rest', 'hash'], btc: ['wallet'], xmr: ['wallet'], dash: ['wallet'],
};

export function mispReader(into: ListBuilder, kind: IndicatorKind | undefined): ListReader {
  let seen = 0;
  let understood = 0;
  const json = jsonElements(new Set(['Attribute']), (attribute) => {
    const { type, value, to_ids: detect, deleted } = attribute;
    if (typeof type !== 'string' || typeof value !== 'string') return;
    seen++;
    // MISP's own mark of what is background and not to be alerted upon.
    if (detect === false || detect === '0' || deleted === true || deleted === '1') { understood++; into.refuse('not for detection'); return; }
    const parts = Object.hasOwn(types, type) ? types[type] : undefined;
    if (!parts) { into.refuse('not understood'); return; }
    const values = parts.length === 1 ? [value] : value.split('|');
    let whole = true;
    parts.forEach((part, i) => {
      if (part === 'rest' || (kind !== undefined && kind !== part)) return;
      // The host of a URL may be an address.
      if (!addValue(into, ownPort(values[i] ?? ''), value.includes('://') ? kind : part)) whole = false;
    });
    if (whole) understood++;
  }, () => { seen++; into.refuse('too large'); });
  return { push: (text) => json.push(text), end: () => json.end(), get seen() { return seen; }, get understood() { return understood; }, get fault() { return json.fault; } };
}

/** A trailing port is no part of a name. */
const ownPort = (text: string): string => (text.includes('://') || text.includes('[') ? text : text.replace(/^([^:]+):\d{1,5}$/, '$1'));
