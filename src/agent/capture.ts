/** Packet capture under `moat up`, when it is on: a process of its own holds what passes in memory for a while; what alerts name is kept. */
import { mkdirSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Alert } from '../core/alert.ts';
import { MoatError, saidBy } from '../core/error.ts';
import { atLeast } from '../core/level.ts';
import { holds, mergeNetworks, type Network, parseNetwork } from '../core/networks.ts';
import type { Log } from '../core/ports.ts';
import type { Text } from '../core/text.ts';
import type { Health } from '../engine/health.ts';
import { captureFolder, openKeptFiles } from '../evidence/capture/kept-files.ts';
import { packetFilter } from '../linux/packet-filter.ts';
import type { CaptureMessage, CaptureRequest, CaptureWant } from './capture-messages.ts';
import { converse } from './child.ts';
import type { Config } from './config-schema.ts';
import type { Handlers } from './control.ts';

export interface CaptureOptions { health: Health; log: Log; now: () => number; dataFolder: string; tool: string; /** For tests: node runs by this, in a namespace of their own. */ within?: readonly string[] }
export type CaptureConfig = Pick<Config, 'evidence' | 'response'>;
export type CaptureErrorCode = 'too-many-networks';
/** What `capture-keep` tells. */
export interface CaptureKept { on: boolean; kept: number; dropped: number; /** Unix ms of the oldest packet in memory. */ oldest?: number }

const part = 'packet capture';
const MiB = 1 << 20;
const againMs = 1000, againMost = 300_000;
const answerMs = 20_000;
/** What the kernel still has when it is asked. */
const lateMs = 2000;
const addressesMax = 200;
/** Node and the kernel's ring, beside the packets. */
const beside = 160;

export class Capture {
  private readonly options: CaptureOptions;
  private abort: AbortController | undefined;
  private running: Promise<void> = Promise.resolve();
  private before: Promise<void> = Promise.resolve();
  private configured = '';
  private config: CaptureConfig['evidence']['capture'] | undefined;
  private leftOut: readonly Network[] = [];
  private say: ((message: CaptureWant) => void) | undefined;
  private readonly waiting = new Map<number, () => void>();
  private number = 0;
  private counts: Extract<CaptureMessage, { kind: 'counts' }> | undefined;

  constructor(options: CaptureOptions) { this.options = options; }

  /** Begins, ends or begins anew as it says. */
  configure(config: CaptureConfig): Promise<void> {
    // One after another: two at a time would leave one of them running for ever.
    const done = this.before.then(() => this.apply(config));
    this.before = done.catch(() => undefined);
    return done;
  }

  private async apply({ evidence: { capture }, response }: CaptureConfig): Promise<void> {
    const without = [...capture.without, ...response.allow, ...response.management.from];
    const wanted = capture.enabled ? JSON.stringify([capture, without, response.management.ports]) : '';
    if (wanted === this.configured) return;
    await this.stop();
    this.configured = wanted;
    this.config = capture.enabled ? capture : undefined;
    if (!capture.enabled) return;
    this.leftOut = mergeNetworks(without.flatMap((text) => parseNetwork(text) ?? []));
    const abort = new AbortController();
    this.abort = abort;
    this.running = this.run(capture, response.management.ports, abort.signal);
  }

  async stop(): Promise<void> {
    this.abort?.abort();
    this.abort = undefined;
    await this.running;
    this.configured = '';
  }

  handlers(): Handlers {
    return {
      /** Asked by whoever collects evidence: what is in memory of these addresses becomes kept. */
      'capture-keep': async (argument): Promise<CaptureKept> => {
        const { addresses, from } = (argument ?? {}) as { addresses?: unknown; from?: unknown };
        const asked = (Array.isArray(addresses) ? addresses : []).filter((one): one is string => typeof one === 'string').slice(0, 10 * addressesMax);
        if (this.say === undefined) return { on: false, kept: 0, dropped: 0 };
        await this.want(this.speaking(asked), typeof from === 'number' && from > 0 ? from : 0, this.options.now() + lateMs);
        const { kept = 0, dropped = 0, oldest } = this.counts ?? {};
        return { on: true, kept, dropped, ...(oldest !== undefined && { oldest }) };
      },
    };
  }

  /** Never throws: what cannot be asked for is counted. */
  onAlerts(alerts: readonly Alert[]): void {
    const { config } = this;
    if (config === undefined || this.say === undefined) return;
    const bad = alerts.filter(({ level }) => atLeast(level, config.level));
    const addresses = this.speaking(bad.flatMap(addressesOf)).slice(0, addressesMax);
    if (addresses.length === 0) return;
    // All that is still in memory: what came before the alert tells most.
    void this.want(addresses, 0, this.options.now() + config.after_seconds * 1000).catch(() => this.options.health.count(part, 'addresses not asked for'));
  }

