/** Evidence under `moat up`: the story for whoever collects, the audit entry of what was done, and the archives that policy lets go. */
import { MoatError, saidBy } from '../core/error.ts';
import type { Seeds, Story } from '../core/incident.ts';
import type { Log, Store } from '../core/ports.ts';
import type { Text } from '../core/text.ts';
import type { Health } from '../engine/health.ts';
import type { AuditInput } from '../engine/response/audit.ts';
import type { Journal } from '../engine/response/journal.ts';
import { Keep } from '../evidence/keep.ts';
import { installationKey } from '../evidence/key.ts';
import { seedsOf } from './cleanup-seeds.ts';
import type { Config } from './config-schema.ts';
import type { Handlers } from './control.ts';

export interface EvidenceOptions {
  store: Store;
  journal: Journal;
  /** As `moat incident show` tells it. `asker`: the process of whoever asks, which is no part of it. */
  story: (id: string, seeds: Seeds, asker: unknown) => Story;
  health: Health;
  log: Log;
  config: () => Config;
  dataFolder: string;
  now: () => number;
  incident: (id: string) => { id: string; title: Text; seeds: Seeds } | undefined;
  /** A process of the command line begins to look around; false when it is none of ours. */
  begins: (pid: unknown) => boolean;
}

/** What evidence is collected for. */
export interface EvidenceStory { id: string; title: Text; story: Story; seeds: Seeds; history: { from: number } }

const part = 'evidence';
const everyMs = 3_600_000;
const operations: readonly string[] = ['evidence-collect', 'evidence-hand-over', 'evidence-hold', 'evidence-release', 'evidence-remove', 'evidence-export', 'evidence-image'];

export class Evidence {
  private readonly options: EvidenceOptions;
  private readonly keep: Keep;
  private timer: NodeJS.Timeout | undefined;

  constructor(options: EvidenceOptions) {
    this.options = options;
    this.keep = new Keep(options.dataFolder);
  }

  start(): void {
    this.timer = setInterval(() => { void this.expire(); }, everyMs);
    void this.expire();
  }

  stop(): void { clearInterval(this.timer); }

  handlers(): Handlers {
    return { 'evidence-begin': (argument) => this.options.begins((argument as { asker?: unknown } | null)?.asker), 'evidence-story': (argument) => this.story(argument), 'evidence-record': (argument) => this.record(argument), 'evidence-change': (argument) => this.change(argument), 'evidence-key': () => { const { fingerprint, pem } = installationKey(this.options.dataFolder); return { fingerprint, pem }; } };
  }

  /** Told before it is done: what is gone without an entry would look like it was never there. */
  async expire(): Promise<void> {
    const { now, config, journal, health, log } = this.options;
    try {
      const days = config().evidence.keep_days;
      for (const kept of this.keep.due(now(), days)) {
        await journal.write({ audit: [{ time: now(), by: 'engine', via: 'engine', operation: 'evidence-expire', target: kept.id, why: `policy: ${days} days`, result: `manifest ${kept.manifest}, ${kept.bytes} bytes, made ${kept.made}` }] });
        this.keep.remove(kept);
        health.count(part, 'let go by policy');
      }
    } catch (error) {
      health.state(part, 'blind', { zh: `无法按保留期清理证据：${saidBy(error).zh}`, en: `evidence cannot be let go by policy: ${saidBy(error).en}` });
      log.warn(`evidence: ${(error as Error).message}`);
    }
  }

  private async story(argument: unknown): Promise<EvidenceStory> {
    const { id, asker } = (argument ?? {}) as { id?: unknown; asker?: unknown };
    if (typeof id !== 'string' || id === '') throw new MoatError('bad-input', 'expected the id of an incident, an alert or a finding', { zh: '请写事件、告警或扫描发现的编号' });
    const { store, incident } = this.options;
    const { seeds, id: whole, title } = await seedsOf(id, { ledger: store.ledger, incident, scan: () => Promise.resolve({ findings: [], blind: [] }) });
    const story = this.options.story(whole, seeds, asker);
    return { id: whole, title, story, seeds, history: { from: story.began } };
  }

  /** Held, released or removed. The entry first: what was let go must not look like it was never there. */
  private async change(argument: unknown): Promise<true> {
    const { id, deed, by: who, why: reason } = (argument ?? {}) as Record<string, unknown>;
    const by = typeof who === 'string' ? who : 'operator', why = typeof reason === 'string' ? reason : '';
    const kept = this.keep.get(typeof id === 'string' ? id : '');
    const { hold, ...free } = kept;
    if (deed !== 'hold' && deed !== 'release' && deed !== 'remove') throw new MoatError('bad-input', 'expected hold, release or remove', { zh: '应为 hold、release 或 remove' });
    if (deed === 'remove') this.keep.mustBeFree(kept);
    await this.options.journal.write({ audit: [{ time: this.options.now(), by, via: 'control', operation: `evidence-${deed}`, target: kept.id, why, result: `manifest ${kept.manifest}, ${kept.bytes} bytes, made ${kept.made}` }] });
    switch (deed) {
      case 'hold': this.keep.write({ ...kept, hold: { since: new Date(this.options.now()).toISOString(), by, why } }); break;
      case 'release': if (hold) this.keep.write(free); break;
      case 'remove': this.keep.remove(kept); break;
    }
    return true;
  }

  /** What the collector did: it runs in a process of its own, the audit log has one writer. */
  private async record(argument: unknown): Promise<true> {
    const { operation, target, by, why, result } = (argument ?? {}) as Record<string, unknown>;
    const text = (value: unknown): string => (typeof value === 'string' ? value : '');
    if (!operations.includes(text(operation))) throw new MoatError('bad-input', `expected one of ${operations.join(', ')}, got ${text(operation).slice(0, 100)}`);
    const entry: AuditInput = { time: this.options.now(), by: text(by) || 'operator', via: 'control', operation: text(operation), target: text(target), why: text(why), result: text(result) };
    await this.options.journal.write({ audit: [entry] });
    return true;
  }
}
