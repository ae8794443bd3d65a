/** Text from outside made inert for people's channels: nothing in it is a mention, a link or markup, and it is cut between characters. */
import { safe } from '../core/safe.ts';

const encoder = new TextEncoder();
export const bytesOf = (text: string): number => encoder.encode(text).length;

/** The text if it fits in so many UTF-8 bytes, else its beginning and …; never a part of a character, and no mark without its letter. */
export function cutBytes(text: string, max: number): string {
  if (text.length * 3 <= max || bytesOf(text) <= max) return text;
  const ellipsis = '…';
  const room = max - 3;
  if (room < 0) return '';
  let used = 0;
  let end = 0;
  for (const character of text) {
    const size = bytesOf(character);
    if (used + size > room) break;
    used += size;
    end += character.length;
  }
  return text.slice(0, end) + ellipsis;
}

/** Names that a chat would make a link of. What stands behind a single slash is a file. */
const hostName = /(?<![\p{L}\p{N}_])(?<!(?<!\/)\/)((?:[\p{L}\p{N}_-]{1,63}[.\u3002\uff0e\uff61]){1,10})(\p{L}{2,63}|xn--[a-z0-9-]{1,59})(?![\p{L}\p{N}_-])/gu;

/**
 * One line that calls nobody and links nowhere: `http[:]//evil[.]example`, `＠all`, `mailto[:]`. Controls and characters that hide or
 * reorder become visible codes.
 */
export function inert(text: string): string {
  return safe(text.replaceAll('\n', ' ⏎ '))
    .replace(/\b(mailto|tel|javascript|data|sms):/gi, '$1[:]')
    .replaceAll('://', '[:]//')
    .replace(hostName, (_, names: string, last: string) => `${names.slice(0, -1)}[.]${last}`)
    .replaceAll('@', '＠');
}

/** What Markdown of the chats would take for markup becomes its full-width twin: there is no escape that all of them know. */
const twins: Readonly<Record<string, string>> = { '[': '［', ']': '］', '<': '＜', '>': '＞', '`': '＇', '*': '＊', '~': '～', '\\': '＼', '&': '＆', '_': '＿' };
/** Brackets, but for the `[.]` and `[:]` of `inert` where nothing follows that makes a link of them; underscores within a word are none. */
const markup = /\[(?![.:]\](?![([:]))|(?<!\[[.:])\]|\](?=[([:])|[<>`*]|~(?=~)|\\(?![a-z0-9])|&(?=#|\w{1,32};)|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu;

/** Inert text for Markdown, to stand behind something else in its line: a heading or list is made by the beginning of a line only. */
export const inertMarkdown = (text: string): string => inert(text).replace(markup, (c) => twins[c] ?? c);

/** Bytes of the text inside a JSON string. */
export const inJson = (text: string): number => bytesOf(JSON.stringify(text)) - 2;

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
