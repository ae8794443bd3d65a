/** A report as Markdown (CommonMark with tables). All text in it is hostile: nothing of it becomes a heading, a link, an image, HTML or another cell. */
import { safe } from '../core/safe.ts';
import { type Block, type Doc, parts, type Words } from './doc.ts';

/** Every mark that any dialect knows, so that no text is read as more than text; `:` and `@` would make links by themselves. */
const marks = /[\\`*_{}[\]()#+\-.!|<>~&:@$^=/"']/g;
export const plain = (text: string): string => safe(text).replace(marks, (mark) => (mark === '<' ? '&lt;' : mark === '&' ? '&amp;' : `\\${mark}`));

/** As code, in a fence that is longer than any in it. A table takes a bar apart even inside code. */
export function coded(text: string, inTable = false): string {
  const shown = safe(text);
  if (shown.trim() === '') return '';
  const longest = Math.max(0, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const pad = shown.startsWith('`') || shown.endsWith('`') ? ' ' : '';
  const whole = `${fence}${pad}${shown}${pad}${fence}`;
  return inTable ? whole.replaceAll('|', '\\|') : whole;
}

const inline = (words: Words, inTable = false): string => parts(words).map((part) => (typeof part === 'string' ? plain(part) : coded(part.code, inTable))).join('');

export function markdownOf({ product, title, lead, blocks, foot }: Doc): string {
  return `${[`# ${plain(title)}`, plain(product), ...lead.map((text) => `> ${plain(text)}`).flatMap((line, i) => (i === 0 ? [line] : [line])), ...blocks.map(blockOf), '---', plain(foot)].filter((part) => part !== '').join('\n\n')}\n`;
}

function blockOf(block: Block): string {
  switch (block.kind) {
    case 'heading': return `## ${plain(block.text)}`;
    case 'subheading': return `### ${plain(block.text)}`;
    case 'text': return inline(block.words);
    case 'list': return block.items.map((item, i) => `${block.ordered ? `${i + 1}.` : '-'} ${inline(item)}`).join('\n');
    case 'facts': return block.rows.map(([what, value]) => `- **${plain(what)}**: ${inline(value)}`).join('\n');
    case 'table': return block.rows.length === 0 ? '' : [`| ${block.head.map(plain).join(' | ')} |`, `|${block.head.map(() => '---').join('|')}|`, ...block.rows.map((row) => `| ${row.map((cell) => inline(cell, true)).join(' | ')} |`)].join('\n');
    case 'figure': return [`*${plain(block.caption)}*`, block.lines.map(({ depth, words }) => `${'  '.repeat(depth)}- ${inline(words)}`).join('\n')].filter((part) => part !== '').join('\n\n');
  }
}
