/**
 * A word at the foot of the page on what was just done, with its undo. Our own: antd's messages draw themselves anew each frame while they
 * stand, and on a slow machine a page that is being loaded waits for them to go.
 */
import { Button } from 'antd';
import { useEffect, useSyncExternalStore } from 'react';
import { ApiError } from '../api/client.ts';
import { common } from '../text/common.ts';
import { useSay, useTexts } from '../text/lang.ts';
import { Icon } from './icon.tsx';
import { inertString } from './inert-text.ts';
import './toast.css';

interface Told { id: number; text: string; tone: 'good' | 'bad'; undo?: (() => void) | undefined }

const shownMs = 7000;
const watchers = new Set<() => void>();
let told: Told | undefined;
let last = 0;

function show(next: Told | undefined): void {
  told = next;
  for (const watcher of watchers) watcher();
}
const subscribe = (watcher: () => void): (() => void) => {
  watchers.add(watcher);
  return () => { watchers.delete(watcher); };
};

/** Replaces the one before. `undo`: what takes it back. */
export const toast = (text: string, undo?: () => void): void => { show({ id: ++last, text, tone: 'good', undo }); };

/** Does it, and says what it did or why it failed. The notice outlives what asked for it. */
export function useDeed(): (deed: () => Promise<unknown>, done: string, undo?: () => void) => Promise<boolean> {
  const say = useSay();
  return async (deed, done, undo) => {
    try {
      await deed();
      toast(done, undo);
      return true;
    } catch (error) {
      show({ id: ++last, text: inertString(error instanceof ApiError ? say(error.text) : String(error)), tone: 'bad' });
      return false;
    }
  };
}

export function Toasts() {
  const t = useTexts(common);
  const now = useSyncExternalStore(subscribe, () => told);
  const id = now?.id;
  useEffect(() => {
    if (id === undefined) return undefined;
    const timer = setTimeout(() => { if (told?.id === id) show(undefined); }, shownMs);
    return () => { clearTimeout(timer); };
  }, [id]);
  return (
    // There always, so that what comes into it is read out.
    <div className="m-toasts m-no-print" role="status">
      {now && (
        <div key={now.id} className={`m-toast m-toast-${now.tone}`}>
          <Icon name={now.tone === 'good' ? 'check' : 'warn'} size={18} />
          <span>{inertString(now.text)}</span>
          {now.undo && <Button type="link" size="small" onClick={() => { const { undo } = now; show(undefined); undo?.(); }}>{t('undo')}</Button>}
          <button type="button" className="m-toast-close" aria-label={t('close')} onClick={() => { show(undefined); }}><Icon name="close" size={15} /></button>
        </div>
      )}
    </div>
  );
}
