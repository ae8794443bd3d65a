/** Files that were put away, and the way back. */
import { Button } from 'antd';
import { useState } from 'react';
import type { Quarantine } from '../../../../src/api/contract/response.ts';
import { useGet } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import { bytesText } from '../../parts/bytes.ts';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Shown } from '../../parts/states.tsx';
import { Sure } from '../../parts/sure.tsx';
import { Time } from '../../parts/time.tsx';
import { useLang, useTexts } from '../../text/lang.ts';
import { useAct } from './said.ts';
import { words } from './words.ts';

export function QuarantineSection() {
  const t = useTexts(words);
  const lang = useLang();
  const mayAct = useMay('act');
  const act = useAct();
  const found = useGet<Quarantine>('/quarantine', {}, { live: ['action'] });
  const [asking, setAsking] = useState<Quarantine['items'][number]>();
  return (
    <Card title={t('quarantine')} extra={found.data && found.data.stored > 0 && <span className="m-faint">{t('stored', { size: bytesText(found.data.stored, lang) })}</span>}>
      <p className="mp-how">{t('quarantineHow')}</p>
      <Shown of={found}>{({ items, broken }) => <>
        {broken.length > 0 && <p className="m-quiet">{t('broken', { count: broken.length })}: <Inert>{broken.join(', ')}</Inert></p>}
        {items.length === 0 ? <Empty title={t('quarantineNone')}>{t('quarantineNoneHow')}</Empty> : (
          <ul className="mp-list">{items.map((one) => (
            <li key={one.id}>
              <div className="m-grow"><b><Inert code>{one.path}</Inert></b><p className="m-quiet"><Inert>{one.why}</Inert> · <Inert>{one.by}</Inert> · <Time at={one.added} /> · {bytesText(one.size, lang)}</p><details><summary className="m-faint">{t('details')}</summary><Inert code>{`SHA-256 ${one.sha256}`}</Inert></details></div>
              {mayAct && <Button size="small" onClick={() => { setAsking(one); }}>{t('restore')}</Button>}
            </li>
          ))}</ul>
        )}
      </>}</Shown>
      {asking && <Sure title={t('restoreTitle')} ok={t('restore')} isDanger why="may" close={() => { setAsking(undefined); }} done={t('restored')} act={(why) => act.mutateAsync({ method: 'POST', path: `/quarantine/${encodeURIComponent(asking.id)}/restore`, body: { why } })}><p><Inert code>{asking.path}</Inert></p><p>{t('restoreHow')}</p></Sure>}
    </Card>
  );
}
