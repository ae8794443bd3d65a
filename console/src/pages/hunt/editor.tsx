/** Where the question is written: completion at the caret, keys alone suffice. */
import { type KeyboardEvent, useId, useRef, useState } from 'react';
import { useTexts } from '../../text/lang.ts';
import { complete, type SchemaView } from './sql.ts';
import { words } from './words.ts';

interface EditorProps { value: string; onChange: (sql: string) => void; onRun: () => void; views: readonly SchemaView[] }
interface Offer { from: number; items: string[]; at: number }
/** Of the style sheet, pixels. */
const lineHeight = 21, inset = 12;

export function Editor({ value, onChange, onRun, views }: EditorProps) {
  const t = useTexts(words);
  const id = useId();
  const box = useRef<HTMLTextAreaElement>(null);
  const [offer, setOffer] = useState<Offer>();
  const look = (sql: string, caret: number, always = false): void => {
    const { from, items } = complete(sql, caret, views, always);
    setOffer(items.length > 0 ? { from, items, at: 0 } : undefined);
  };
  const take = (item: string): void => {
    const area = box.current;
    if (!area || !offer) return;
    const next = `${value.slice(0, offer.from)}${item}${value.slice(area.selectionStart)}`;
    const caret = offer.from + item.length;
    onChange(next);
    setOffer(undefined);
    requestAnimationFrame(() => { area.focus(); area.setSelectionRange(caret, caret); });
  };
  const key = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); setOffer(undefined); onRun(); return; }
    if (event.key === ' ' && event.ctrlKey) { event.preventDefault(); look(value, event.currentTarget.selectionStart, true); return; }
    if (!offer) return;
    if (event.key === 'Escape') { event.stopPropagation(); setOffer(undefined); }
    else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') { event.preventDefault(); setOffer({ ...offer, at: (offer.at + (event.key === 'ArrowDown' ? 1 : offer.items.length - 1)) % offer.items.length }); }
    else if (event.key === 'Tab' || event.key === 'Enter') { event.preventDefault(); take(offer.items[offer.at]!); }
  };
  const before = offer ? value.slice(0, offer.from).split('\n') : [];
  const area = box.current;
  return (
    <div className="u-editor">
      <textarea ref={box} value={value} rows={7} spellCheck={false} autoCapitalize="off" autoComplete="off" maxLength={65_536} aria-label={t('sql')} role="combobox" aria-autocomplete="list" aria-expanded={offer !== undefined} aria-controls={id} {...(offer && { 'aria-activedescendant': `${id}-${offer.at}` })}
        onChange={({ target }) => { onChange(target.value); look(target.value, target.selectionStart); }} onKeyDown={key} onBlur={() => { setOffer(undefined); }} onClick={() => { setOffer(undefined); }} />
      <ul id={id} role="listbox" aria-label={t('suggestions')} className="u-offer" hidden={!offer} style={{ top: before.length * lineHeight + inset - (area?.scrollTop ?? 0), insetInlineStart: `min(calc(${(before.at(-1) ?? '').length}ch + ${inset - (area?.scrollLeft ?? 0)}px), calc(100% - 220px))` }}>
        {/* The field keeps the focus; a press must not take it away. */}
        {offer?.items.map((item, at) => <li key={item} id={`${id}-${at}`} role="option" aria-selected={at === offer.at} onPointerDown={(event) => { event.preventDefault(); take(item); }}>{item}</li>)}
      </ul>
    </div>
  );
}