  /** Without this machine's own, by which everything would be picked, and without those that are left out. */
  private speaking(addresses: readonly string[]): string[] {
    const own = new Set(Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)));
    return [...new Set(addresses)].filter((address) => {
      const network = parseNetwork(address);
      return network !== undefined && !own.has(network.text) && !holds(loopback4, network) && !holds(loopback6, network) && !this.leftOut.some((one) => holds(one, network));
    });
  }

  private async want(addresses: readonly string[], from: number, until: number): Promise<void> {
    const { say } = this;
    if (say === undefined) return;
    const number = ++this.number;
    const ended = new AbortController();
    try {
      await Promise.race([
        new Promise<void>((resolve) => { this.waiting.set(number, resolve); say({ number, addresses, from, until }); }),
        sleep(answerMs, undefined, { signal: ended.signal, ref: false }).then(() => { throw new MoatError('timeout', 'the program that captures packets did not answer', { zh: '抓包进程没有答复' }); }),
      ]);
    } finally {
      ended.abort();
      this.waiting.delete(number);
    }
  }

  private async run(capture: CaptureConfig['evidence']['capture'], ports: readonly number[], signal: AbortSignal): Promise<void> {
    const { health, log } = this.options;
    for (let pause = againMs; !signal.aborted;) {
      let why: Text | undefined, wasReady = false;
      try {
        why = await this.once(capture, ports, signal, () => { wasReady = true; });
      } catch (error) { why = saidBy(error); }
      if (signal.aborted) break;
      if (wasReady) pause = againMs;
      why ??= { zh: '抓包进程结束了', en: 'the program that captures ended' };
      health.state(part, 'blind', why);
      health.count(part, 'begun again');
      log.warn(`${part}: ${why.en}`);
      await sleep(pause, undefined, { signal }).catch(() => undefined);
      pause = Math.min(pause * 2, againMost);
    }
    health.state(part, 'waiting', { zh: '已停止', en: 'it was switched off' });
  }

  private async once(capture: CaptureConfig['evidence']['capture'], ports: readonly number[], signal: AbortSignal, onReady: () => void): Promise<Text | undefined> {
    const { dataFolder, health, tool, within } = this.options;
    const { program, over } = packetFilter({ without: this.leftOut, ports, snap: capture.snap_bytes });
    // Rather nothing than what was to be left out.
    if (over > 0) throw new MoatError<CaptureErrorCode>('too-many-networks', `${over} of the ${this.leftOut.length} networks that packet capture leaves out have no room in the kernel's filter`, { zh: `抓包要排除的 ${this.leftOut.length} 个网段中有 ${over} 个放不进内核过滤器，因此不抓包`, hint: { zh: '把 response.allow 与 evidence.capture.without 合并成较大的网段', en: 'write response.allow and evidence.capture.without as fewer, larger networks' } });
    const folder = join(dataFolder, captureFolder);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const files = openKeptFiles(folder);
    let dropped = 0, unwritten = 0, forgotten = 0;
    const rise = (what: string, by: number): void => { if (by > 0) health.count(part, what, by); };
    let say: ((message: unknown) => void) | undefined;
    try {
      const request: CaptureRequest = { program: program.toString('base64'), memoryBytes: capture.memory_mb * MiB, diskBytes: capture.disk_mb * MiB, snap: capture.snap_bytes, tool };
      return await converse<CaptureRequest, CaptureMessage>('capture-child', request, {
        signal, maxMemoryMb: capture.memory_mb + beside, moreMemory: { zh: '', en: '' }, descriptors: files.descriptors, ...(within && { within }), onStart: (more) => { say = more; },
      }, (message) => {
        switch (message.kind) {
          case 'ready':
            this.say = say;
            health.state(part, 'live');
            onReady();
            break;
          case 'done': this.waiting.get(message.number)?.(); break;
          case 'counts':
            rise('packets dropped by the kernel', message.dropped - dropped);
            rise('packets that could not be written', message.unwritten - unwritten);
            rise('addresses given up for newer ones', message.forgotten - forgotten);
            ({ dropped, unwritten, forgotten } = message);
            this.counts = message;
            break;
          default: break;
        }
      });
    } finally {
      this.say = undefined;
      files.close();
    }
  }
}

const loopback4 = parseNetwork('127.0.0.0/8')!, loopback6 = parseNetwork('::1')!;

const addressesOf = ({ source_ip: source, origin_ip: origin, evidence }: Alert): string[] => [source, origin, ...evidence.flatMap((one) => [one.source_ip, one.destination_ip])].filter((one): one is string => typeof one === 'string' && one !== '');
