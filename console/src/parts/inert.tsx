/** Shows what a host sent: never as markup, never as a link, hidden signs visible, its direction its own. */
import { common } from '../text/common.ts';
import { useTexts } from '../text/lang.ts';
import { inertPieces } from './inert-text.ts';
import './inert.css';

interface InertProps { children: string | number | null | undefined; /** A block of several lines, in a fixed width. */ block?: boolean; /** Fixed width within a line. */ code?: boolean; most?: number; /** What of it is highlighted: [from, to) in characters. */ marks?: readonly (readonly [number, number])[] }

export function Inert({ children, block = false, code = block, most, marks }: InertProps) {
  const t = useTexts(common);
  if (children === null || children === undefined) return null;
  const text = String(children);
  const show = (part: string, key: number | string) => {
    const { pieces, left } = inertPieces(part, { lines: block, ...(most !== undefined && { most }) });
    return (
      <span key={key}>
        {pieces.map((piece, at) => (piece.sign ? <span key={at} className="m-sign" title={t('hiddenSigns')}>{piece.text}</span> : piece.text))}
        {left > 0 && <span className="m-faint"> {t('truncated', { count: left })}</span>}
      </span>
    );
  };
  const Tag = block ? 'pre' : 'bdi';
  // A block that scrolls is reached by the keyboard too.
  return <Tag className={`m-inert${code ? ' m-mono' : ''}${block ? ' m-inert-block' : ''}`} {...(block && { tabIndex: 0 })}>{marks && marks.length > 0 ? marked(text, marks).map(({ part, isMarked }, at) => (isMarked ? <mark key={at}>{show(part, 0)}</mark> : show(part, at))) : show(text, 0)}</Tag>;
}

function marked(text: string, marks: readonly (readonly [number, number])[]): { part: string; isMarked: boolean }[] {
  const parts: { part: string; isMarked: boolean }[] = [];
  let at = 0;
  for (const [from, to] of marks.toSorted((a, b) => a[0] - b[0])) {
    if (from < at || to <= from || to > text.length) continue;
    if (from > at) parts.push({ part: text.slice(at, from), isMarked: false });
    parts.push({ part: text.slice(from, to), isMarked: true });
    at = to;
  }
  if (at < text.length) parts.push({ part: text.slice(at), isMarked: false });
  return parts;
}
