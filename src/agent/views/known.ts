/** What the agent alone knows of this machine, told to a question of a person piece by piece: between two of them events go first. */
import { setImmediate as turn } from 'node:timers/promises';
import { MoatError } from '../../core/error.ts';
import type { Store } from '../../core/ports.ts';
import type { OriginGraph } from '../../engine/origin/graph.ts';
import type { Text } from '../../core/text.ts';
import { known, type Known, type KnownOrigin, type Row, type Told } from '../../hunt/table.ts';
import type { PackageIndex } from '../../linux/packages/index.ts';
import { bootTime } from '../../linux/proc-host.ts';
import { Procfs } from '../../linux/procfs.ts';
import type { AgentStatus } from '../agent.ts';
import { readChanges } from '../baseline-known.ts';

export interface KnownOptions { store: Store; graph: OriginGraph; status: () => AgentStatus; packages: () => PackageIndex | undefined }

const pieceRows = 200;

export class KnownHere {
  private readonly options: KnownOptions;

  constructor(options: KnownOptions) { this.options = options; }

  /** Throws MoatError 'bad-input', 'unavailable'. */
  async *tell(what: Known): AsyncGenerator<Told> {
    let piece: unknown[] = [];
    for (const one of this.all(what)) {
      piece.push(one);
      if (piece.length < pieceRows) continue;
      yield { rows: piece };
      piece = [];
      await turn();
    }
    yield { rows: piece, notes: this.missing(what) };
  }

  /** For whoever asks over the control socket: all of it. */
  async whole(argument: unknown): Promise<Told> {
    const what = known.find((one) => one === argument);
    if (what === undefined) throw new MoatError('bad-input', `expected one of ${known.join(', ')}`);
    const rows: unknown[] = [], notes: Text[] = [];
    for await (const piece of this.tell(what)) { rows.push(...piece.rows); notes.push(...piece.notes ?? []); }
    return { rows, notes };
  }

  private all(what: Known): Iterable<KnownOrigin | Row> {
    switch (what) {
      case 'origins': return this.origins();
      case 'packages': return this.packages();
      case 'changes': return this.changes();
      case 'sensors': return Object.entries(this.options.status().parts).map(([part, { state, since, detail }]) => ({ part, state, since, detail_zh: detail?.zh, detail_en: detail?.en }));
    }
  }

  /** What the rows do not hold though they should. */
  private missing(what: Known): Text[] {
    const { packages, graph } = this.options;
    const index = packages();
    switch (what) {
      case 'origins': return [
        ...(graph.memory.size > 0 ? [] : [{ zh: '还没有看到任何进程，来源未知：没有启用进程传感器，或它刚刚启动', en: 'no process was seen yet, so no origin is known: the process sensors are off, or have just begun' }]),
        ...(index === undefined ? [{ zh: '软件包数据库还在读，或本机没有：package 未知', en: 'the package databases are still being read, or there are none: package is not known' }] : []),
      ];
      case 'packages': return [...index?.faults ?? []];
      case 'changes': case 'sensors': return [];
    }
  }

  private *origins(): Iterable<KnownOrigin> {
    const boot = bootTime(new Procfs());
    const index = this.options.packages();
    // A list of its own: the graph goes on while this waits.
    const all = [...this.options.graph.memory.all()];
    for (const { pid, started, ended, path, origin: { kind, name, user, source_ip: ip, since } } of all) {
      if (ended !== undefined || started === 0) continue;
      const owner = path === undefined ? undefined : index?.owner(path)?.package;
      yield { pid, ticks: started - boot, kind, since, ...(name !== undefined && { name }), ...(user !== undefined && { user }), ...(ip !== undefined && { ip }), ...(owner && { package: owner.name, version: owner.version }) };
    }
  }

  private packages(): Iterable<Row> {
    const index = this.options.packages();
    if (index === undefined) throw new MoatError('unavailable', 'the package databases are still being read, or there are none', { zh: '软件包数据库还在读，或本机没有', hint: { zh: '稍后再问；moat status 说明', en: 'ask again in a while; moat status tells' } });
    return index.packages.map(({ name, version, arch, manager }) => ({ name, version, arch, manager }));
  }

  private changes(): Iterable<Row> {
    const { store, status } = this.options;
    if ((status().baseline?.state ?? 'none') === 'none') throw new MoatError('unavailable', 'there is no baseline to compare with', { zh: '没有可比较的基线', hint: { zh: 'moat baseline 说明如何建立；配置 baseline.enabled', en: 'moat baseline tells how to make one; baseline.enabled in the configuration' } });
    const found = readChanges(store.ledger.setting('baseline'));
    if (found === undefined) throw new MoatError('unavailable', 'what is known of changes cannot be read', { zh: '已知改动的记录读不出来' });
    return Object.entries(found.changes).map(([path, { level, sign, since }]) => ({ path, level, sign: sign ? 1 : 0, since }));
  }
}
