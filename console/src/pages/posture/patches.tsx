import type { Patches as Known } from '../../../../src/api/contract/scans.ts';
import { useGet } from '../../api/hooks.ts';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Notice, Shown } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useSay, useTexts } from '../../text/lang.ts';
import { words } from './words.ts';

/** Updates that wait, those for security first. */
export function Patches() {
  const t = useTexts(words);
  const say = useSay();
  const patches = useGet<Known>('/patches');
  const security = patches.data?.items.filter((one) => one.security).length ?? 0;
  return (
    <Card title={t('patches')} extra={security > 0 && <b>{t('patchCount', { count: security })}</b>}>
      <Shown of={patches}>{({ why, as_of: asOf, items }) => (why ? <Notice icon="cloud" title={t('patchesBlind')}><Inert>{say(why)}</Inert></Notice> : <>
        <p className="m-quiet">{t('patchesHow')}{asOf !== undefined && <> {t('asOf')}: <Time at={asOf} />.</>}</p>
        {items.length === 0 ? <Empty title={t('patchesNone')} /> : <ul className="mo-groups">{items.toSorted((a, b) => Number(b.security) - Number(a.security)).map((one) => <li key={one.name}><div className="m-grow"><b><Inert>{one.name}</Inert></b><p className="m-quiet"><Inert code>{one.installed}</Inert> → <Inert code>{one.available}</Inert> · <Inert>{one.source}</Inert></p></div>{one.security && <span className="mo-security">{t('security')}</span>}</li>)}</ul>}
      </>)}</Shown>
    </Card>
  );
}
