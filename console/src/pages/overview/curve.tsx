/** Alerts over time, stacked by level. */
import type { Overview } from '../../../../src/api/contract/overview.ts';
import { levels } from '../../api/types.ts';
import { Bars } from '../../parts/bars.tsx';
import { Empty } from '../../parts/states.tsx';
import { clock, hour } from '../../parts/time-text.ts';
import { useLang, useTexts } from '../../text/lang.ts';
import { words } from './words.ts';

const daysMs = 2 * 86_400_000;

export function Curve({ alerts: { curve, from, to } }: { alerts: Overview['alerts'] }) {
  const t = useTexts(words);
  const lang = useLang();
  const sums = curve.map(({ by_level }) => levels.reduce((sum, level) => sum + (by_level[level] ?? 0), 0));
  const all = sums.reduce((sum, one) => sum + one, 0);
  if (all === 0) return <Empty title={t('curveNone')} />;
  return (
    <>
      <Bars bars={curve} height={190} label={t('curveLabel', { n: all, peak: Math.max(...sums) })} tick={(time) => (to - from > daysMs ? clock(time, lang).slice(0, 5) : hour(time, lang))} title={(time) => clock(time, lang).slice(0, -3)} />
      <p className="m-faint o-sum">{t('inAll', { count: all })}</p>
    </>
  );
}
