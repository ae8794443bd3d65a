/** The sections of a page, each under an address of its own. On a phone they are swiped. */
import { useEffect, useRef } from 'react';
import { NavLink, useLocation } from 'react-router';
import './sections.css';

export interface Section { to: string; title: string; /** Also when what is beneath it is open. */ isDeep?: boolean; count?: number | undefined }

export function Sections({ label, items }: { label: string; items: readonly Section[] }) {
  const nav = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  // On a phone the one that is open may lie outside; only the row moves, never the page.
  useEffect(() => {
    const row = nav.current, now = row?.querySelector<HTMLElement>('[aria-current=page]');
    if (row && now) row.scrollLeft = now.offsetLeft - row.offsetLeft - (row.clientWidth - now.offsetWidth) / 2;
  }, [pathname]);
  return (
    <nav ref={nav} className="m-sections m-no-print" aria-label={label}>
      {items.map(({ to, title, isDeep = true, count }) => (
        <NavLink key={to} to={to} end={!isDeep} className={({ isActive }) => `m-section${isActive ? ' m-section-now' : ''}`}>
          {title}{count !== undefined && count > 0 && <span className="m-section-count">{count}</span>}
        </NavLink>
      ))}
    </nav>
  );
}
