/** Where code is written: completion at the caret, lines numbered and marked where they are wrong; keys alone suffice, and Tab leaves. */
import { type KeyboardEvent, type Ref, useId, useImperativeHandle, useRef, useState } from 'react';
import { common } from '../text/common.ts';
import { useTexts } from '../text/lang.ts';
import './editor.css';

/** What may stand at the caret; `from`: where what it replaces begins; `means`: each of them in words, where there is something to say. */
export interface Completion { from: number; items: string[]; means?: readonly (string | undefined)[] }
/** `goTo` puts the caret at the beginning of a line, counted from 1. */
export interface EditorHandle { goTo: (line: number) => void }
interface EditorProps {
  value: string;
  onChange: (text: string) => void;
  label: string;
  /** `always`: asked for by a key, so also where nothing is written yet. */
  complete: (text: string, caret: number, always?: boolean) => Completion;
  /** Ctrl+Enter. */
  onRun: () => void;
  rows?: number;
  most: number;
  /** Lines that are numbered, and those of them that are wrong; a new line begins as deep as the one before. */
  lines?: { wrong: ReadonlySet<number> };
  describedBy?: string;
  handle?: Ref<EditorHandle>;
}
interface Offer extends Completion { at: number }
/** Of the style sheet, pixels. */
const lineHeight = 21, inset = 12, gutter = 46;

export function Editor({ value, onChange, label, complete, onRun, rows = 7, most, lines, describedBy, handle }: EditorProps) {
  const t = useTexts(common);
  const id = useId();
  const box = useRef<HTMLTextAreaElement>(null);
  const numbers = useRef<HTMLDivElement>(null);
  const [offer, setOffer] = useState<Offer>();
  const put = (from: number, to: number, text: string): void => {
    const area = box.current;
    if (!area) return;
    const caret = from + text.length;
    onChange(`${value.slice(0, from)}${text}${value.slice(to)}`);
    setOffer(undefined);
    requestAnimationFrame(() => { area.focus(); area.setSelectionRange(caret, caret); });
  };
  useImperativeHandle(handle, () => ({
    goTo(line) {
      const area = box.current;
      if (!area) return;
      const at = value.split('\n').slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
      area.focus();
      area.setSelectionRange(at, at);
      area.scrollTop = Math.max(0, (line - 4) * lineHeight);
    },
  }));
  const look = (text: string, caret: number, always = false): void => {
    const found = complete(text, caret, always);
    setOffer(found.items.length > 0 ? { ...found, at: 0 } : undefined);
  };
  const take = (item: string): void => { if (offer && box.current) put(offer.from, box.current.selectionStart, item); };
  const key = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.nativeEvent.isComposing) return;
    const { selectionStart, selectionEnd } = event.currentTarget;
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); setOffer(undefined); onRun(); return; }
    if (event.key === ' ' && event.ctrlKey) { event.preventDefault(); look(value, selectionStart, true); return; }
    if (!offer) {
      const depth = lines && event.key === 'Enter' && !event.shiftKey ? /^ */.exec(value.slice(value.lastIndexOf('\n', selectionStart - 1) + 1, selectionStart))![0] : '';
      if (depth !== '') { event.preventDefault(); put(selectionStart, selectionEnd, `\n${depth}`); }
      return;
    }
    if (event.key === 'Escape') { event.stopPropagation(); setOffer(undefined); }
    else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') { event.preventDefault(); setOffer({ ...offer, at: (offer.at + (event.key === 'ArrowDown' ? 1 : offer.items.length - 1)) % offer.items.length }); }
    else if (event.key === 'Tab' || event.key === 'Enter') { event.preventDefault(); take(offer.items[offer.at]!); }
  };
  const before = offer ? value.slice(0, offer.from).split('\n') : [];
  const area = box.current;
  const start = inset + (lines ? gutter : 0);
  return (
    <div className={`m-editor${lines ? ' m-editor-lines' : ''}`}>
      {lines && <div ref={numbers} className="m-editor-numbers" aria-hidden="true">{value.split('\n').map((_, at) => <span key={at} className={lines.wrong.has(at + 1) ? 'm-editor-wrong' : undefined}>{at + 1}</span>)}</div>}
      <textarea ref={box} value={value} rows={rows} spellCheck={false} autoCapitalize="off" autoComplete="off" maxLength={most} aria-label={label} role="combobox" aria-autocomplete="list" aria-expanded={offer !== undefined} aria-controls={id} {...(offer && { 'aria-activedescendant': `${id}-${offer.at}` })} {...(lines && { 'aria-invalid': lines.wrong.size > 0 })} {...(describedBy !== undefined && { 'aria-describedby': describedBy })}
        onChange={({ target }) => { onChange(target.value); look(target.value, target.selectionStart); }} onKeyDown={key} onBlur={() => { setOffer(undefined); }} onClick={() => { setOffer(undefined); }} onScroll={({ currentTarget }) => { if (numbers.current) numbers.current.scrollTop = currentTarget.scrollTop; }} />
      <ul id={id} role="listbox" aria-label={t('suggestions')} className="m-editor-offer" hidden={!offer} style={{ top: before.length * lineHeight + inset - (area?.scrollTop ?? 0), insetInlineStart: `min(calc(${(before.at(-1) ?? '').length}ch + ${start - (area?.scrollLeft ?? 0)}px), calc(100% - 220px))` }}>
        {/* The field keeps the focus; a press must not take it away. */}
        {offer?.items.map((item, at) => <li key={item} id={`${id}-${at}`} role="option" aria-selected={at === offer.at} onPointerDown={(event) => { event.preventDefault(); take(item); }}>{item}{offer.means?.[at] !== undefined && <small>{offer.means[at]}</small>}</li>)}
      </ul>
    </div>
  );
}
