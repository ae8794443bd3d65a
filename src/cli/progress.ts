/** One line that says how far long work has come: on a terminal only, and only where it does not run into what is printed. */
import { safe } from './terminal.ts';
import { cutAt, widthOf } from './wrap.ts';

const everyMs = 200;

export interface ProgressLine { show(text: string): void; clear(): void }

export function progressLine(doing: string, on: boolean = process.stderr.isTTY): ProgressLine {
  let shown = 0;
  return {
    show(text) {
      if (!on || Date.now() - shown < everyMs) return;
      shown = Date.now();
      process.stderr.write(`\r\u001b[K${doing} ${cutAt(safe(text), Math.max(10, (process.stderr.columns ?? 80) - widthOf(doing) - 4))}`);
    },
    clear() { if (on && shown) process.stderr.write('\r\u001b[K'); },
  };
}
