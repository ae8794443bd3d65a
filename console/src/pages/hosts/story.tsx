/** Where a process, a file or an address comes from and what it did; a process can be frozen or ended from here. */
import { Button, Drawer } from 'antd';
import { type ReactNode, useState } from 'react';
import { Link } from 'react-router';
import type { OriginStory } from '../../../../src/api/contract/host.ts';
import { useGet } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import { inertString } from '../../parts/inert-text.ts';
import { Inert } from '../../parts/inert.tsx';
import { Empty, Shown } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { common } from '../../text/common.ts';
import { useTexts } from '../../text/lang.ts';
import { Deed, type DeedOf } from './deed.tsx';
import { Fact, Facts, OriginTag } from './parts.tsx';
import { originKind } from './tree.ts';
import { words } from './words.ts';

type Tell = (what: string) => void;
type Of<Kind extends OriginStory['kind']> = Extract<OriginStory, { kind: Kind }>;
type Brief = Of<'process'>['root'];
interface Touched { what: string; count: number; last: number }
const listShown = 50;

/** A number is a process, what begins with a slash a file, all else an address or a name. */
const asked = (what: string): Record<string, string> => (/^\d+$/.test(what) ? { pid: what } : what.startsWith('/') ? { path: what } : { address: what });

export function StoryDrawer({ of, onClose, onTell }: { of: string | undefined; onClose: () => void; onTell: Tell }) {
  const t = useTexts(words);
  const tCommon = useTexts(common);
  // What was shown stays while it slides away.
  const [shown, setShown] = useState(of);
  if (of !== undefined && of !== shown) setShown(of);
  const story = useGet<OriginStory>('/origin', asked(shown ?? ''), { enabled: of !== undefined, live: ['action'] });
  const isUnknown = story.error?.code === 'not-found';
  return (
    <Drawer open={of !== undefined} onClose={onClose} size={680} mask={false} closable={{ 'aria-label': tCommon('close') }} title={inertString(t('storyOf', { what: shown ?? '' }), 120)} rootClassName="h-drawer">
      {shown !== undefined && (isUnknown ? <Empty icon="search" title={t('nothing')}>{t('nothingHow')}</Empty> : <Shown of={story} rows={10}>{(found) => <Story key={shown} story={found} onTell={onTell} />}</Shown>)}
    </Drawer>
  );
}

function Story({ story, onTell }: { story: OriginStory; onTell: Tell }) {
  const t = useTexts(words);
  switch (story.kind) {
    case 'process': return <ProcessStory story={story} onTell={onTell} />;
    case 'path': return <div className="h-story"><Part title={t('writer')} items={story.writer ? [story.writer.process] : []}>{(one) => <ProcessLine process={one} onTell={onTell} />}</Part><Part title={t('wrote')} items={story.wrote}>{(one) => <ProcessLine process={one} onTell={onTell} />}</Part><Part title={t('ran')} items={story.ran}>{(one) => <ProcessLine process={one} onTell={onTell} />}</Part><Part title={t('read')} items={story.read}>{(one) => <ProcessLine process={one} onTell={onTell} />}</Part></div>;
    case 'address': return <div className="h-story"><p><Link to={{ pathname: '/alerts', search: new URLSearchParams({ source_ip: story.address }).toString() }}>{t('alertsOf')}</Link></p><Part title={t('sessions')} items={story.sessions}>{(one) => <ProcessLine process={one} onTell={onTell} />}</Part><Part title={t('spoke')} items={story.spoke}>{(one) => <ProcessLine process={one} onTell={onTell} />}</Part></div>;
    case 'name': return <div className="h-story"><Part title={t('asked')} items={story.asked}>{(one) => <ProcessLine process={one} onTell={onTell} />}</Part><Part title={t('spoke')} items={story.spoke}>{(one) => <ProcessLine process={one} onTell={onTell} />}</Part></div>;
  }
}

