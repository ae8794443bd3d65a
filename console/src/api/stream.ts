/**
 * What changed on the server, as it happens. One tab of the browser holds the stream and tells the others (a browser opens only six
 * connections to a server); when it is closed another takes over. What was missed is asked for anew.
 */
import { useEffect, useEffectEvent, useSyncExternalStore } from 'react';

const kinds = ['alert', 'incident', 'action', 'request', 'health', 'job', 'scan', 'account', 'token'] as const;
export type StreamKind = (typeof kinds)[number];
/** `reset`: something was missed, so all that is shown may be old. */
export interface StreamItem { kind: StreamKind | 'reset'; id: string; time: number }
export type StreamState = 'connecting' | 'live' | 'cut';
type Told = { item: StreamItem } | { state: StreamState } | { hello: true };

const retryMs = 4000;
const listeners = new Set<(item: StreamItem) => void>();
const watchers = new Set<() => void>();
let state: StreamState = 'connecting';
let end: (() => void) | undefined;

const hear = (item: StreamItem): void => { for (const listener of listeners) listener(item); };
function become(next: StreamState): void {
  if (next === state) return;
  state = next;
  for (const watcher of watchers) watcher();
}

/** Begins; ends what was begun before. `check`: asks whether the session holds, when the server sends the stream away. */
export function openStream(check: () => void): () => void {
  end?.();
  const channel = new BroadcastChannel('moat-stream');
  const over = new AbortController();
  // eslint-disable-next-line unicorn/require-post-message-target-origin -- a channel reaches the tabs of this origin alone
  const send = (told: Told): void => { channel.postMessage(told); };
  channel.addEventListener('message', ({ data }: MessageEvent<Told>) => {
    if ('item' in data) hear(data.item);
    else if ('state' in data) become(data.state);
    else if (isHolder) send({ state });
  });
  let isHolder = false;
  const tell = (told: Exclude<Told, { hello: true }>): void => {
    if ('item' in told) hear(told.item);
    else become(told.state);
    send(told);
  };
  send({ hello: true });
  void navigator.locks.request('moat-stream', { signal: over.signal }, () => {
    isHolder = true;
    return new Promise<void>((resolve) => {
      const close = hold(tell, check);
      over.signal.addEventListener('abort', () => { close(); resolve(); });
    });
  }).catch((error: unknown) => { if (!over.signal.aborted) throw error; });
  end = () => { over.abort(); channel.close(); };
  return end;
}

/** Holds the connection until it is closed. */
function hold(tell: (told: { item: StreamItem } | { state: StreamState }) => void, check: () => void): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wasOpen = false;
  const begin = (): void => {
    source = new EventSource('/api/v1/stream');
    source.addEventListener('open', () => {
      // A new connection knows nothing of what came between.
      if (wasOpen) tell({ item: { kind: 'reset', id: '', time: Date.now() } });
      wasOpen = false;
      tell({ state: 'live' });
    });
    for (const kind of kinds) source.addEventListener(kind, ({ data }: MessageEvent<string>) => { tell({ item: JSON.parse(data) as StreamItem }); });
    source.addEventListener('reset', () => { tell({ item: { kind: 'reset', id: '', time: Date.now() } }); });
    source.addEventListener('error', () => {
      tell({ state: 'cut' });
      // Otherwise the browser itself goes on, with the number of the last item.
      if (source?.readyState !== EventSource.CLOSED) return;
      wasOpen = true;
      check();
      timer = setTimeout(begin, retryMs);
    });
  };
  begin();
  return () => { clearTimeout(timer); source?.close(); };
}

const subscribe = (watcher: () => void): (() => void) => {
  watchers.add(watcher);
  return () => { watchers.delete(watcher); };
};
export const useStreamState = (): StreamState => useSyncExternalStore(subscribe, () => state);

const pauseMs = 2000;
/**
 * Calls back when something of these kinds changed: at once, then at most every two seconds, however much comes; a page that nobody sees waits.
 */
export function useChanges(wanted: readonly StreamKind[], onChange: (ids: ReadonlySet<string>) => void): void {
  const call = useEffectEvent(onChange);
  const key = wanted.join(' ');
  useEffect(() => {
    if (key === '') return undefined;
    const names = new Set<string>([...key.split(' '), 'reset']);
    let ids = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let last = 0;
    const fire = (): void => {
      timer = undefined;
      if (document.hidden || ids.size === 0) return;
      last = Date.now();
      const those = ids;
      ids = new Set();
      call(those);
    };
    const plan = (): void => { timer ??= setTimeout(fire, Math.max(0, last + pauseMs - Date.now())); };
    const listener = ({ kind, id }: StreamItem): void => {
      if (!names.has(kind)) return;
      // Beyond that it is everything anyhow.
      if (ids.size < 500) ids.add(id);
      plan();
    };
    listeners.add(listener);
    document.addEventListener('visibilitychange', plan);
    return () => {
      clearTimeout(timer);
      listeners.delete(listener);
      document.removeEventListener('visibilitychange', plan);
    };
  }, [key]);
}
