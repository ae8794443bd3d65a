import { connect, createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { giveWay } from './fair.ts';

const heldMs = 25;
const hold = (ms: number): void => { for (const until = performance.now() + ms; performance.now() < until;); };

/** Pieces of work until all of these are connected, each behind the other. */
async function piecesUntilAll(count: number, between: (held: number) => Promise<unknown>): Promise<number> {
  const accepted = new Set<Socket>();
  const server = createServer((socket) => { accepted.add(socket); socket.on('error', () => undefined); }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const sockets: Socket[] = [];
  try {
    for (let i = 0; i < count; i++) sockets.push(connect(port, '127.0.0.1').on('error', () => undefined));
    let pieces = 0;
    for (; accepted.size < count; pieces++) { hold(heldMs); await between(heldMs); }
    return pieces;
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  }
}

it('lets many who come at once in between two pieces of work, where a single turn lets in one', async () => {
  const fair = await piecesUntilAll(100, giveWay);
  expect(fair).toBeLessThan(100);
});

it('takes some turns and no more when nobody else has anything to do, and none behind a short piece', async () => {
  let turns = 0;
  let counting = true;
  const count = (): void => { turns++; if (counting) setImmediate(count); };
  setImmediate(count);
  await giveWay(0.5);
  expect(turns).toBe(0);
  await giveWay(10_000);
  counting = false;
  expect(turns).toBeGreaterThanOrEqual(2);
});
