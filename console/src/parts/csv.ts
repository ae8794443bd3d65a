/** Tables for spreadsheets. */
type Cell = string | number | null;
/** Also behind blanks and signs that are not drawn, and in the full-width forms that some programs take for them. */
const formula = /^[\s\p{Cc}\p{Cf}]*[=+\-@|%＝＋－＠]|^[\t\r\n]/u;

/** RFC 4180. A text that a spreadsheet would take for a formula gets a quote before it: what hosts send must not run there. */
function csvCell(value: Cell): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const safe = formula.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
export const toCsv = ({ columns, rows }: { columns: readonly string[]; rows: readonly (readonly Cell[])[] }): string => [columns, ...rows].map((row) => row.map(csvCell).join(',')).join('\r\n');
