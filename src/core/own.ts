/**
 * The same text in memory of its own. A part cut from a longer string keeps all of that string alive: fifty
 * thousand addresses cut from log lines would hold fifty thousand lines. Use it for what is kept for long.
 */
export function own(text: string): string {
  // V8 copies what is shorter than this anyway. A longer one is joined to a character and cut from the joined text,
  // which V8 must write out anew: three times as fast as the way through JSON.
  return text.length < 13 ? text : ` ${text}`.slice(1);
}
