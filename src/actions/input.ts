/** Reading what actions are asked for. */
import type { ActionErrorCode } from '../core/action.ts';
import { MoatError } from '../core/error.ts';
import { type Network, parseNetwork } from '../core/networks.ts';
import type { Port, Rate } from '../linux/firewall/measures.ts';

export const badInput = (expected: string, got: unknown): MoatError<ActionErrorCode> => new MoatError<ActionErrorCode>('bad-input', `expected ${expected}, got ${JSON.stringify(got)?.slice(0, 100) ?? 'none'}`);

export function fieldsOf(input: unknown): Readonly<Record<string, unknown>> {
  return typeof input === 'object' && input !== null ? { ...input } : {};
}

export function readNetwork(value: unknown): Network {
  const found = typeof value === 'string' ? parseNetwork(value.trim()) : undefined;
  if (!found) throw badInput('an address or network such as 203.0.113.9 or 203.0.113.0/24', value);
  return found;
}

/** `443/tcp`, `53/udp`, `443` (TCP). */
export function readPort(value: unknown): Port {
  const match = /^(\d{1,5})(?:\/(tcp|udp))?$/.exec(String(typeof value === 'string' || typeof value === 'number' ? value : ''));
  const port = Number(match?.[1]);
  if (!match || port < 1 || port > 65_535) throw badInput('a port such as 443/tcp or 53/udp', value);
  return { port, protocol: match[2] === 'udp' ? 'udp' : 'tcp' };
}

export const portText = ({ port, protocol }: Port): string => `${port}/${protocol}`;

const units: Readonly<Record<string, Rate['per']>> = { s: 'second', second: 'second', m: 'minute', minute: 'minute', h: 'hour', hour: 'hour' };
const rateMost = 1_000_000;

/** `10/s`, `100/minute`, `5/h`. */
export function readRate(value: unknown): Rate {
  const match = typeof value === 'string' ? /^(\d{1,7})\/([a-z]{1,6})$/.exec(value) : null;
  const per = units[match?.[2] ?? ''], count = Number(match?.[1]);
  if (per === undefined || count < 1 || count > rateMost) throw badInput('a rate such as 10/s, 100/m or 5/h', value);
  return { count, per };
}

export const rateText = ({ count, per }: Rate): string => `${count}/${per}`;

/** Unix ms in the future, or undefined. */
export function readUntil(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isFinite(value)) throw badInput('the end as Unix milliseconds', value);
  return value;
}

export function mustLieAhead(until: number | undefined, now: number): void {
  if (until !== undefined && until <= now) throw badInput('an end in the future', new Date(until).toISOString());
}

export const untilText = (until: number | undefined): { zh: string; en: string } => (until === undefined ? { zh: '', en: '' } : { zh: `，至 ${new Date(until).toISOString()}`, en: ` until ${new Date(until).toISOString()}` });
