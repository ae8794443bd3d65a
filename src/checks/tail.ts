/** The end of a long file, from the first whole line on. */
import type { ScanContext } from './port.ts';
import { attempt } from './look.ts';

/** Undefined when there is none or it cannot be read (told). `cut`: the beginning was left out. */
export function tailOf(context: ScanContext, path: string, max: number): { text: string; cut: boolean } | undefined {
  return attempt(context, path, () => {
    const real = context.tree.real(path);
    const file = real === undefined ? undefined : context.tree.open(real);
    if (!file) return undefined;
    try {
      const from = Math.max(0, file.size - max);
      const bytes = Buffer.alloc(Math.min(max, file.size));
      let got = 0;
      while (got < bytes.length) {
        const more = file.read(bytes.subarray(got), from + got);
        if (more === 0) break;
        got += more;
      }
      const text = bytes.toString('utf8', 0, got);
      return from === 0 ? { text, cut: false } : { text: text.slice(text.indexOf('\n') + 1), cut: true };
    } finally { file.close(); }
  });
}
