/** What the tabs of this page share. */
import type { ReactNode } from 'react';
import { Icon } from '../../parts/icon.tsx';
import { Inert } from '../../parts/inert.tsx';
import { Notice } from '../../parts/states.tsx';
import type { Text } from '../../text/lang.ts';
import { useSay, useTexts } from '../../text/lang.ts';
import { type OriginKind, originKind, type Process } from './tree.ts';
import { words } from './words.ts';

/** `onTell`: opens the story of a pid, a path or an address. */
export interface TabProps { onTell: (what: string | undefined) => void }

/** What could not be looked at is said, never shown as if there were nothing. */
export function NotLooked({ why }: { why: Text | undefined }) {
  const t = useTexts(words);
  const say = useSay();
  if (why === undefined) return null;
  return <div className="m-card"><Notice compact icon="warn" tone="bad" title={t('could')}><Inert>{say(why)}</Inert> {t('couldHow')}</Notice></div>;
}

const icons: Record<OriginKind, Parameters<typeof Icon>[0]['name']> = { login: 'person', web: 'globe', service: 'system', cron: 'clock', timer: 'clock', container: 'hosts', package: 'download', cloud: 'cloud', console: 'screen', kernel: 'keys', unknown: 'hunt' };

/** Where a process came from, short: the kind, and who or what it was. */
export function OriginTag({ origin }: { origin: Process['origin'] }) {
  const t = useTexts(words);
  const kind = originKind(origin.kind);
  const who = kind === 'login' || kind === 'console' ? origin.user : origin.name ?? origin.container?.name;
  return (
    <span className={`h-origin h-origin-${kind}`}>
      <Icon name={icons[kind]} size={15} />
      <span>{t(`origin_${kind}`)}</span>
      {who !== undefined && <b><Inert most={60}>{who}</Inert></b>}
      {origin.source_ip !== undefined && <Inert code>{origin.source_ip}</Inert>}
    </span>
  );
}

export const Facts = ({ children }: { children: ReactNode }) => <dl className="h-facts">{children}</dl>;
/** Left out where there is nothing to say. */
export const Fact = ({ name, children, long = false }: { name: string; children: ReactNode; long?: boolean }) => (children === undefined || children === null || children === false ? null : <div className={long ? 'h-long' : ''}><dt>{name}</dt><dd>{children}</dd></div>);
