/** The other side of child.ts: a program that reads one request and answers in messages, one JSON text a line. */
import { createInterface } from 'node:readline';
import { MoatError } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import { offerToDie, stepBack } from '../linux/priority.ts';
import { writeAll } from '../linux/write-all.ts';

/** What it ended with, for the MoatError of the one who started it. */
export interface Fault { kind: 'fault'; code: string; message: string; text?: Text; hint?: string | Text }

export interface ChildSide<Message> {
  /** Written at once, waiting where the pipe is full: what was found must be with the other side before anything can go wrong here. */
  say: (message: Message | Fault) => void;
  /** Told to stop by who started it. */
  signal: AbortSignal;
  /** Steps back behind other processes; returns what could not be had. */
  stepBack: () => Promise<Text[]>;
  /** What is said behind the request, from now on; only where the other side says more. */
  onMore: (take: (message: unknown) => void) => void;
}

/** Reads the request on stdin, which stays open for as long as it may live; ends the process. What was asked is `Request`: our own program sent it. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- names the type of what the other side of the pipe sends
export async function runAsChild<Request, Message>(work: (request: Request, side: ChildSide<Message>) => Promise<void>): Promise<never> {
  const stop = new AbortController();
  try {
    const lines = createInterface({ input: process.stdin });
    // The other side is gone, so nobody waits for this any more.
    lines.on('close', () => process.exit(1));
    const request = JSON.parse(await new Promise<string>((resolve) => { lines.once('line', resolve); })) as Request;
    const onMore = (take: (message: unknown) => void): void => { lines.on('line', (line) => take(JSON.parse(line))); };
    // The terminal sends Ctrl-C to all of its processes; whoever started this one says when it ends.
    process.on('SIGINT', () => undefined);
    process.on('SIGTERM', () => stop.abort(new Error('stopped')));
    offerToDie();
    await work(request, { say, signal: stop.signal, stepBack, onMore });
    process.exit(0);
  } catch (error) {
    // Ours, not the user's: the other side finds it on stderr.
    if (!(error instanceof MoatError)) { console.error(error); process.exit(1); }
    const { code, message, text, hint, hintText } = error;
    say({ kind: 'fault', code, message, ...(text && { text }), ...(hint !== undefined && { hint: hintText ?? hint }) });
    process.exit(2);
  }
}

const say = (message: unknown): void => { writeAll(1, Buffer.from(`${JSON.stringify(message)}\n`)); };
