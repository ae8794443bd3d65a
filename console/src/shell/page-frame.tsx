/** Around each page: whether it may be seen, waiting for its code, its failure. */
import { type ComponentType, Suspense } from 'react';
import { Link, useLocation } from 'react-router';
import { useMe } from '../api/session.tsx';
import type { PageEntry } from '../pages/catalogue.ts';
import { Page as Frame } from '../parts/page.tsx';
import { Boundary, Denied, Loading, Notice } from '../parts/states.tsx';
import { useSay, useTexts } from '../text/lang.ts';
import { words } from './words.ts';

export function PageFrame({ entry, Page }: { entry: PageEntry; Page: ComponentType }) {
  const { may } = useMe();
  const say = useSay();
  const { pathname } = useLocation();
  if (entry.needs !== undefined && !may.includes(entry.needs)) return <Frame title={say(entry.title)}><div className="m-card"><Denied /></div></Frame>;
  return <Boundary key={pathname.split('/')[1]}><Suspense fallback={<Frame title={say(entry.title)}><div className="m-card"><Loading rows={8} /></div></Frame>}><Page /></Suspense></Boundary>;
}

export function NotFound() {
  const t = useTexts(words);
  return <Frame title={t('missing')}><div className="m-card"><Notice icon="search" title={t('missing')} action={<Link to="/">{t('home')}</Link>}>{t('missingHow')}</Notice></div></Frame>;
}
