/** The frame of a page that stands alone: nothing is loaded from elsewhere, no script runs, light and dark. */
import { markup } from './safe.ts';
import type { Lang } from './text.ts';

/** `body` and `style` are HTML and CSS of our own; the title is text. */
export function alonePage({ lang, title, style, body }: { lang: Lang; title: string; style: string; body: string }): string {
  return `<!doctype html>
<html lang="${lang === 'zh' ? 'zh-CN' : 'en'}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>${markup(title)}</title>
<style>${style}</style>
</head>
<body>
${body}
</body>
</html>
`;
}
