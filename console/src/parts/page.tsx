/** The frame of a page: its one heading (which may hold what a host sent), a sentence that says what it is for, what can be done at the right. */
import { type ReactNode, useEffect } from 'react';
import { inertString } from './inert-text.ts';
import { Inert } from './inert.tsx';
import './page.css';

export function Page({ title, lead, actions, children, wide = false }: { title: string; lead?: ReactNode; actions?: ReactNode; children: ReactNode; wide?: boolean }) {
  useEffect(() => { document.title = `${inertString(title)} · Moat`; }, [title]);
  return (
    <div className={`m-page${wide ? ' m-page-wide' : ''}`}>
      <header className="m-page-head">
        <div className="m-grow"><h1><Inert>{title}</Inert></h1>{lead !== undefined && <p className="m-quiet">{lead}</p>}</div>
        {actions !== undefined && <div className="m-row">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

export const Card = ({ title, extra, children, flush = false, label }: { title?: ReactNode; extra?: ReactNode; children: ReactNode; flush?: boolean; label?: string }) => (
  <section className="m-card" aria-label={label ?? (typeof title === 'string' ? title : undefined)}>
    {title !== undefined && <header className="m-card-head"><h2 className="m-title m-grow">{title}</h2>{extra}</header>}
    <div className={flush ? 'm-card-flush' : 'm-card-body'}>{children}</div>
  </section>
);
