/** Alerts on the terminal, or in the journal of the service, as they come. */
import type { Folded } from '../engine/fold.ts';
import { alertJson, alertLines } from './alert-text.ts';
import { colour } from './colour.ts';
import type { Lang } from '../core/text.ts';
import { jsonLine } from './terminal.ts';

const shownMax = 10_000;
/** In a flood nobody reads every line, and who prints waits for whoever takes the lines (journald). All of them are stored. */
const linesMost = 50;
const spanMs = 1000;

export interface PrinterOptions {
  lang: Lang;
  /** Every alert, one object a line: a program reads them. */
  json: boolean;
  /** Takes whole lines, without the last newline. */
  print: (text: string) => void;
  now: () => number;
}

/** A new alert is shown at once, a known one again when it has grown tenfold or become worse. */
export class AlertPrinter {
  private readonly options: PrinterOptions;
  private readonly shown = new Map<string, { count: number; level: string }>();
  private begun = Number.NEGATIVE_INFINITY;
  private printed = 0;
  private left = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(options: PrinterOptions) { this.options = options; }

  show(folded: readonly Folded[]): void {
    const due = folded.filter((one) => this.isDue(one));
    if (due.length === 0) return;
    // One write for all: each is a call of the system.
    if (this.options.json) this.options.print(due.map(({ alert }) => jsonLine(alertJson(alert))).join('\n'));
    else this.speak(due);
  }

  /** What was left out so far, before the end. */
  finish(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.left === 0) return;
    const { left, options: { lang, print } } = this;
    this.left = 0;
    print(colour.dim(lang === 'zh' ? `… 另有 ${left} 条告警未逐条显示（moat alerts 可查看全部）` : `… and ${left} more alerts that are not shown one by one (moat alerts has them all)`));
  }

  private speak(due: readonly Folded[]): void {
    const { lang, now, print } = this.options;
    if (Math.abs(now() - this.begun) >= spanMs) { this.finish(); this.begun = now(); this.printed = 0; }
    const some = due.slice(0, linesMost - this.printed);
    this.printed += some.length;
    this.left += due.length - some.length;
    if (this.left > 0) this.timer ??= setTimeout(() => this.finish(), spanMs).unref();
    const again = colour.dim(lang === 'zh' ? '↻ 仍在继续 ' : '↻ still going on ');
    if (some.length > 0) print(some.map(({ alert, isNew }) => `${isNew ? '' : again}${alertLines(alert, lang).join('\n')}`).join('\n'));
  }

  private isDue({ alert }: Folded): boolean {
    const known = this.shown.get(alert.id);
    if (known && alert.count < known.count * 10 && alert.level === known.level) return false;
    if (!known && this.shown.size >= shownMax) this.forgetSome();
    this.shown.set(alert.id, { count: alert.count, level: alert.level });
    return true;
  }

  /** Many at once: looking for the oldest one by one costs ever more in a map that has lost many. */
  private forgetSome(): void {
    let n = shownMax / 10;
    for (const id of this.shown.keys()) {
      if (n-- <= 0) return;
      this.shown.delete(id);
    }
  }
}
