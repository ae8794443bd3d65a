/** Protection: the mode and what waits for a person above, one section under an address of its own below. */
import { useParams } from 'react-router';
import type { Request } from '../../../../src/api/contract/response.ts';
import { useGet } from '../../api/hooks.ts';
import { Page as Frame } from '../../parts/page.tsx';
import { Sections } from '../../parts/sections.tsx';
import { Empty } from '../../parts/states.tsx';
import { useTexts } from '../../text/lang.ts';
import { Blocks } from './blocks.tsx';
import { Allow, Linkage, Notices } from './lists.tsx';
import { ModeStrip } from './mode.tsx';
import { Playbooks, Runs } from './playbooks.tsx';
import { Ports } from './ports.tsx';
import { QuarantineSection } from './quarantine.tsx';
import { Receipts } from './receipts.tsx';
import { Requests } from './requests.tsx';
import { words } from './words.ts';
import { ZonesSection } from './zones.tsx';
import './protection.css';

const sections = ['blocks', 'receipts', 'playbooks', 'runs', 'linkage', 'allow', 'ports', 'zones', 'quarantine', 'notices'] as const;

export function Page() {
  const t = useTexts(words);
  const [at = '', id = ''] = (useParams()['*'] ?? '').split('/');
  const requests = useGet<{ items: Request[] }>('/requests', {}, { live: ['request', 'action'], everyMs: 60_000 });
  return (
    <Frame title={t('title')} lead={t('lead')}>
      <ModeStrip />
      <Requests requests={requests.data?.items ?? []} />
      <Sections label={t('sections')} items={sections.map((one) => ({ to: one === 'blocks' ? '/protection' : `/protection/${one}`, title: t(one), isDeep: one !== 'blocks' }))} />
      {at === '' || at === 'blocks' ? <Blocks /> : at === 'receipts' ? <Receipts id={id} /> : at === 'playbooks' ? <Playbooks id={id} /> : at === 'runs' ? <Runs id={id} /> : at === 'linkage' ? <Linkage /> : at === 'allow' ? <Allow /> : at === 'ports' ? <Ports /> : at === 'zones' ? <ZonesSection /> : at === 'quarantine' ? <QuarantineSection /> : at === 'notices' ? <Notices /> : <div className="m-card"><Empty icon="search" title={t('nothingHere')} /></div>}
    </Frame>
  );
}
