/** What the agent and the program that captures packets say to each other. */
import type { KeeperCounts } from '../evidence/capture/keeper.ts';

export interface CaptureRequest { /** Classic BPF, base64. */ program: string; memoryBytes: number; diskBytes: number; snap: number; tool: string }

/** These addresses are kept: what is in memory since `from`, and what comes until then (Unix ms). Answered by `done`. */
export interface CaptureWant { number: number; addresses: readonly string[]; from: number; until: number }

/** Counts since it began; `gone`: bytes of kept packets that made room for newer ones. */
export type CaptureMessage = { kind: 'ready' } | { kind: 'done'; number: number } | ({ kind: 'counts'; packets: number; dropped: number; gone: number } & KeeperCounts);
