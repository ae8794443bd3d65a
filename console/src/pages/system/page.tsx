/** System: one's own account, those of others, what happened, and Moat itself; each section under an address of its own. */
import type { ComponentType } from 'react';
import { useParams } from 'react-router';
import type { Elevation } from '../../../../src/api/contract/accounts.ts';
import { useGet } from '../../api/hooks.ts';
import { useMe } from '../../api/session.tsx';
import { Page as Frame } from '../../parts/page.tsx';
import { Sections } from '../../parts/sections.tsx';
import { Denied, Empty } from '../../parts/states.tsx';
import { useTexts } from '../../text/lang.ts';
import { About } from './about.tsx';
import { Accounts } from './accounts.tsx';
import { Audit } from './audit.tsx';
import { Elevations } from './elevations.tsx';
import { Own } from './own.tsx';
import { Roles } from './roles.tsx';
import { SensorsSection } from './sensors.tsx';
import { Sessions } from './sessions.tsx';
import { Storage } from './storage.tsx';
import { Tokens } from './tokens.tsx';
import { words } from './words.ts';
import './system.css';

interface Section { id: 'own' | 'sessions' | 'accounts' | 'roles' | 'tokens' | 'elevations' | 'audit' | 'sensors' | 'storage' | 'about'; /** Hidden without this permission. */ needs?: string; Shown: ComponentType<{ id: string }> }
const sections: readonly Section[] = [
  { id: 'own', Shown: Own }, { id: 'sessions', Shown: Sessions }, { id: 'accounts', needs: 'accounts', Shown: Accounts }, { id: 'roles', Shown: Roles }, { id: 'tokens', Shown: Tokens }, { id: 'elevations', Shown: Elevations },
  { id: 'audit', needs: 'audit', Shown: Audit }, { id: 'sensors', needs: 'read', Shown: SensorsSection }, { id: 'storage', needs: 'read', Shown: Storage }, { id: 'about', needs: 'read', Shown: About },
];

export function Page() {
  const t = useTexts(words);
  const { may } = useMe();
  const [at = '', id = ''] = (useParams()['*'] ?? '').split('/');
  const elevations = useGet<{ items: Elevation[] }>('/elevations', {}, { live: ['request'], everyMs: 60_000 });
  // Those that this person can answer.
  const waiting = may.includes('accounts') ? elevations.data?.items.filter(({ state, own }) => state === 'waiting' && !own).length : 0;
  const isFor = ({ needs }: Section): boolean => needs === undefined || may.includes(needs);
  const section = sections.find((one) => one.id === (at === '' ? 'own' : at));
  return (
    <Frame title={t('title')} lead={t('lead')}>
      <Sections label={t('sections')} items={sections.filter(isFor).map((one) => ({ to: one.id === 'own' ? '/system' : `/system/${one.id}`, title: t(one.id), isDeep: one.id !== 'own', ...(one.id === 'elevations' && { count: waiting }) }))} />
      {section === undefined ? <div className="m-card"><Empty icon="search" title={t('nothingHere')} /></div> : isFor(section) ? <section.Shown id={id} /> : <div className="m-card"><Denied /></div>}
    </Frame>
  );
}
