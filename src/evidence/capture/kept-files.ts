/**
 * Two files that are written by turns: what is kept of packets has a bound, and the older half goes when the newer one is full. Opened by
 * who may open them (`openKeptFiles`), written by who may do nothing else.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export const keptNames = ['a.pcapng', 'b.pcapng'] as const;
/** In the data folder. */
export const captureFolder = 'capture';

/** For their owner alone; what stands in them stays. */
export function openKeptFiles(folder: string): { descriptors: [number, number]; close: () => void } {
  const descriptors: number[] = [];
  const close = (): void => { for (const fd of descriptors) closeSync(fd); };
  try {
    for (const name of keptNames) descriptors.push(openSync(join(folder, name), 'a', 0o600));
    return { descriptors: descriptors as [number, number], close };
  } catch (error) {
    close();
    throw error;
  }
}

export class KeptFiles {
  private readonly descriptors: readonly [number, number];
  private readonly half: number;
  private readonly start: Buffer;
  private current: 0 | 1;
  private size: number;
  /** Whether it has a section that this process began. */
  private begun = false;
  /** Bytes of packets that went for want of room. */
  gone = 0;

  /** `start`: what a section begins with. */
  constructor(descriptors: readonly [number, number], { most, start }: { most: number; start: Buffer }) {
    this.descriptors = descriptors;
    this.half = Math.floor(most / 2);
    this.start = start;
    const a = fstatSync(descriptors[0]), b = fstatSync(descriptors[1]);
    this.current = b.size > 0 && b.mtimeMs > a.mtimeMs ? 1 : 0;
    ({ size: this.size } = this.current === 1 ? b : a);
  }

  /** Whole blocks. Throws as writing does, when the disk is full: then they are not there, or the last one in part. */
  write(blocks: Buffer): void {
    const wanted = blocks.length + (this.begun ? 0 : this.start.length);
    if (this.size > 0 && this.size + wanted > this.half) {
      this.current = this.current === 0 ? 1 : 0;
      const fd = this.descriptors[this.current];
      this.gone += fstatSync(fd).size;
      ftruncateSync(fd, 0);
      this.size = 0;
      this.begun = false;
    }
    try {
      if (!this.begun) this.put(this.start);
      this.begun = true;
      this.put(blocks);
    } catch (error) {
      // What follows begins a section of its own, behind which a reader finds its way again.
      this.begun = false;
      throw error;
    }
  }

  private put(bytes: Buffer): void {
    for (let done = 0; done < bytes.length;) {
      const n = writeSync(this.descriptors[this.current], bytes, done);
      done += n;
      this.size += n;
    }
  }
}
