/** Which of two versions is newer, by the rules of each package manager. Negative: the first is older. */

/** `[epoch:]upstream[-revision]` as deb-version(7) orders them. */
export function compareDpkgVersions(a: string, b: string): number {
  const [x, y] = [splitVersion(a), splitVersion(b)];
  return compareDigits(x.epoch, y.epoch) || compareDpkgPart(x.upstream, y.upstream) || compareDpkgPart(x.revision, y.revision);
}

function splitVersion(version: string): { epoch: string; upstream: string; revision: string } {
  const colon = version.indexOf(':');
  const rest = version.slice(colon + 1);
  const dash = rest.lastIndexOf('-');
  return { epoch: colon < 0 ? '' : version.slice(0, colon), upstream: dash < 0 ? rest : rest.slice(0, dash), revision: dash < 0 ? '' : rest.slice(dash + 1) };
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isLetter = (code: number): boolean => (code >= 65 && code <= 90) || (code >= 97 && code <= 122);

/** `~` comes before the end, the end before letters, letters before all else. A digit ends the text like the end. */
function order(code: number): number {
  if (Number.isNaN(code) || isDigit(code)) return 0;
  if (code === 126) return -1;
  return isLetter(code) ? code : code + 256;
}

/** Text and numbers in turn. */
function compareDpkgPart(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a.charCodeAt(i))) || (j < b.length && !isDigit(b.charCodeAt(j)))) {
      const differ = order(a.charCodeAt(i)) - order(b.charCodeAt(j));
      if (differ !== 0) return differ;
      i++;
      j++;
    }
    const [m, n] = [endOf(a, i, isDigit), endOf(b, j, isDigit)];
    const differ = compareDigits(a.slice(i, m), b.slice(j, n));
    if (differ !== 0) return differ;
    i = m;
    j = n;
  }
  return 0;
}

/** Numbers of any length. */
function compareDigits(a: string, b: string): number {
  const [x, y] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  return x.length - y.length || (x < y ? -1 : x > y ? 1 : 0);
}

function endOf(text: string, start: number, is: (code: number) => boolean): number {
  let at = start;
  while (at < text.length && is(text.charCodeAt(at))) at++;
  return at;
}

/** `[epoch:]version[-release]` as rpm orders them; a release that only one of them names is not compared. */
export function compareRpmVersions(a: string, b: string): number {
  const [x, y] = [splitVersion(a), splitVersion(b)];
  return compareDigits(x.epoch, y.epoch) || compareRpmPart(x.upstream, y.upstream) || (x.revision === '' || y.revision === '' ? 0 : compareRpmPart(x.revision, y.revision));
}

const tilde = 126;
const caret = 94;
const isSeparator = (code: number): boolean => !isDigit(code) && !isLetter(code) && code !== tilde && code !== caret;

/** Runs of digits and of letters; `~` comes before anything, `^` after the end and before anything else. */
function compareRpmPart(a: string, b: string): number {
  let i = 0;
  let j = 0;
  for (;;) {
    i = endOf(a, i, isSeparator);
    j = endOf(b, j, isSeparator);
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(j)];
    if (x === tilde || y === tilde) {
      if (x !== y) return x === tilde ? -1 : 1;
      i++;
      j++;
      continue;
    }
    if (x === caret || y === caret) {
      if (i >= a.length) return -1;
      if (j >= b.length) return 1;
      if (x !== y) return x === caret ? -1 : 1;
      i++;
      j++;
      continue;
    }
    if (i >= a.length || j >= b.length) break;
    const is = isDigit(x) ? isDigit : isLetter;
    const [m, n] = [endOf(a, i, is), endOf(b, j, is)];
    // A number is newer than letters.
    if (n === j) return is === isDigit ? 1 : -1;
    const [one, two] = [a.slice(i, m), b.slice(j, n)];
    const differ = is === isDigit ? compareDigits(one, two) : one < two ? -1 : one > two ? 1 : 0;
    if (differ !== 0) return differ;
    i = m;
    j = n;
  }
  return (i < a.length ? 1 : 0) - (j < b.length ? 1 : 0);
}
