/** Pages of template engines that may hold PHP of their own: read as the PHP that they become, line by line the same. */

/** Laravel's Blade: what it prints, and code that stands in it. */
const blade = /\{!!|\{\{|@php\b/;
/** Smarty, ThinkPHP, DedeCMS: code between tags of their own. */
const codeTags = /\{(?:dede:)?php\b[^{}\n]{0,40}\}([\s\S]{0,20000}?)\{\/(?:dede:)?php\}|<php>([\s\S]{0,20000}?)<\/php>/gi;
/** Discuz and PHPCMS: code in a tag. */
const inTag = /(?:<!--)?\{(?:eval|php)\s([^{}\n]{1,4000})\}(?:-->)?/gi;

/** Undefined: there is no such tag. */
export function asPhp(text: string): string | undefined {
  let out = text;
  if (blade.test(text)) {
    out = out
      .replaceAll(/\{!!([^\n]{1,2000}?)!!\}/g, '<?=$1?>')
      .replaceAll(/\{\{(?!--)([^\n]{1,2000}?)\}\}/g, '<?=$1?>')
      .replaceAll(/@php\b(?!\s*\()([\s\S]{0,20000}?)@endphp\b/g, '<?php$1?>')
      .replaceAll(/@php\s{0,4}\(([^\n]{1,2000})\)/g, '<?=$1?>');
  }
  out = out
    .replaceAll(codeTags, (_, braces: string | undefined, angles: string | undefined) => `<?php ${braces ?? angles ?? ''}?>`)
    .replaceAll(inTag, '<?=$1?>');
  return out === text ? undefined : out;
}
