/** The page before the console: a card on calm water. */
import { type ReactNode, useEffect } from 'react';
import { Mark } from '../parts/icon.tsx';
import { Looks } from '../shell/bar.tsx';
import { words as shellWords } from '../shell/words.ts';
import { useTexts } from '../text/lang.ts';
import './entry.css';
import '../shell/shell.css';

export function EntryFrame({ title, lead, children }: { title: string; lead?: string; children: ReactNode }) {
  const t = useTexts(shellWords);
  useEffect(() => { document.title = `${title} · Moat`; }, [title]);
  return (
    <div className="m-entry">
      <div className="m-entry-looks"><Looks /></div>
      <main className="m-entry-card m-card">
        <div className="m-entry-brand"><Mark size={40} /><span>{t('product')}</span></div>
        <h1>{title}</h1>
        {lead !== undefined && <p className="m-quiet">{lead}</p>}
        {children}
      </main>
      <svg className="m-entry-water" viewBox="0 0 1200 220" preserveAspectRatio="none" aria-hidden="true"><path d="M0 90C150 40 300 40 450 90s300 50 450 0 200-40 300 0v130H0Z" opacity=".5" /><path d="M0 140c200-46 350-46 550 0s450 46 650 0v80H0Z" /></svg>
    </div>
  );
}