function Part<T>({ title, items, children }: { title: string; items: readonly T[]; children: (one: T) => ReactNode }) {
  const t = useTexts(words);
  if (items.length === 0) return null;
  return <section><h3>{title}</h3><ul className="h-list">{items.slice(0, listShown).map((one, at) => <li key={at}>{children(one)}</li>)}{items.length > listShown && <li className="m-faint">{t('moreOf', { count: items.length - listShown })}</li>}</ul></section>;
}

const ProcessLine = ({ process, onTell }: { process: Brief; onTell: Tell }) => (
  <span className="h-what"><span className="m-row"><button type="button" className="m-link" onClick={() => { onTell(String(process.pid)); }}><Inert most={80}>{process.name ?? process.path ?? ''}</Inert> {process.pid}</button>{process.user !== undefined && <span className="m-quiet"><Inert>{process.user}</Inert></span>}<span className="m-faint">{process.started > 0 && <Time at={process.started} />}</span></span><span className="m-quiet m-cut"><Inert code most={300}>{process.cmdline ?? process.path}</Inert></span></span>
);

function ProcessStory({ story, onTell }: { story: Of<'process'>; onTell: Tell }) {
  const t = useTexts(words);
  const mayAct = useMay('act');
  const [deed, setDeed] = useState<DeedOf>();
  const { process } = story;
  const touched = (one: Touched, what?: string): ReactNode => <><button type="button" className="m-link h-long-text" onClick={() => { onTell(what ?? one.what); }}><Inert code most={300}>{one.what}</Inert></button><span className="m-faint">{t('times', { count: one.count })} · <Time at={one.last} /></span></>;
  return (
    <div className="h-story">
      <header><OriginTag origin={process.origin} /><p>{t(`says_${originKind(process.origin.kind)}`)}</p></header>
      {mayAct && process.ended === undefined && process.pid > 1 && <div className="m-row"><Button onClick={() => { setDeed({ kind: 'freeze', pid: process.pid, started: process.started }); }}>{t('freeze')}</Button><Button danger onClick={() => { setDeed({ kind: 'kill', pid: process.pid, started: process.started }); }}>{t('kill')}</Button></div>}
      <Facts>
        <Fact long name={t('command')}><Inert code>{process.cmdline}</Inert></Fact>
        <Fact long name={t('path')}>{process.path !== undefined && <button type="button" className="m-link h-long-text" onClick={() => { onTell(process.path!); }}><Inert code>{process.path}</Inert></button>}</Fact>
        <Fact name={t('user')}><Inert>{process.user}</Inert></Fact>
        <Fact name={t('began')}>{process.started > 0 && <Time at={process.started} style="clock" />}</Fact>
        <Fact name={t('endedAt')}>{process.ended !== undefined && <Time at={process.ended} style="clock" />}</Fact>
        <Fact long name={t('folder')}>{process.cwd !== undefined && <Inert code>{process.cwd}</Inert>}</Fact>
      </Facts>
      <Part title={t('chain')} items={story.chain}>{(one) => <ProcessLine process={one} onTell={onTell} />}</Part>
      <Part title={t('children')} items={story.children}>{(one) => <ProcessLine process={one} onTell={onTell} />}</Part>
      <Part title={t('spoke')} items={story.spoke}>{(one) => <><span className="m-quiet">{t(one.direction)}</span>{touched(one, one.ip)}</>}</Part>
      <Part title={t('asked')} items={story.asked}>{(one) => touched(one)}</Part>
      <Part title={t('wrote')} items={story.wrote}>{(one) => touched(one)}</Part>
      <Part title={t('read')} items={story.read}>{(one) => touched(one)}</Part>
      <Part title={t('writtenBy')} items={story.written_by ? [story.written_by.process] : []}>{(one) => <ProcessLine process={one} onTell={onTell} />}</Part>
      {deed && <Deed of={deed} close={() => { setDeed(undefined); }} />}
    </div>
  );
}
