/** What happens, for whoever watches: numbered, the last ones kept, so that a watcher that was cut off goes on where it was. */

/**
 * alert, incident   its id
 * action            a receipt, a run of a playbook, or the address that is blocked
 * request           something waits for an answer, or was answered: a run of a playbook or an elevation
 * health            a part of Moat
 * job               long work began, went on or ended
 * scan              a look at this machine began ('running') or ended ('ended') by itself, or what one found is stored (the id of the run)
 */
export type FeedKind = 'alert' | 'incident' | 'action' | 'request' | 'health' | 'job' | 'scan';
/** What changed, never its contents: the watcher asks for it with its own permissions. */
export interface FeedItem { seq: number; time: number; kind: FeedKind; id: string }

const keptMax = 2000;

export class Feed {
  private readonly kept: FeedItem[] = [];
  private readonly watchers = new Set<(item: FeedItem) => void>();
  private seq: number;
  private readonly now: () => number;

  /** Numbers begin at the time, so that those of an earlier run are told apart. */
  constructor(now: () => number) {
    this.now = now;
    this.seq = now();
  }

  tell(kind: FeedKind, id: string): void {
    const item = { seq: ++this.seq, time: this.now(), kind, id };
    this.kept.push(item);
    if (this.kept.length > keptMax) this.kept.shift();
    for (const watcher of this.watchers) watcher(item);
  }

  get last(): number { return this.seq; }

  /** Those after `seq`; undefined when some of them are kept no more: everything is to be asked for anew. */
  after(seq: number): FeedItem[] | undefined {
    const first = this.kept[0];
    if (seq > this.seq || seq < (first ? first.seq - 1 : this.seq)) return undefined;
    return this.kept.filter((item) => item.seq > seq);
  }

  watch(watcher: (item: FeedItem) => void): () => void {
    this.watchers.add(watcher);
    return () => { this.watchers.delete(watcher); };
  }

  get watching(): number { return this.watchers.size; }
}
