/** Containers that run here. */
import type { z } from 'zod';
import type { containers } from '../../../../src/api/contract/host.ts';
import { Link } from 'react-router';
import { useGet } from '../../api/hooks.ts';
import { Inert } from '../../parts/inert.tsx';
import { Empty, Shown } from '../../parts/states.tsx';
import { useTexts } from '../../text/lang.ts';
import { NotLooked } from './parts.tsx';
import { words } from './words.ts';

export function ContainersTab() {
  const t = useTexts(words);
  const asked = useGet<z.infer<typeof containers>>('/host/containers', {}, { everyMs: 30_000 });
  return (
    <Shown of={asked}>{({ items, why }) => (
      <div className="m-stack">
        <NotLooked why={why} />
        {items.length === 0 && why === undefined && <section className="m-card"><Empty icon="hosts" title={t('containersNone')}>{t('containersNoneHow')}</Empty></section>}
        {items.length > 0 && <section className="m-card m-pad" aria-label={t('tab_containers')}><ul className="h-list">{items.map((one) => <li key={one.id}><b><Inert>{one.name ?? one.id.slice(0, 12)}</Inert></b><span className="m-quiet"><Inert>{one.image}</Inert></span><span className="m-faint"><Inert>{one.runtime}</Inert></span><span className="m-faint">{t('processes', { count: one.processes })}</span><Link to={{ pathname: '/hosts', search: new URLSearchParams({ origin: 'container', ...(one.name !== undefined && { text: one.name }) }).toString() }}>{t('showProcesses')}</Link></li>)}</ul></section>}
      </div>
    )}</Shown>
  );
}
