/** What other ports or zones would mean for what listens now, before they are kept. */
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import type { FirewallPreview } from '../../../../src/api/contract/response.ts';
import { ask } from '../../api/client.ts';
import { Inert } from '../../parts/inert.tsx';
import { Failure, Loading, Notice } from '../../parts/states.tsx';
import { useSay, useTexts } from '../../text/lang.ts';
import { words } from './firewall-words.ts';
import { useSettled } from './said.ts';

type Row = FirewallPreview['rows'][number];
type Judged = Row['before'];
const shownMost = 30;

/** Asked anew when the hand rests; `isFresh`: it is of what stands there now. */
export function usePreview(path: string, body: object, isWhole: boolean): { preview: UseQueryResult<FirewallPreview>; isFresh: boolean } {
  const settled = useSettled(body);
  const preview = useQuery({ queryKey: [path, settled], gcTime: 0, staleTime: 5000, retry: false, enabled: isWhole, queryFn: () => ask<FirewallPreview>('POST', path, { body: settled }) });
  return { preview, isFresh: isWhole && preview.isSuccess && !preview.isFetching && JSON.stringify(settled) === JSON.stringify(body) };
}

const wide: Record<Judged['for'], number> = { nobody: 0, channel: 1, some: 2, any: 3 };
const isSame = (a: Judged, b: Judged): boolean => a.for === b.for && a.from.join() === b.from.join() && a.per_source === b.per_source;

export function Preview({ of: { preview }, isWhole, isDraft }: { of: ReturnType<typeof usePreview>; isWhole: boolean; isDraft: boolean }) {
  const t = useTexts(words);
  const say = useSay();
  if (!isWhole) return <p className="m-quiet">{t('previewWait')}</p>;
  if (preview.error) return <Failure error={preview.error} compact />;
  if (preview.data === undefined) return <Loading rows={2} />;
  const { refused, why, rows, cut, opened } = preview.data;
  const changed = rows.filter(({ before, after }) => !isSame(before, after));
  const less = changed.filter(({ before, after }) => wide[after.for] <= 1 && wide[after.for] < wide[before.for]);
  const more = changed.filter(({ before, after }) => wide[before.for] <= 1 && wide[after.for] > wide[before.for]);
  const other = changed.filter((one) => !less.includes(one) && !more.includes(one));
  const isNone = changed.length === 0 && cut.length === 0 && opened.length === 0;
  return (
    <section className="mp-preview" role="status" aria-label={t('preview')}>
      <h3 className="mp-h3">{t('preview')}</h3>
      {refused && <Notice bar icon="lock" tone="bad" title={t('locked')}><Inert>{say(refused)}</Inert></Notice>}
      {why && <Notice bar icon="warn" tone="warn" title={t('unseen')}><Inert>{say(why)}</Inert></Notice>}
      {isNone && !why && <p className="m-quiet">{t(isDraft ? 'draftSame' : 'same')}</p>}
      <Group title={t('cutTitle')} rows={less} isBad />
      <Group title={t('openTitle')} rows={more} />
      <Group title={t('lessTitle')} rows={other} />
      {(cut.length > 0 || opened.length > 0) && <>
        {isDraft && <p className="m-quiet">{t('ifEnforced')}</p>}
        <ul className="mp-cuts">{[...cut.map((one) => ({ ...one, isCut: true })), ...opened.map((one) => ({ ...one, isCut: false }))].slice(0, shownMost).map((one, at) => <li key={at}><b><Inert code>{`${one.port}/${one.protocol}`}</Inert></b> <Inert>{one.program}</Inert> <span className={one.isCut ? 'mp-bad' : 'm-quiet'}><Inert>{t(one.isCut ? 'zoneCut' : 'zoneOpen', { zone: one.zone })}</Inert></span></li>)}</ul>
        {cut.length + opened.length > shownMost && <p className="m-faint">{t('more', { count: cut.length + opened.length - shownMost })}</p>}
      </>}
    </section>
  );
}

function Group({ title, rows, isBad = false }: { title: string; rows: readonly Row[]; isBad?: boolean }) {
  const t = useTexts(words);
  if (rows.length === 0) return null;
  const who = (one: Judged): string => `${one.for === 'some' ? one.from.slice(0, 4).join(', ') : t(one.for === 'any' ? 'anyone' : one.for)}${one.per_source === undefined ? '' : ` (${one.per_source})`}`;
  return (
    <div><h4 className={isBad ? 'mp-bad' : 'm-quiet'}>{title}</h4>
      <ul className="mp-cuts">{rows.slice(0, shownMost).map((one, at) => <li key={at}><b><Inert code>{`${one.port}/${one.protocol}`}</Inert></b> <Inert>{one.program}</Inert> <span className="m-quiet"><Inert>{`${who(one.before)} → ${who(one.after)}`}</Inert></span></li>)}</ul>
      {rows.length > shownMost && <p className="m-faint">{t('more', { count: rows.length - shownMost })}</p>}
    </div>
  );
}
