/** Files that were put away, and the way back. */
import { Button, Input } from 'antd';
import { useState } from 'react';
import type { Quarantine } from '../../../../src/api/contract/response.ts';
import { useGet } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import { bytesText } from '../../parts/bytes.ts';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Shown } from '../../parts/states.tsx';
import { Planned } from '../../parts/planned.tsx';
import { Field, Sure } from '../../parts/sure.tsx';
import { Time } from '../../parts/time.tsx';
import { useLang, useTexts } from '../../text/lang.ts';
import { useAct, useSettled } from './said.ts';
import { words } from './words.ts';

export function QuarantineSection() {
  const t = useTexts(words);
  const lang = useLang();
  const mayAct = useMay('act');
  const act = useAct();
  const found = useGet<Quarantine>('/quarantine', {}, { live: ['action'] });
  const [asking, setAsking] = useState<Quarantine['items'][number] | 'add'>();
  return (
    <Card title={t('quarantine')} extra={<div className="m-row">{found.data && found.data.stored > 0 && <span className="m-faint">{t('stored', { size: bytesText(found.data.stored, lang) })}</span>}{mayAct && <Button type="primary" onClick={() => { setAsking('add'); }}>{t('quarantineAdd')}</Button>}</div>}>
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
      {asking === 'add' && <Add close={() => { setAsking(undefined); }} />}
      {asking !== undefined && asking !== 'add' && <Sure title={t('restoreTitle')} ok={t('restore')} isDanger why="may" close={() => { setAsking(undefined); }} done={t('restored')} act={(why) => act.mutateAsync({ method: 'POST', path: `/quarantine/${encodeURIComponent(asking.id)}/restore`, body: { why } })}><p><Inert code>{asking.path}</Inert></p><p>{t('restoreHow')}</p></Sure>}
    </Card>
  );
}

/** A file by its path; what is done to it is seen first. */
function Add({ close }: { close: () => void }) {
  const t = useTexts(words);
  const [typed, setTyped] = useState('');
  const path = useSettled(typed.trim());
  const isPath = path.startsWith('/') && path.length > 1;
  return (
    <Planned title={t('quarantineAdd')} path="/quarantine" body={{ path }} ok={t('quarantineDo')} done={t('quarantined')} undone={t('restored')} isMissing={!isPath || path !== typed.trim()} why="must" touched={['/quarantine']} close={close}>
      <p>{t('quarantineAddHow')}</p>
      <Field label={t('quarantinePath')} hint={t('quarantinePathHow')}><Input autoFocus value={typed} maxLength={4096} spellCheck={false} autoComplete="off" onChange={({ target }) => { setTyped(target.value); }} /></Field>
    </Planned>
  );
}
