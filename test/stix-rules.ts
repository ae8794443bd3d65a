/** Whether a bundle keeps the rules of STIX 2.1 (OASIS Standard of 10 June 2021) for the objects that Moat writes. Written from the text of the standard. */
import { createHash } from 'node:crypto';

type Any = Record<string, unknown>;

const id = /^([a-z0-9][a-z0-9-]{1,248}[a-z0-9])--([0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})$/;
const timestamp = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?Z$/;
const sco: Record<string, readonly string[]> = { 'ipv4-addr': ['value'], 'ipv6-addr': ['value'], 'domain-name': ['value'], 'file': ['hashes', 'name'] };
const needed: Record<string, readonly string[]> = {
  'identity': ['name'], 'indicator': ['pattern', 'pattern_type', 'valid_from'], 'attack-pattern': ['name'], 'incident': ['name'], 'observed-data': ['first_observed', 'last_observed', 'number_observed', 'object_refs'],
  'relationship': ['relationship_type', 'source_ref', 'target_ref'], 'report': ['name', 'published', 'object_refs'], 'marking-definition': ['definition_type', 'definition', 'created'],
};
const allowed: Record<string, readonly string[]> = {
  'identity': ['name', 'identity_class'], 'indicator': ['name', 'indicator_types', 'pattern', 'pattern_type', 'pattern_version', 'valid_from', 'valid_until'], 'attack-pattern': ['name', 'external_references'], 'incident': ['name', 'description', 'external_references'],
  'observed-data': ['first_observed', 'last_observed', 'number_observed', 'object_refs'], 'relationship': ['relationship_type', 'source_ref', 'target_ref'], 'report': ['name', 'description', 'report_types', 'published', 'object_refs', 'lang'], 'marking-definition': ['definition_type', 'name', 'definition', 'created'],
};
const common = ['type', 'spec_version', 'id', 'created_by_ref', 'created', 'modified', 'object_marking_refs'];
const moments = ['created', 'modified', 'published', 'valid_from', 'valid_until', 'first_observed', 'last_observed'];
/** Of source and target, as the standard's table of relationships has them; `related-to` goes between any. */
const relations: Record<string, readonly [string, string][]> = { 'based-on': [['indicator', 'observed-data']], 'indicates': [['indicator', 'attack-pattern']] };

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Each fault in a few words; none for a bundle that keeps the rules. */
export function stixFaults(bundle: { type: string; id: string; objects: readonly object[] }): string[] {
  const faults: string[] = [];
  const must = (holds: boolean, what: string): void => { if (!holds) faults.push(what); };
  must(bundle.type === 'bundle' && id.exec(bundle.id)?.[1] === 'bundle' && !('spec_version' in bundle), 'bundle');
  const objects = bundle.objects as readonly Any[];
  const ids = new Map(objects.map((one) => [String(one['id']), one]));
  must(ids.size === objects.length, 'an id stands twice');
  must(new Set([...ids.keys()].map((one) => one.split('--')[1])).size === ids.size, 'one UUID for two types');
  for (const one of objects) {
    const type = String(one['type']), name = String(one['id']);
    const fault = (what: string): string => `${name}: ${what}`;
    must(id.exec(name)?.[1] === type, fault('id'));
    must(one['spec_version'] === '2.1', fault('spec_version'));
    for (const [key, value] of Object.entries(one)) {
      must(/^[a-z0-9_]{3,250}$/.test(key) || key === 'id', fault(`name of ${key}`));
      must(value !== null && value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0), fault(`${key} is empty`));
      if (moments.includes(key)) must(timestamp.test(String(value)), fault(key));
      if (key.endsWith('_ref') || key.endsWith('_refs')) for (const ref of Array.isArray(value) ? value as unknown[] : [value]) must(ids.has(String(ref)), fault(`${key} names ${String(ref)}, which is not there`));
    }
    const contributing = sco[type];
    if (contributing) {
      must(name === expectedId(type, one, contributing), fault('id is not made of its content'));
      must(Object.keys(one).every((key) => ['type', 'spec_version', 'id', ...contributing].includes(key)), fault('an unknown property'));
      if (type === 'file') must(Object.entries(one['hashes'] as Any).every(([algorithm, value]) => algorithm === 'SHA-256' && /^[0-9a-f]{64}$/.test(String(value))), fault('hashes'));
      continue;
    }
    must(needed[type] !== undefined, fault(`unknown type ${type}`));
    for (const key of needed[type] ?? []) must(key in one, fault(`${key} is missing`));
    if (type !== 'marking-definition') for (const key of ['created', 'modified']) must(key in one, fault(`${key} is missing`));
    must(Object.keys(one).every((key) => common.includes(key) || allowed[type]?.includes(key) === true), fault('an unknown property'));
    if (type !== 'marking-definition') must(String(one['modified']) >= String(one['created']), fault('modified before created'));
    if (type === 'indicator') {
      must(/^\[(?:ipv4-addr:value|ipv6-addr:value|domain-name:value|file:hashes\.'SHA-256') = '(?:[^'\\]|\\['\\])*'\]$/.test(String(one['pattern'])), fault('pattern'));
      must(one['valid_until'] === undefined || text(one['valid_until']) > text(one['valid_from']), fault('valid_until'));
    }
    if (type === 'observed-data') must(Number.isInteger(one['number_observed']) && Number(one['number_observed']) >= 1 && String(one['last_observed']) >= String(one['first_observed']), fault('observed'));
    if (type === 'relationship') {
      const ends = [String(one['source_ref']).split('--')[0]!, String(one['target_ref']).split('--')[0]!];
      must(one['relationship_type'] === 'related-to' || relations[String(one['relationship_type'])]?.some(([from, to]) => from === ends[0] && to === ends[1]) === true, fault('relationship'));
    }
  }
  return faults;
}

/** Written apart from the code that it checks: sorted JSON of the contributing properties in the standard's namespace. */
function expectedId(type: string, one: Any, contributing: readonly string[]): string {
  const sorted = (value: unknown): string => (typeof value === 'object' && value !== null ? `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${sorted((value as Any)[key])}`).join(',')}}` : JSON.stringify(value));
  const own = Object.fromEntries(contributing.filter((key) => key in one).map((key) => [key, one[key]]));
  const hash = createHash('sha1').update(Buffer.from('00abedb4aa42466c9c01fed23315a9b7', 'hex')).update(sorted(own)).digest().subarray(0, 16);
  hash.writeUInt8((hash.readUInt8(6) & 15) | 80, 6);
  hash.writeUInt8((hash.readUInt8(8) & 63) | 128, 8);
  const hex = hash.toString('hex');
  return `${type}--${[hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')}`;
}
