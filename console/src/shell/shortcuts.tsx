/** `g` and a letter goes to a page, `/` to the search of the page, `?` shows all. Never while somebody types. */
import { Modal } from 'antd';
import { useEffect, useState } from 'react';
import { useNavigate } from 'react-router';
import { pages, pathOf } from '../pages/catalogue.ts';
import { useSay, useTexts } from '../text/lang.ts';
import { words } from './words.ts';

const waitMs = 1200;
const isTyping = (target: EventTarget | null): boolean => target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

export function useShortcuts(): { isHelp: boolean; setHelp: (isHelp: boolean) => void } {
  const navigate = useNavigate();
  const [isHelp, setHelp] = useState(false);
  useEffect(() => {
    let goSince = 0;
    const listener = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const isGo = Date.now() - goSince < waitMs;
      goSince = 0;
      if (isGo) {
        const page = pages.find(({ key }) => key === event.key);
        if (page) { event.preventDefault(); void navigate(pathOf(page)); }
      } else if (event.key === 'g') goSince = Date.now();
      else if (event.key === '?') setHelp(true);
      else if (event.key === '/') {
        const field = document.querySelector<HTMLElement>('main [data-search] input, main input[data-search]');
        if (field) { event.preventDefault(); field.focus(); }
      }
    };
    addEventListener('keydown', listener);
    return () => { removeEventListener('keydown', listener); };
  }, [navigate]);
  return { isHelp, setHelp };
}

export function KeyHelp({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const t = useTexts(words);
  const say = useSay();
  return (
    <Modal open={isOpen} onCancel={onClose} footer={null} title={t('keysTitle')} closable={{ 'aria-label': t('closeThing') }}>
      <dl className="m-keys">
        {pages.map((entry) => <div key={entry.id}><dt><kbd>g</kbd> {t('next')} <kbd>{entry.key}</kbd></dt><dd>{t('goTo', { page: say(entry.title) })}</dd></div>)}
        <div><dt><kbd>/</kbd></dt><dd>{t('search')}</dd></div>
        <div><dt><kbd>Esc</kbd></dt><dd>{t('closeThing')}</dd></div>
        <div><dt><kbd>?</kbd></dt><dd>{t('help')}</dd></div>
      </dl>
    </Modal>
  );
}
