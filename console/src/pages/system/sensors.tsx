/** Where Moat looks, where it does not, and what it counted. */
import type { Sensors } from '../../../../src/api/contract/host.ts';
import { useGet } from '../../api/hooks.ts';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { SensorList, stateOf } from '../../parts/sensors.tsx';
import { Empty, Notice, Shown } from '../../parts/states.tsx';
import { useLang, useTexts } from '../../text/lang.ts';
import { words } from './words.ts';

export function SensorsSection() {
  const t = useTexts(words);
  const asked = useGet<Sensors>('/host/sensors', {}, { live: ['health'], everyMs: 30_000 });
  return (
    <Shown of={asked} rows={8}>{({ items, events, counters }) => {
      const blind = items.filter((one) => stateOf(one) === 'blind').length, off = items.filter(({ enabled }) => !enabled).length;
      return (
        <>
          <Notice bar icon={blind > 0 ? 'warn' : off > 0 ? 'system' : 'check'} tone={blind > 0 ? 'bad' : off > 0 ? 'plain' : 'good'} title={blind > 0 ? t('sensorsBlind', { count: blind }) : off > 0 ? t('sensorsOff', { count: off }) : t('sensorsAll')}>{t('sensorsHow')}</Notice>
          <Card title={t('sensors')}>{items.length === 0 ? <Empty icon="warn" title={t('sensorsNone')} /> : <SensorList items={items} />}</Card>
          <Card title={t('counted')}><details className="sy-more"><summary>{t('countedHow')}</summary><Counts counts={events} label={t('eventsSeen')} /><Counts counts={counters} label={t('counters')} /></details></Card>
        </>
      );
    }}</Shown>
  );
}

function Counts({ counts, label }: { counts: Record<string, number>; label: string }) {
  const t = useTexts(words);
  const lang = useLang();
  const rows = Object.entries(counts).filter(([, n]) => n > 0).toSorted((a, b) => b[1] - a[1]);
  return (
    <section className="sy-counts"><h3 className="sy-h3">{label}</h3>
      {rows.length === 0 ? <p className="m-quiet">{t('nothingYet')}</p> : <ul className="sy-columns">{rows.map(([name, n]) => <li key={name}><Inert code>{name}</Inert><span>{n.toLocaleString(lang)}</span></li>)}</ul>}
    </section>
  );
}
