/** Whether each channel for notices is set up and can be reached; nothing is sent. */
import { createConnection } from 'node:net';
import type { Text } from '../core/text.ts';
import { NotifierError } from '../notifiers/port.ts';
import { proxyFor } from '../notifiers/proxy.ts';
import { secret as secretSchema } from '../notifiers/settings.ts';
import type { ChannelConfig, Config } from './config-schema.ts';
import type { Diagnosis } from './doctor.ts';
import { notifierOf } from './notices.ts';
import { isOpenToAll, readSecret } from './secret.ts';

const connectMs = 5000;

export const diagnoseChannels = ({ channels }: Config['notices']): Promise<Diagnosis[]> => Promise.all(channels.filter(({ enabled }) => enabled).map(diagnose));

async function diagnose(channel: ChannelConfig): Promise<Diagnosis> {
  const part = `notices ${channel.name}`;
  const { title, target } = notifierOf(channel);
  try {
    // All of them are read, those too that no connection needs.
    for (const from of secretsOf(channel)) readSecret(from);
    const { host: itself, port: own } = target(channel, readSecret);
    // Of a proxy, whether that can be reached: what lies behind it is its to say.
    const proxy = channel.kind === 'mail' ? undefined : proxyFor(new URL(`https://${itself.includes(':') ? `[${itself}]` : itself}:${own}/`));
    const { host, port } = proxy === undefined ? { host: itself, port: own } : { host: proxy.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(proxy.port) || 80 };
    const why = await reach(host, port);
    if (why !== undefined) return { part, state: 'blind', what: { zh: `${title.zh}：连不上 ${host}:${port}（${why}）`, en: `${title.en}: cannot reach ${host}:${port} (${why})` }, todo: { zh: '检查网络、DNS 与出站防火墙', en: 'look at the network, DNS and the firewall for outgoing traffic' } };
    for (const from of secretsOf(channel)) {
      if (!isOpenToAll(from) || typeof from === 'string' || !('file' in from)) continue;
      return { part, state: 'waiting', what: { zh: `${title.zh}：任何用户都能读 ${from.file}`, en: `${title.en}: every user can read ${from.file}` }, todo: { zh: `chmod 600 ${from.file}`, en: `chmod 600 ${from.file}` } };
    }
    return { part, state: 'live', what: { zh: `${title.zh}：${host}:${port} 可达`, en: `${title.en}: ${host}:${port} can be reached` } };
  } catch (error) {
    const text: Text = error instanceof NotifierError ? error.text : { zh: (error as NodeJS.ErrnoException).code ?? '出错', en: (error as NodeJS.ErrnoException).code ?? 'failed' };
    return { part, state: 'blind', what: { zh: `${title.zh}：${text.zh}`, en: `${title.en}: ${text.en}` }, todo: { zh: `改正后运行 moat notify test ${channel.name}`, en: `mend it, then: moat notify test ${channel.name}` } };
  }
}

/** Settings that name a place where a secret stands. */
function secretsOf(channel: ChannelConfig): (string | { file: string } | { env: string })[] {
  const values = Object.values(channel as Record<string, unknown>).flatMap((value) => (typeof value === 'object' && value !== null && !Array.isArray(value) && !('file' in value) && !('env' in value) ? Object.values(value) : [value]));
  return values.flatMap((value) => {
    const place = typeof value === 'object' && value !== null ? secretSchema.safeParse(value) : undefined;
    return place?.success ? [place.data] : [];
  });
}

/** Why no connection comes about; undefined when one does. */
function reach(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    const done = (why?: string): void => { socket.destroy(); resolve(why); };
    socket.setTimeout(connectMs, () => done('timeout'));
    socket.once('connect', () => done());
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
  });
}
