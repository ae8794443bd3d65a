import type { DecodeContext, Event, LinePlace, LogDecoder, LogFormat } from '../../core/format.ts';
import { emitGroup } from './events.ts';
import type { Placed } from './events.ts';
import { laurelRecords } from './laurel.ts';
import { parseRecord, recordStart } from './record.ts';
import { standsAlone } from './types.ts';

/** Serials that may be open at once: records of several processors interleave, a few deep. */
const maxOpen = 64;
/** A serial is complete when the log is so much further, in ms of its own time. */
const maxAgeMs = 2000;
const maxRecords = 256;

/**
 * auditd's audit.log (plain and enriched), what audispd gives to syslog, the kernel's own `audit:` lines, and
 * laurel's JSON.
 */
export const audit: LogFormat = {
  id: 'audit',
  title: { zh: 'Linux 审计日志（auditd）', en: 'Linux audit log (auditd)' },
  paths: ['/var/log/audit/audit.log', '/var/log/laurel/audit.log'],
  aliases: ['auditd', 'laurel'],
  sniff(line) {
    if (line.startsWith('{')) return line.includes('"ID":"') && /"(?:SYSCALL|EXECVE|PROCTITLE|USER_\w+)":/.test(line.slice(0, 4096)) ? 1 : 0;
    const start = recordStart(line);
    if (start < 0) return 0;
    // A kernel or syslog line about audit is also the syslog format's; a plain record is nobody else's.
    return start === 0 || line.startsWith('node=') ? 1 : 0.6;
  },
  open: (context, emit) => new AuditDecoder(context, emit),
};

interface Group { records: Placed[]; time: number; first: LinePlace }

class AuditDecoder implements LogDecoder {
  unparsed = 0;
  readonly #context: DecodeContext;
  readonly #emit: (event: Event) => void;
  /** By node, time and serial; the oldest first. */
  readonly #open = new Map<string, Group>();

  constructor(context: DecodeContext, emit: (event: Event) => void) {
    this.#context = context;
    this.#emit = emit;
  }

  decode(line: string, place: LinePlace): void {
    if (line === '') return;
    if (line.charCodeAt(0) === 123) {
      const records = laurelRecords(line);
      if (!records || records.length === 0) { this.unparsed++; return; }
      emitGroup(records.map((record, i) => ({ record, position: i === 0 ? place.position : `${place.position}.${i}`, line: place.line, text: line })), this.#context, this.#emit);
      return;
    }
    const record = parseRecord(line);
    if (!record) { this.unparsed++; return; }
    const placed: Placed = { record, position: place.position, line: place.line, text: line };
    const key = `${record.node ?? ''} ${record.time} ${record.serial}`;
    let group = this.#open.get(key);
    if (!group) {
      this.#closeOld(record.time);
      if (record.type === 'EOE') return;
      if (standsAlone(record.type)) { emitGroup([placed], this.#context, this.#emit); return; }
      group = { records: [], time: record.time, first: place };
      this.#open.set(key, group);
    }
    group.records.push(placed);
    // The kernel writes PROCTITLE last; EOE does not reach the log file. Too many records are given out in parts.
    if (record.type === 'EOE' || (record.type === 'PROCTITLE' && group.records.some((p) => p.record.type === 'SYSCALL')) || group.records.length >= maxRecords) this.#close(key, group);
  }

  flush(): void { for (const [key, group] of this.#open) this.#close(key, group); }

  pending(): LinePlace | undefined {
    for (const group of this.#open.values()) return group.first;
    return undefined;
  }

  #closeOld(now: number): void {
    for (const [key, group] of this.#open) {
      if (this.#open.size < maxOpen && Math.abs(now - group.time) <= maxAgeMs) return;
      this.#close(key, group);
    }
  }

  #close(key: string, group: Group): void {
    this.#open.delete(key);
    emitGroup(group.records, this.#context, this.#emit);
  }
}
