/** Texts of the graph, each kept once: a thousand processes of one program share its path. */
import { own } from '../../core/own.ts';

const pathMax = 1024;
const cmdlineMax = 512;
const most = 8192;

export class Texts {
  private readonly known = new Map<string, string>();

  keep(text: string): string {
    const known = this.known.get(text);
    if (known !== undefined) return known;
    if (this.known.size >= most) this.known.clear();
    const kept = own(text);
    this.known.set(kept, kept);
    return kept;
  }

  path(text: string | undefined): string | undefined { return text === undefined ? undefined : this.keep(shortPath(text)); }
  cmdline(text: string | undefined): string | undefined { return text === undefined ? undefined : this.keep(text.length > cmdlineMax ? text.slice(0, cmdlineMax) : text); }
}

export const shortPath = (path: string): string => (path.length > pathMax ? path.slice(0, pathMax) : path);
