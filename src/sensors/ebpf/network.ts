/** What the kernel's numbers for connections mean. */
import type { Kind } from '../../core/gen/event.ts';

export interface SocketAction { kind: Kind; action: string; outcome: string; direction: 'outbound' | 'inbound' | 'listening'; extra: Record<string, unknown> | undefined }

export const outbound = Object.freeze({ Initiated: 'true' });
const inbound = Object.freeze({ Initiated: 'false' });

/** By the number in the record; see schema/kernel.yml. */
export const socketActions: readonly (SocketAction | undefined)[] = [
  undefined,
  { kind: 'network_connection', action: 'connect', outcome: 'success', direction: 'outbound', extra: outbound },
  { kind: 'network_connection', action: 'connect-attempt', outcome: 'failure', direction: 'outbound', extra: outbound },
  { kind: 'network_connection', action: 'connect-attempt', outcome: 'unknown', direction: 'outbound', extra: outbound },
  { kind: 'network_connection', action: 'accept', outcome: 'success', direction: 'inbound', extra: inbound },
  { kind: 'listener', action: 'listener-start', outcome: 'success', direction: 'listening', extra: undefined },
  { kind: 'listener', action: 'listener-start', outcome: 'success', direction: 'listening', extra: undefined },
];

export const transportName = (protocol: number): string => (protocol === 6 ? 'tcp' : protocol === 17 ? 'udp' : String(protocol));

const keptQuestions = 2048;
const againMs = 1000;

/** Names asked for a moment ago. */
export class RecentQuestions {
  readonly #asked = new Map<string, number>();

  isNew(question: string, ms: number): boolean {
    const last = this.#asked.get(question);
    if (last !== undefined && ms - last < againMs) return false;
    this.#asked.delete(question);
    if (this.#asked.size >= keptQuestions) for (const oldest of this.#asked.keys()) { this.#asked.delete(oldest); break; }
    this.#asked.set(question, ms);
    return true;
  }
}
