/** A report as one HTML file: nothing is loaded from elsewhere, no script, light and dark, and it prints on A4. */
import { alonePage } from '../core/page.ts';
import { markup } from '../core/safe.ts';
import { type Block, type Doc, parts, type Words } from './doc.ts';
import { style } from './style.ts';

const inline = (words: Words): string => parts(words).map((part) => (typeof part === 'string' ? markup(part) : `<code>${markup(part.code)}</code>`)).join('');

export function htmlOf({ lang, product, title, tone, lead, blocks, foot }: Doc): string {
  return alonePage({ lang, title, style, body: `<header class="${tone}">
<p class="product">${markup(product)}</p>
<h1>${markup(title)}</h1>
${lead.map((text) => `<p>${markup(text)}</p>`).join('\n')}
</header>
<main>
${sections(blocks)}
</main>
<footer>${markup(foot)}</footer>` });
}

function sections(blocks: readonly Block[]): string {
  const out: string[] = [];
  let isOpen = false;
  for (const block of blocks) {
    if (block.kind === 'heading') {
      out.push(`${isOpen ? '</section>\n' : ''}<section>\n<h2>${markup(block.text)}</h2>`);
      isOpen = true;
    } else out.push(blockOf(block));
  }
  return `${out.join('\n')}${isOpen ? '\n</section>' : ''}`;
}

function blockOf(block: Exclude<Block, { kind: 'heading' }>): string {
  switch (block.kind) {
    case 'subheading': return `<h3>${markup(block.text)}</h3>`;
    case 'text': return `<p${block.tone === undefined ? '' : ` class="${block.tone}"`}>${inline(block.words)}</p>`;
    case 'list': { const tag = block.ordered ? 'ol' : 'ul'; return `<${tag}>${block.items.map((item) => `<li>${inline(item)}</li>`).join('')}</${tag}>`; }
    case 'facts': return `<dl>${block.rows.map(([what, value, tone]) => `<div${tone === undefined ? '' : ` class="${tone}"`}><dt>${markup(what)}</dt><dd>${inline(value)}</dd></div>`).join('')}</dl>`;
    case 'table': return block.rows.length === 0 ? '' : `<table><colgroup>${block.widths.map((width) => `<col width="${width}%">`).join('')}</colgroup><thead><tr>${block.head.map((text) => `<th>${markup(text)}</th>`).join('')}</tr></thead><tbody>${block.rows.map((row) => `<tr>${row.map((cell, i) => `<td data-head="${markup(block.head[i] ?? '')}">${inline(cell)}</td>`).join('')}</tr>`).join('\n')}</tbody></table>`;
    case 'figure': return `<figure>${block.svg}<figcaption>${markup(block.caption)}</figcaption></figure>`;
  }
}
