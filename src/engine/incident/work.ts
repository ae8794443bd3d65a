/** Incidents as they stand in the middle of a change: read from the store once, changed in memory, written together. */
import { createHash } from 'node:crypto';
import type { IncidentChange, IncidentMember, IncidentRecord, IncidentStore, Strand } from '../../core/incident-store.ts';
import type { Finding } from '../../core/finding.ts';

/** Merges of merges: deeper chains than this were never made. */
const depthMax = 64;
/** One key that is tied to more than this is common; older ties of it are let go. */
const strandsMax = 200;

interface Held { record: IncidentRecord; /** The revision in the store; 0 for a new one. */ expected: number; dirty: boolean }

export class Work {
  readonly store: IncidentStore;
  private readonly held = new Map<string, Held>();
  /** Looked for and not there. */
  private readonly absent = new Set<string>();
  private readonly memberChanges = new Map<string, IncidentMember>();
  private readonly keys = new Map<string, { strands: Strand[]; dirty: boolean }>();
  private readonly findings = new Map<string, Finding>();
  /** Campaigns that a cell has left. */
  readonly left = new Set<string>();
  /** Ties that were let go. */
  dropped = 0;

  constructor(store: IncidentStore) { this.store = store; }

  get(id: string): IncidentRecord | undefined {
    const held = this.held.get(id);
    if (held) return held.record;
    if (this.absent.has(id)) return undefined;
    const record = this.store.incident(id);
    if (record) this.held.set(id, { record, expected: record.revision, dirty: false });
    else this.absent.add(id);
    return record;
  }

  /** What is counted and shown for it: what it is merged into, or the campaign or story of a cell. */
  top(id: string): IncidentRecord | undefined {
    let at = this.get(id);
    for (let i = 0; i < depthMax && at !== undefined; i++) {
      const above = at.within ?? at.merged_into;
      const next = above === undefined ? undefined : this.get(above);
      if (next === undefined) return at;
      at = next;
    }
    return at;
  }

  put(record: IncidentRecord): IncidentRecord {
    this.get(record.id);
    const held = this.held.get(record.id);
    if (held) { held.record = record; held.dirty = true; } else this.held.set(record.id, { record, expected: 0, dirty: true });
    return record;
  }

  change(id: string, change: Partial<IncidentRecord>): IncidentRecord | undefined {
    const record = this.get(id);
    return record && this.put({ ...record, ...change });
  }

  /** The id of a new one: the same when the same is formed again. */
  newId(from: string): string {
    for (let n = 0; ; n++) {
      const id = createHash('sha256').update(`incident ${from}${n === 0 ? '' : ` ${n}`}`).digest('hex').slice(0, 12);
      if (this.get(id) === undefined) return id;
    }
  }

  member(what: IncidentMember['what'], id: string): IncidentMember | undefined {
    return this.memberChanges.get(`${what} ${id}`) ?? this.store.member(what, id);
  }

  join(member: IncidentMember): void { this.memberChanges.set(`${member.what} ${member.id}`, member); }

  strands(key: string): readonly Strand[] {
    const known = this.keys.get(key);
    if (known) return known.strands;
    const strands = this.store.strands(key);
    this.keys.set(key, { strands, dirty: false });
    return strands;
  }

  setStrands(key: string, strands: Strand[]): void {
    if (strands.length > strandsMax) {
      strands = strands.toSorted((a, b) => b.last - a.last).slice(0, strandsMax);
      this.dropped++;
    }
    this.keys.set(key, { strands, dirty: true });
  }

  keep(finding: Finding): void { this.findings.set(finding.id, finding); }

  /** The cells of a campaign and of those merged into it, as they now stand. */
  cells(campaign: string, limit: number): IncidentRecord[] {
    const found = new Map<string, IncidentRecord>();
    const below = [campaign];
    for (const id of below) {
      for (const one of this.store.incidents({ within: id, hidden: true, limit })) {
        if (one.kind === 'campaign') below.push(one.id);
        else if (one.kind === 'cell') found.set(one.id, one);
      }
    }
    for (const { record } of this.held.values()) if (record.kind === 'cell') found.set(record.id, record);
    return [...found.values()].filter((one) => one.alert_count > 0 && (this.held.has(one.id) ? this.top(one.id)?.id === campaign : true));
  }

  /** Those that were changed. */
  changed(): IncidentRecord[] { return [...this.held.values()].filter(({ dirty }) => dirty).map(({ record }) => record); }

  isNew(id: string): boolean { return this.held.get(id)?.expected === 0; }

  all(): IncidentChange | undefined {
    const incidents = [...this.held.values()].filter(({ dirty }) => dirty).map(({ record, expected }) => ({ record, expected }));
    const strands = new Map([...this.keys].filter(([, { dirty }]) => dirty).map(([key, one]) => [key, one.strands] as const));
    if (incidents.length === 0 && this.memberChanges.size === 0 && strands.size === 0) return undefined;
    return { incidents, members: [...this.memberChanges.values()], strands, findings: [...this.findings.values()] };
  }
}
