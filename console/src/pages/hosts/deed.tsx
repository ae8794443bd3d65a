/** A process frozen or ended, after its plan was seen. */
import { Planned } from '../../parts/planned.tsx';
import { useTexts } from '../../text/lang.ts';
import { words } from './words.ts';

export interface DeedOf { kind: 'kill' | 'freeze'; pid: number; started: number }

export function Deed({ of: { kind, pid, started }, close }: { of: DeedOf; close: () => void }) {
  const t = useTexts(words);
  return <Planned title={t(`${kind}Title`)} path={`/host/processes/${kind}`} body={{ pid, ...(started > 0 && { started }) }} ok={t(kind === 'kill' ? 'doKill' : 'doFreeze')} isDanger={kind === 'kill'} done={t(kind === 'kill' ? 'killed' : 'frozen')} undone={t('undone')} touched={['/host/processes', '/origin']} close={close} />;
}
