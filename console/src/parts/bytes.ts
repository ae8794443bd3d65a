const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Bytes in the largest unit that leaves at least one of it, in the numbers of the language. */
export function bytesText(bytes: number, lang: string): string {
  const at = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log(bytes) / Math.log(1024)));
  return `${(bytes / 1024 ** at).toLocaleString(lang, { maximumFractionDigits: 1 })} ${units[at]}`;
}
