/** More rights for a while: asked for, answered by somebody else, given back. */
import { Button, Select } from 'antd';
import { useState } from 'react';
import type { Elevation, Role } from '../../../../src/api/contract/accounts.ts';
import { useDo, useGet } from '../../api/hooks.ts';
import { useMe, useSession } from '../../api/session.tsx';
import { useChanges } from '../../api/stream.ts';
import { Icon } from '../../parts/icon.tsx';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Shown } from '../../parts/states.tsx';
import { Field, Sure } from '../../parts/sure.tsx';
import { Time } from '../../parts/time.tsx';
import { useDeed } from '../../parts/toast.tsx';
import { useTexts } from '../../text/lang.ts';
import { RoleField, Tag } from './fields.tsx';
import { words } from './words.ts';

const minutes = [15, 30, 60, 120, 240, 480] as const;
const tones = { waiting: 'warn', granted: 'good', rejected: 'plain', ended: 'plain', over: 'plain' } as const;

export function Elevations() {
  const t = useTexts(words);
  const { may, role } = useMe();
  const { again } = useSession();
  const deed = useDeed();
  const list = useGet<{ items: Elevation[] }>('/elevations', {}, { live: ['request', 'account'], everyMs: 60_000 });
  // What was granted changes what this person may do.
  useChanges(['request'], again);
  const answer = useDo<{ id: string; how: 'approve' | 'reject' | 'end' }>(({ id, how }) => (how === 'end' ? { method: 'DELETE', path: `/elevations/${encodeURIComponent(id)}` } : { method: 'POST', path: `/elevations/${encodeURIComponent(id)}/${how}` }), ['/elevations', '/session']);
  const [isAsking, setAsking] = useState(false);
  const does = (id: string, how: 'approve' | 'reject' | 'end', done: string): void => { void deed(() => answer.mutateAsync({ id, how }), done).then(again); };
  const ask = role !== 'owner' && <Button type="primary" onClick={() => { setAsking(true); }}>{t('elevationAsk')}</Button>;
  return (
    <Card title={t('elevations')} extra={list.data && list.data.items.length > 0 && ask}>
      <p className="sy-how">{t('elevationsHow')}</p>
      <Shown of={list}>{({ items }) => (items.length === 0 ? <Empty icon="clock" title={t('elevationsNone')} action={ask}>{t('elevationsNoneHow')}</Empty> : (
        <ul className="sy-list">{items.map((one) => (
          <li key={one.id}>
            <span className="sy-icon"><Icon name="clock" /></span>
            <div className="m-grow">
              <div className="m-row"><b><Inert>{one.name}</Inert></b><span>{t('wants', { role: t(`role_${one.role}`), minutes: one.minutes })}</span><Tag tone={tones[one.state]}>{t(`state_${one.state}`)}</Tag></div>
              <p><Inert most={400}>{one.why}</Inert></p>
              <p className="m-quiet">{t('asked')} <Time at={one.created} />{one.answered && <> · {t('answeredBy')} <Inert>{one.answered.by}</Inert> <Time at={one.answered.time} /></>}{(one.state === 'granted' || one.state === 'waiting') && <> · {t(one.state === 'granted' ? 'holdsUntil' : 'asksUntil')} <Time at={one.until} /></>}</p>
            </div>
            {one.state === 'waiting' && !one.own && may.includes('accounts') && <div className="m-row"><Button size="small" type="primary" disabled={answer.isPending} onClick={() => { does(one.id, 'approve', t('granted')); }}>{t('grant')}</Button><Button size="small" disabled={answer.isPending} onClick={() => { does(one.id, 'reject', t('refused')); }}>{t('refuse')}</Button></div>}
            {(one.state === 'granted' || (one.state === 'waiting' && one.own)) && (one.own || may.includes('accounts')) && <Button size="small" disabled={answer.isPending} onClick={() => { does(one.id, 'end', t('elevationEnded')); }}>{t(one.own ? (one.state === 'waiting' ? 'withdraw' : 'giveBack') : 'takeBack')}</Button>}
          </li>
        ))}</ul>
      ))}</Shown>
      {isAsking && <Ask close={() => { setAsking(false); }} />}
    </Card>
  );
}

function Ask({ close }: { close: () => void }) {
  const t = useTexts(words);
  const { may } = useMe();
  const [role, setRole] = useState<Role>(), [long, setLong] = useState<number>(60);
  const ask = useDo<string>((why) => ({ method: 'POST', path: '/elevations', body: { role, minutes: long, why } }), ['/elevations']);
  return (
    <Sure title={t('elevationAsk')} ok={t('elevationSend')} isMissing={role === undefined} close={close} done={t('elevationAsked')} act={(why) => ask.mutateAsync(why)}>
      <p>{t('elevationAskHow')}</p>
      <RoleField value={role} onChange={setRole} only={(entry) => entry.role !== 'owner' && !entry.may.every((permission) => may.includes(permission))} />
      <Field label={t('elevationFor')}><Select aria-label={t('elevationFor')} value={long} options={minutes.map((value) => ({ value, label: value < 60 ? t('minutes', { count: value }) : t('hours', { count: value / 60 }) }))} onChange={setLong} /></Field>
    </Sure>
  );
}
