import { peerMissing } from './peer-choice.ts';

/** What a measurement prints: the figure, its budget, and the ratio to the peer in the same run. */
export interface Row { name: string; value: number | undefined; unit: string; budget?: number; lowerIsBetter?: boolean; ours?: number; detail?: string; /** Why there is no value. */ why?: string }

export const row = (name: string, value: number | undefined, unit: string, more: Omit<Row, 'name' | 'value' | 'unit'> = {}): Row => ({ name, value, unit, ...more });

export function print(title: string, rows: readonly Row[]): void {
  console.log(`\n## ${title}\n\n| what | measured | budget | ratio |\n|---|---|---|---|`);
  for (const { name, value, unit, budget, lowerIsBetter, ours, detail, why } of rows) {
    const figure = value === undefined ? why ?? peerMissing : `${number(value)} ${unit}${detail === undefined ? '' : ` (${detail})`}`;
    const met = value === undefined || budget === undefined ? '' : (lowerIsBetter ? value <= budget : value >= budget) ? ', met' : ', MISSED';
    const ratio = value === undefined || ours === undefined ? '' : `Moat × ${(lowerIsBetter ? value / ours : ours / value).toFixed(1)}`;
    console.log(`| ${name} | ${figure} | ${budget === undefined ? '' : `${lowerIsBetter ? '≤' : '≥'} ${number(budget)} ${unit}${met}`} | ${ratio} |`);
  }
}

const number = (value: number): string => (value >= 1000 ? Math.round(value).toLocaleString('en-US') : value >= 10 ? value.toFixed(0) : value.toFixed(2));
