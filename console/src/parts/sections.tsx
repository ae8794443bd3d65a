/** The sections of a page, each under an address of its own. On a phone they are swiped. */
import { NavLink } from 'react-router';
import './sections.css';

export interface Section { to: string; title: string; /** Also when what is beneath it is open. */ isDeep?: boolean; count?: number | undefined }

export const Sections = ({ label, items }: { label: string; items: readonly Section[] }) => (
  <nav className="m-sections m-no-print" aria-label={label}>
    {items.map(({ to, title, isDeep = true, count }) => (
      <NavLink key={to} to={to} end={!isDeep} className={({ isActive }) => `m-section${isActive ? ' m-section-now' : ''}`}>
        {title}{count !== undefined && count > 0 && <span className="m-section-count">{count}</span>}
      </NavLink>
    ))}
  </nav>
);
