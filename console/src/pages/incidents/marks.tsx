/** Small marks of an incident: where it stands, how grave it is, what the law's clock says. */
import type { Incident } from '../../../../src/api/contract/incidents.ts';
import { Icon } from '../../parts/icon.tsx';
import { Time } from '../../parts/time.tsx';
import { type Translate, useTexts } from '../../text/lang.ts';
import { words } from './words.ts';

type Words = typeof words extends { keys?: infer Key extends string } ? Translate<NonNullable<Key>> : never;
export const statusWord = (t: Words, status: Incident['status']): string => t(status === 'false-alarm' ? 'falseAlarm' : status);

export function StatusTag({ status }: { status: Incident['status'] }) {
  const t = useTexts(words);
  return <span className={`mi-status mi-status-${status}`}>{statusWord(t, status)}</span>;
}

export function GradeTag({ grade }: { grade: Incident['grade'] }) {
  const t = useTexts(words);
  return <span className={`mi-grade mi-grade-${grade}`} title={t(`gradeHow${grade}`)}>{t(`grade${grade}`)}</span>;
}

/** Runs until somebody says that it was reported, or need not be. */
export function Clock({ clock }: { clock: Incident['clock'] }) {
  const t = useTexts(words);
  if (!clock || clock.stopped) return null;
  const isOver = clock.due < Date.now();
  return <span className={`mi-clock${isOver ? ' mi-clock-over' : ''}`}><Icon name="clock" size={14} />{isOver ? t('clockOver') : t('clock')} <Time at={clock.due} /></span>;
}
