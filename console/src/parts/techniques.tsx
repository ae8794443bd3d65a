/** ATT&CK techniques and cells of the cloud server matrix, as words: a link out would tell others what is looked at here. */
import { useMemo } from 'react';
import type { Matrix } from '../../../src/api/contract/rules.ts';
import { useGet } from '../api/hooks.ts';
import { Inert } from './inert.tsx';
import { useLang } from '../text/lang.ts';

export function Techniques({ attack = [], matrix = [] }: { attack?: readonly string[] | undefined; matrix?: readonly string[] | undefined }) {
  const lang = useLang();
  // Stories name the cells with their column in Chinese, alerts without it.
  const cells = useGet<Matrix>('/matrix', {}, { enabled: lang === 'en' && matrix.length > 0 });
  const names = useMemo(() => new Map(cells.data?.cells.flatMap(({ column, name }) => [[`${column.zh}·${name.zh}`, `${column.en}: ${name.en}`], [name.zh, name.en]] as const)), [cells.data]);
  return <>{attack.map((one) => <span key={one} className="m-tag m-mono"><Inert>{one}</Inert></span>)}{matrix.map((one) => <span key={one} className="m-tag"><Inert>{names.get(one) ?? one}</Inert></span>)}</>;
}
