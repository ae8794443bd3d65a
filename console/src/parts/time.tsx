/** A time: short on screen, exact on hover, in the viewer's zone. */
import { useEffect, useState, useSyncExternalStore } from 'react';
import { common } from '../text/common.ts';
import { useLang, useTexts } from '../text/lang.ts';
import { clock, distance, exact, isTime } from './time-text.ts';

/** One clock for all that says "ago". */
const watchers = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const subscribe = (watcher: () => void): (() => void) => {
  watchers.add(watcher);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const one of watchers) one();
  }, 10_000);
  return () => {
    watchers.delete(watcher);
    if (watchers.size === 0) { clearInterval(timer); timer = undefined; }
  };
};

/** `style`: how long ago, or the clock. Unix ms. */
export function Time({ at, style = 'ago' }: { at: number | undefined; style?: 'ago' | 'clock' }) {
  const t = useTexts(common);
  const lang = useLang();
  const ticked = useSyncExternalStore(subscribe, () => now);
  const [first] = useState(Date.now);
  useEffect(() => { now = Math.max(now, first); }, [first]);
  if (!isTime(at)) return null;
  const far = style === 'ago' ? distance(at, Math.max(ticked, first)) : undefined;
  const said = style === 'clock' ? clock(at, lang) : far ? t(`${far.past ? 'ago' : 'in'}_${far.unit}`, { n: far.n }) : t('now');
  return <time dateTime={new Date(at).toISOString()} title={exact(at, lang)} className="m-number">{said}</time>;
}
