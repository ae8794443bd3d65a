import { useGet } from '../../api/hooks.ts';
import { Page as Frame } from '../../parts/page.tsx';
import { Shown } from '../../parts/states.tsx';
import { useTexts } from '../../text/lang.ts';
import { words } from './words.ts';

export function Page() {
  const t = useTexts(words);
  const status = useGet<Record<string, unknown>>('/status', {}, { live: ['health', 'alert'] });
  return <Frame title={t('title')}><div className="m-card"><Shown of={status}>{(found) => <pre className="m-pad">{JSON.stringify(found, null, 2)}</pre>}</Shown></div></Frame>;
}
