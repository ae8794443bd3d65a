import { InvalidArgumentError } from 'commander';

/** `30m`, `24h`, `7d` in milliseconds. Throws what commander shows as a wrong argument. */
export function duration(text: string): number {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  if (!match) throw new InvalidArgumentError('expected a number with s, m, h or d, such as 24h');
  const unit = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] as 's' | 'm' | 'h' | 'd'];
  return Number(match[1]) * unit;
}

/** Milliseconds as `duration` reads them: `90s`, `5m`, `2h`. */
export const spell = (ms: number): string => (ms % 3_600_000 === 0 ? `${ms / 3_600_000}h` : ms % 60_000 === 0 ? `${ms / 60_000}m` : `${Math.round(ms / 1000)}s`);
