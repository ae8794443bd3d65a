/** Figures of a source. They never make a finding alone above `medium`: translations, minified code and keys look alike. */

export interface Statistics {
  /** Bits a byte, 0–8. */
  entropy: number;
  /** Characters of the longest run without a blank or quote break. */
  longestToken: number;
  longestLine: number;
  lines: number;
  /** Share of bytes outside printable ASCII and UTF-8. */
  binary: number;
  /** Offset of code that stands so far right that an editor does not show it: a line whose text begins again after 150 blanks. */
  farRight: number | undefined;
  /** Most of the file is one line. */
  oneLine: boolean;
}

const farRightBlanks = 150;

export function statistics(source: string): Statistics {
  const counts = new Uint32Array(256);
  let longestToken = 0;
  let token = 0;
  let longestLine = 0;
  let lineStart = 0;
  let lines = 1;
  let high = 0;
  let control = 0;
  let blanks = 0;
  let farRight: number | undefined;
  for (let i = 0; i < source.length; i++) {
    const code = source.charCodeAt(i) & 255;
    counts[code]!++;
    if (code === 10) {
      longestLine = Math.max(longestLine, i - lineStart);
      lineStart = i + 1;
      lines++;
    }
    if (code === 32 || code === 9) blanks++;
    else {
      if (blanks >= farRightBlanks && code !== 10 && code !== 13) farRight ??= i;
      blanks = 0;
    }
    if (code <= 32 || code === 34 || code === 39) { longestToken = Math.max(longestToken, token); token = 0; } else token++;
    if (code >= 128) high++;
    else if (code < 32 && code !== 9 && code !== 10 && code !== 13) control++;
  }
  longestLine = Math.max(longestLine, source.length - lineStart);
  longestToken = Math.max(longestToken, token);
  let entropy = 0;
  for (const count of counts) if (count > 0) { const share = count / source.length; entropy -= share * Math.log2(share); }
  return { entropy, longestToken, longestLine, lines, binary: source.length === 0 ? 0 : (control + high) / source.length, farRight, oneLine: source.length > 2000 && longestLine > source.length * 0.8 };
}
