/** Is what lies there now still what such a file is, or did somebody spoil it? Told by how both begin; a guess, and only asked where nobody saw who wrote it. */

/** Of how each begins. */
export function looksWhole(now: Buffer, backup: Buffer): boolean {
  if (now.length === 0) return backup.length === 0;
  if (backup.length === 0) return true;
  if (isText(backup)) return isText(now);
  return now.subarray(0, 4).equals(backup.subarray(0, 4));
}

/** No control characters but those of texts, and mostly valid UTF-8 (the end may be cut). */
function isText(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte < 9 || (byte > 13 && byte < 32 && byte !== 27) || byte === 127) return false;
  const broken = bytes.toString('utf8').split('\uFFFD').length - 1;
  return broken <= 1 + bytes.length / 100;
}
