/** Where an account is logged on, and the end of it. */
import { Button } from 'antd';
import { useState } from 'react';
import type { Session } from '../../../../src/api/contract/accounts.ts';
import { ask } from '../../api/client.ts';
import { useDo, useGet } from '../../api/hooks.ts';
import { Icon } from '../../parts/icon.tsx';
import { inertString } from '../../parts/inert-text.ts';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Shown } from '../../parts/states.tsx';
import { Sure } from '../../parts/sure.tsx';
import { Time } from '../../parts/time.tsx';
import { useDeed } from '../../parts/toast.tsx';
import { useTexts } from '../../text/lang.ts';
import { Tag } from './fields.tsx';
import { browserOf } from './said.ts';
import { words } from './words.ts';

export function Sessions() {
  const t = useTexts(words);
  const deed = useDeed();
  const [isAsking, setAsking] = useState(false);
  const list = useGet<{ items: Session[] }>('/session/all', {}, { live: ['account'], everyMs: 60_000 });
  const end = useDo<string>((id) => ({ method: 'DELETE', path: `/session/all/${encodeURIComponent(id)}` }), ['/session/all']);
  const others = list.data?.items.filter(({ current }) => !current) ?? [];
  return (
    <Card title={t('sessions')} extra={others.length > 0 && <Button onClick={() => { setAsking(true); }}>{t('endOthers')}</Button>}>
      <p className="sy-how">{t('sessionsHow')}</p>
      <Shown of={list}>{({ items }) => <SessionList items={items} end={(id) => deed(() => end.mutateAsync(id), t('sessionEnded'))} />}</Shown>
      {isAsking && <Sure title={t('endOthersTitle')} ok={t('endOthers')} why="no" close={() => { setAsking(false); }} done={t('othersEnded')} act={async () => {
        // Whichever ended meanwhile needs no end.
        try { for (const { id } of others) await ask('DELETE', `/session/all/${encodeURIComponent(id)}`).catch((error: unknown) => { if ((error as { code?: string }).code !== 'not-found') throw error; }); } finally { void list.refetch(); }
      }}><p>{t('endOthersHow')}</p></Sure>}
    </Card>
  );
}

export function SessionList({ items, end }: { items: readonly Session[]; end?: (id: string) => Promise<unknown> }) {
  const t = useTexts(words);
  const [busy, setBusy] = useState<string>();
  if (items.length === 0) return <Empty icon="person" title={t('sessionsNone')} />;
  return (
    <ul className="sy-list">{items.toSorted((a, b) => Number(b.current) - Number(a.current) || b.seen - a.seen).map((one) => (
      <li key={one.id}>
        <span className="sy-icon"><Icon name="screen" /></span>
        <div className="m-grow">
          <div className="m-row"><b title={inertString(one.agent, 200)}>{browserOf(one.agent) ?? <Inert most={60}>{one.agent === '' ? t('agentUnknown') : one.agent}</Inert>}</b>{one.current && <Tag tone="good">{t('thisOne')}</Tag>}</div>
          <p className="m-quiet">{t('fromAddress')} <Inert code>{one.address}</Inert> · {t('begun')} <Time at={one.created} /> · {t('lastSeen')} <Time at={one.seen} /> · {t('endsBy')} <Time at={one.expires} /></p>
        </div>
        {end && !one.current && <Button size="small" loading={busy === one.id} onClick={() => { setBusy(one.id); void end(one.id).finally(() => { setBusy(undefined); }); }}>{t('end')}</Button>}
      </li>
    ))}</ul>
  );
}
