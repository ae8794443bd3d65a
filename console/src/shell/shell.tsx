/** The frame around all pages: navigation at the side (a drawer on phones), a bar above with what is the viewer's own. */
import { Drawer, Modal } from 'antd';
import { lazy, Suspense, useEffect, useState } from 'react';
import { NavLink, Outlet, useLocation } from 'react-router';
import { useSession } from '../api/session.tsx';
import { openStream } from '../api/stream.ts';
import { pages, pathOf } from '../pages/catalogue.ts';
import { Icon, Mark } from '../parts/icon.tsx';
import { useSay, useTexts } from '../text/lang.ts';
import { LiveSign, OwnMenus } from './bar.tsx';
import { KeyHelp, useShortcuts } from './shortcuts.tsx';
import { words } from './words.ts';
import './shell.css';

const LogOnForm = lazy(async () => ({ default: (await import('../entry/log-on.tsx')).LogOnForm }));

function Navigation({ onPick }: { onPick?: () => void }) {
  const t = useTexts(words);
  const say = useSay();
  return (
    <nav aria-label={t('navigation')} className="m-nav">
      <ul>
        {pages.map((entry) => (
          <li key={entry.id}><NavLink to={pathOf(entry)} end={entry.id === 'overview'} {...(onPick && { onClick: onPick })}><Icon name={entry.id} />{say(entry.title)}</NavLink></li>
        ))}
      </ul>
    </nav>
  );
}

const Brand = () => {
  const t = useTexts(words);
  return <div className="m-brand"><Mark /><span>{t('product')}</span></div>;
};

export function Shell() {
  const t = useTexts(words);
  const { standing, again, enter } = useSession();
  const [isOpen, setOpen] = useState(false);
  const { pathname } = useLocation();
  const { isHelp, setHelp } = useShortcuts();
  // Who may not look at this host is told nothing of it either.
  const hears = 'me' in standing && standing.me.may.includes('read');
  const isIn = standing.state === 'in' && hears;
  useEffect(() => (isIn ? openStream(again) : undefined), [isIn, again]);
  useEffect(() => { setOpen(false); }, [pathname]);
  return (
    <div className="m-shell">
      <a className="m-skip" href="#content">{t('skip')}</a>
      <aside className="m-side m-no-print"><Brand /><Navigation /></aside>
      <header className="m-bar m-no-print">
        <button type="button" className="m-icon-button m-only-phone" aria-label={t('menu')} aria-expanded={isOpen} onClick={() => { setOpen(true); }}><Icon name="menu" /></button>
        <div className="m-only-phone"><Brand /></div>
        <div className="m-grow" />
        {hears && <LiveSign />}
        <OwnMenus onKeys={() => { setHelp(true); }} />
      </header>
      <main id="content" tabIndex={-1} className="m-main"><Outlet /></main>
      <Drawer open={isOpen} placement="left" size={264} onClose={() => { setOpen(false); }} title={<Brand />} closable={{ 'aria-label': t('closeThing') }} styles={{ body: { padding: 12 } }}><Navigation onPick={() => { setOpen(false); }} /></Drawer>
      <KeyHelp isOpen={isHelp} onClose={() => { setHelp(false); }} />
      <Modal open={standing.state === 'ended'} title={t('endedTitle')} footer={null} closable={false} keyboard={false} destroyOnHidden>
        <p className="m-quiet">{t('endedText')}</p>
        {standing.state === 'ended' && <Suspense><LogOnForm name={standing.me.name} onEnter={enter} /></Suspense>}
      </Modal>
    </div>
  );
}
