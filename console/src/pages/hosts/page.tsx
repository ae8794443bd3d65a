/** This machine: what runs and where it came from, who gets in, what is installed, what has changed. */
import { useParams } from 'react-router';
import type { Host } from '../../../../src/api/contract/host.ts';
import { useGet } from '../../api/hooks.ts';
import { useFilters } from '../../parts/address.ts';
import { Page as Frame } from '../../parts/page.tsx';
import { Sections } from '../../parts/sections.tsx';
import { Shown } from '../../parts/states.tsx';
import { useTexts } from '../../text/lang.ts';
import { ContainersTab } from './containers.tsx';
import { IntegrityTab } from './integrity.tsx';
import { ListenersTab } from './listeners.tsx';
import { Machine } from './machine.tsx';
import { PackagesTab } from './packages.tsx';
import { ProcessesTab } from './processes.tsx';
import { ScansTab } from './scans.tsx';
import { SettingsTab } from './settings.tsx';
import { StoryDrawer } from './story.tsx';
import { UsersTab } from './users.tsx';
import { words } from './words.ts';
import './hosts.css';

const tabs = { processes: ProcessesTab, listeners: ListenersTab, users: UsersTab, packages: PackagesTab, containers: ContainersTab, integrity: IntegrityTab, scans: ScansTab, settings: SettingsTab } as const;
type TabName = keyof typeof tabs;
const names = Object.keys(tabs) as TabName[];

export function Page() {
  const t = useTexts(words);
  const wanted = (useParams()['*'] ?? '').split('/')[0];
  const tab = names.find((one) => one === wanted) ?? 'processes';
  const Tab = tabs[tab];
  const host = useGet<Host>('/host', {}, { everyMs: 15_000, live: ['health'] });
  const { filters, set } = useFilters(['of']);
  const tell = (of: string | undefined): void => { set({ of }, { push: of !== undefined }); };
  return (
    <Frame title={t('title')} lead={t('lead')}>
      <section className="m-card" aria-label={t('machine')}><Shown of={host} rows={2}>{(found) => <Machine host={found} />}</Shown></section>
      <Sections label={t('title')} items={names.map((key) => ({ to: key === 'processes' ? '/hosts' : `/hosts/${key}`, title: t(`tab_${key}`), isDeep: key !== 'processes' }))} />
      <Tab onTell={tell} />
      <StoryDrawer of={filters.of} onClose={() => { tell(undefined); }} onTell={tell} />
    </Frame>
  );
}
