/**
 * The program that captures packets. It opens the socket as root, goes on as nobody and only then listens: what strangers send is read by
 * a process that may do nothing but write to the two files it was given.
 */
import { addressKey } from '../evidence/capture/addresses.ts';
import { Keeper } from '../evidence/capture/keeper.ts';
import { KeptFiles } from '../evidence/capture/kept-files.ts';
import { countsOf, sectionStart } from '../evidence/capture/pcapng.ts';
import { giveUpRights } from '../linux/give-up-rights.ts';
import { openPacketRing, retireMs } from '../linux/packet-ring.ts';
import type { CaptureMessage, CaptureRequest, CaptureWant } from './capture-messages.ts';
import { runAsChild } from './child-side.ts';

const blocks = 16, blockBytes = 256 * 1024;
const waitMs = 1000, tellMs = 2000;
const settleMs = 2 * retireMs;
const descriptors = [3, 4] as const;

await runAsChild<CaptureRequest, CaptureMessage>(async ({ program, memoryBytes, diskBytes, snap, tool }, { say, signal, onMore }) => {
  const opened = await openPacketRing({ program: Buffer.from(program, 'base64'), blocks, blockBytes });
  await giveUpRights();
  const files = new KeptFiles(descriptors, { most: diskBytes, start: sectionStart(tool, snap) });
  const keeper = new Keeper(memoryBytes, (bytes) => files.write(bytes));
  const ring = opened.listen();
  let packets = 0, dropped = 0, toldAt = 0, told = '', countedDrops = 0;
  const tell = (): void => {
    const counts = ring.counts();
    packets += counts.packets;
    dropped += counts.dropped;
    const message: CaptureMessage = { kind: 'counts', packets, dropped, gone: files.gone, ...keeper.counts() };
    const text = JSON.stringify(message);
    if (text !== told) say(message);
    told = text;
  };
  /** In the file itself, so that it says what is not in it. */
  const note = (): void => {
    if (keeper.counts().kept === 0 || dropped === countedDrops) return;
    countedDrops = dropped;
    try {
      files.write(countsOf({ time: BigInt(Date.now()) * 1_000_000n, packets, dropped }));
    } catch { /* the disk is full: packets that could not be written are counted */ }
  };
  onMore((message) => {
    const { number, addresses, from, until } = message as CaptureWant;
    // What the kernel has already, before what is in memory is looked through.
    while (ring.next((block) => keeper.take(block)));
    keeper.want(addresses.flatMap((one) => addressKey(one) ?? []), BigInt(Math.floor(from)) * 1_000_000n, BigInt(Math.floor(until)) * 1_000_000n);
    // What the kernel has in a block that is not full yet comes a moment later; then the answer.
    setTimeout(() => {
      while (ring.next((block) => keeper.take(block)));
      tell();
      note();
      say({ kind: 'done', number });
    }, settleMs);
  });
  say({ kind: 'ready' });
  while (!signal.aborted) {
    if (await ring.wait(waitMs)) while (ring.next((block) => keeper.take(block)));
    const now = Date.now();
    if (now - toldAt < tellMs && now >= toldAt) continue;
    toldAt = now;
    keeper.tick(BigInt(now) * 1_000_000n);
    tell();
    note();
  }
  tell();
  note();
  ring.close();
});
