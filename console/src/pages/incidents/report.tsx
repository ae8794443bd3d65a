/** The report, previewed in a frame that may do nothing, and saved as a file; the indicators beside it. */
import { Button, Segmented } from 'antd';
import { useState } from 'react';
import type { z } from 'zod';
import type { Document, Incident, indicatorList } from '../../../../src/api/contract/incidents.ts';
import { ask } from '../../api/client.ts';
import { useGet } from '../../api/hooks.ts';
import { Icon } from '../../parts/icon.tsx';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { saveFile } from '../../parts/save-file.ts';
import { Failure, Shown } from '../../parts/states.tsx';
import { useLang, useSay, useTexts } from '../../text/lang.ts';
import { words } from './words.ts';

type Indicators = z.infer<typeof indicatorList>;
/** The frame inherits the page's content policy: the report's own style sheet is let through by the nonce, nothing else is. */
const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? '';
const framed = (content: string): string => content.replace('<style>', `<style nonce="${nonce}">`);

const formats = ['html', 'pdf', 'md'] as const;

export function ReportTab({ incident: { id } }: { incident: Incident }) {
  const t = useTexts(words);
  const pageLang = useLang();
  const [lang, setLang] = useState(pageLang);
  const preview = useGet<Document>(`/incidents/${id}/report`, { format: 'html', lang }, { keep: true });
  const [failed, setFailed] = useState<unknown>();
  const [busy, setBusy] = useState<string>();
  const get = async (what: string, path: string, query: Record<string, string>): Promise<void> => {
    setBusy(what);
    setFailed(undefined);
    try { save(await ask<Document>('GET', path, { query })); } catch (error) { setFailed(error); }
    setBusy(undefined);
  };
  return (
    <div className="m-stack">
      {failed !== undefined && <Failure error={failed} compact />}
      <Card title={t('report')} extra={<div className="m-row">
        <Segmented size="small" aria-label={t('language')} value={lang} options={[{ value: 'zh', label: '中文' }, { value: 'en', label: 'English' }]} onChange={setLang} />
        {formats.map((format) => <Button key={format} size="small" icon={<Icon name="download" size={14} />} loading={busy === format} onClick={() => { void get(format, `/incidents/${id}/report`, { format, lang }); }}>{format === 'md' ? 'Markdown' : format.toUpperCase()}</Button>)}
      </div>}>
        <p className="m-quiet">{t('reportLead')}</p>
        {/* Without scripts, forms or an origin of its own: what it holds was written by hosts. */}
        <Shown of={preview} rows={12}>{({ content }) => <iframe className="mi-report" sandbox="" title={t('preview')} srcDoc={framed(content)} />}</Shown>
      </Card>
      <IndicatorsCard id={id} busy={busy} get={get} lang={lang} />
    </div>
  );
}

function IndicatorsCard({ id, busy, get, lang }: { id: string; busy: string | undefined; lang: string; get: (what: string, path: string, query: Record<string, string>) => Promise<void> }) {
  const t = useTexts(words);
  const say = useSay();
  const asked = useGet<Indicators>(`/incidents/${id}/indicators`);
  const roles = { came: t('cameFrom'), called: t('called'), dropped: t('dropped') };
  return (
    <Card title={t('indicators')} extra={<div className="m-row">{([['stix', 'STIX 2.1'], ['csv', 'CSV'], ['txt', 'TXT']] as const).map(([format, name]) => <Button key={format} size="small" icon={<Icon name="download" size={14} />} loading={busy === format} onClick={() => { void get(format, `/incidents/${id}/indicators`, { format, lang }); }}>{name}</Button>)}</div>}>
      <p className="m-quiet">{t('indicatorsHow')}</p>
      <Shown of={asked} rows={3}>{({ items, total }) => (items.length === 0
        ? <p className="m-faint">{t('noIndicators')}</p>
        : <><ul className="mi-left">{items.slice(0, 100).map((one, at) => <li key={at}><span className="m-tag">{roles[one.role]}</span> <Inert code>{one.value}</Inert>{one.doubt && <span className="m-quiet"> — <Inert>{say(one.doubt)}</Inert></span>}</li>)}</ul>{total > 100 && <p className="m-faint">{t('more', { count: total - 100 })}</p>}</>)}</Shown>
    </Card>
  );
}

const save = ({ name, type, encoding, content }: Document): void => { saveFile(name, type, [encoding === 'base64' ? Uint8Array.from(atob(content), (char) => char.codePointAt(0)!) : content]); };
