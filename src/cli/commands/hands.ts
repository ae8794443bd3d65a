import { once } from 'node:events';
import { dirname, join, resolve } from 'node:path';
import { handsKey } from '../../agent/install.ts';
import { MoatError } from '../../core/error.ts';
import { configOf, configPath, dataFolder } from '../globals.ts';
import type { Cli } from '../program.ts';

/** The first descriptor that systemd hands over. */
const firstHandedOver = 3;
const idleMs = 30_000;

/** Not for people: systemd starts it when the agent has something to do that needs the right to write. */
export function addHands({ program, t }: Cli): void {
  program.command('hands', { hidden: true })
    .description(t('由 systemd 启动：代 moat up 执行需要写权限的处置', 'started by systemd: does for moat up what needs the right to write'))
    .option('--socket <path>', t('自己监听的套接字', 'a socket to listen at by itself'))
    .action(async ({ socket }: { socket?: string }) => {
      const handed = Number(process.env['LISTEN_FDS'] ?? 0) > 0 && process.env['LISTEN_PID'] === String(process.pid);
      if (socket === undefined && !handed) throw new MoatError('bad-input', 'expected to be started by systemd with a socket, or --socket PATH', { zh: '应由 systemd 带着套接字启动，或给出 --socket 路径' });
      const { openHands } = await import('../../agent/hands-world.ts');
      const ended = new AbortController();
      const end = (): void => ended.abort();
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, end);
      const config = await configOf(program);
      await openHands(socket === undefined ? { fd: firstHandedOver } : { path: socket }, config.response, { recovery: config.recovery, dataFolder: resolve(dataFolder(program)), configPath: resolve(configPath(program)), keyPath: join(dirname(resolve(socket ?? configPath(program))), handsKey), idleMs: socket === undefined ? idleMs : undefined, onIdle: end });
      if (!ended.signal.aborted) await once(ended.signal, 'abort');
      process.exit(0);
    });
}
