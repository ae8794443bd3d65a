/** Rules: the list, one of them, the editor for one's own, and exceptions; each under an address of its own. */
import { Button } from 'antd';
import { useNavigate, useParams } from 'react-router';
import { useMay } from '../../api/session.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Page as Frame } from '../../parts/page.tsx';
import { Sections } from '../../parts/sections.tsx';
import { Denied, Empty } from '../../parts/states.tsx';
import { useTexts } from '../../text/lang.ts';
import { Edit } from './edit.tsx';
import { Exceptions } from './exceptions.tsx';
import { List } from './list.tsx';
import { One } from './one.tsx';
import { words } from './words.ts';
import '../../parts/rows.css';
import './rules.css';

export function Page() {
  const t = useTexts(words);
  const go = useNavigate();
  const mayHunt = useMay('hunt');
  // A rule may be called anything: what it is called stands behind `rule/`.
  const [at = '', id = '', deed = ''] = (useParams()['*'] ?? '').split('/');
  if (at === 'new' || (at === 'rule' && deed === 'edit')) return mayHunt ? <Edit key={`${at}/${id}`} id={at === 'new' ? '' : id} /> : <Frame title={t('new')}><div className="m-card"><Denied /></div></Frame>;
  if (at === 'rule' && id !== '') return <One key={id} id={id} />;
  return (
    <Frame title={t('title')} lead={t('lead')} actions={mayHunt && <Button type="primary" icon={<Icon name="plus" size={16} />} onClick={() => { void go('/rules/new'); }}>{t('new')}</Button>}>
      <Sections label={t('sections')} items={[{ to: '/rules', title: t('list'), isDeep: false }, { to: '/rules/exceptions', title: t('exceptions') }]} />
      {at === '' ? <List /> : at === 'exceptions' ? <Exceptions /> : <div className="m-card"><Empty icon="search" title={t('emptyList')} /></div>}
    </Frame>
  );
}
