/** /proc/PID/maps: what is mapped into a process. */

export interface Mapping {
  from: string;
  /** Bytes. */
  length: number;
  /** r w x p, as the kernel writes them. */
  permissions: string;
  inode: number;
  /** Undefined for memory of no file; kernel's own names stand in brackets. */
  path: string | undefined;
  deleted: boolean;
}

const deletedMark = ' (deleted)';

/** Mappings that may be executed. Lines that are none are left out. */
export function* executableMappings(text: string): Iterable<Mapping> {
  for (let line = 0; line < text.length;) {
    let end = text.indexOf('\n', line);
    if (end < 0) end = text.length;
    const space = text.indexOf(' ', line);
    // 7f12-7f34 r-xp 00000000 08:01 1234   /path
    if (space > 0 && space + 5 < end && text[space + 3] === 'x') {
      const found = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ (\d+)\s*(.*)$/.exec(text.slice(line, end));
      if (found) {
        const whole = found[5]!;
        const deleted = whole.endsWith(deletedMark);
        const path = deleted ? whole.slice(0, -deletedMark.length) : whole;
        yield { from: found[1]!, length: Number.parseInt(found[2]!, 16) - Number.parseInt(found[1]!, 16), permissions: found[3]!, inode: Number(found[4]), path: path === '' ? undefined : unescaped(path), deleted };
      }
    }
    line = end + 1;
  }
}

/** A line feed in a path is written as \012. */
const unescaped = (path: string): string => (path.includes('\\') ? path.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8))) : path);
