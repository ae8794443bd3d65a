/** What happens, for whoever watches: numbered, the last ones kept, so that a watcher that was cut off goes on where it was. */

/**
 * alert, incident   its id
 * action            a receipt, a run of a playbook, or the address that is blocked
 * request           something waits for an answer, or was answered: a run of a playbook or an elevation
 * health            a part of Moat
 * job               long work began, went on or ended
 * scan              a look at this machine began ('running') or ended ('ended') by itself, or what one found is stored (the id of the run)
 * account, token    its id: made, changed, ended; its sessions and elevations too
 */
export type FeedKind = 'alert' | 'incident' | 'action' | 'request' | 'health' | 'job' | 'scan' | 'account' | 'token';
/** What changed, never its contents: the watcher asks for it with its own permissions. */
export interface FeedItem { seq: number; time: number; kind: FeedKind; id: string }

const keptMax = 2000;
/** What comes within this is written together, once for all who watch. */
const togetherMs = 100;
/** In a flood nobody follows single items: a watcher is told that much has changed, and then less often. */
const togetherMost = 100;
const floodMs = 1000;

export class Feed {
  private readonly kept: FeedItem[] = [];
  private readonly watchers = new Set<(text: string) => void>();
  private readonly now: () => number;
  private seq: number;
  private untold: FeedItem[] = [];
  private untoldMany = false;
  private wasMany = false;
  private timer: NodeJS.Timeout | undefined;

  /** Numbers begin at the time, so that those of an earlier run are told apart. */
  constructor(now: () => number) {
    this.now = now;
    this.seq = now();
  }

  tell(kind: FeedKind, id: string): void {
    const item = { seq: ++this.seq, time: this.now(), kind, id };
    this.kept.push(item);
    // Many at once: a list that loses its first one by one is moved each time.
    if (this.kept.length > 2 * keptMax) this.kept.splice(0, this.kept.length - keptMax);
    if (this.watchers.size === 0) return;
    if (this.untold.length < togetherMost) this.untold.push(item); else this.untoldMany = true;
    this.timer ??= setTimeout(() => this.flush(), this.wasMany ? floodMs : togetherMs).unref();
  }

  get last(): number { return this.seq; }

  /** Those after `seq`; undefined when some of them are kept no more: everything is to be asked for anew. */
  after(seq: number): FeedItem[] | undefined {
    const first = this.kept[0];
    if (seq > this.seq || seq < (first ? first.seq - 1 : this.seq)) return undefined;
    return this.kept.filter((item) => item.seq > seq);
  }

  /** The watcher is given server-sent events as text, of all that is told from now on. */
  watch(watcher: (text: string) => void): () => void {
    // What was told before is not for it.
    this.flush();
    this.watchers.add(watcher);
    return () => { this.watchers.delete(watcher); };
  }

  get watching(): number { return this.watchers.size; }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const items = this.untold, many = this.untoldMany;
    this.untold = [];
    this.untoldMany = false;
    this.wasMany = many;
    if (items.length === 0) return;
    const text = many ? resetText(this.seq) : items.map(itemText).join('');
    for (const watcher of this.watchers) watcher(text);
  }
}

export const itemText = ({ seq, ...item }: FeedItem): string => `id: ${seq}\nevent: ${item.kind}\ndata: ${JSON.stringify(item)}\n\n`;
/** Something was not told one by one: all that is shown may be old. */
export const resetText = (seq: number): string => `id: ${seq}\nevent: reset\ndata: {}\n\n`;
