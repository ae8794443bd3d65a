/** Settings that send some visitors elsewhere: those who come from a search, or the machines of the search itself. Shared by .htaccess, web.config, Apache and nginx. */
import { hostOf, unusual } from './page.ts';

/** In a pattern of user agents or referrers. */
const engine = /baidu|sogou|360spider|haosou|yisou|\bso\\?\.com|sm\\?\.cn|bytespider|googlebot|google\\?\.|\bgoogle\b|bingbot|\bbing\b|yahoo|yandex/i;
/** What shows pages of an application to search engines on its owner's behalf. */
const renderer = /prerender|rendertron|seo4ajax|brombone|seosnap/i;
const own = /^(?:localhost|127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|\[::1\]|unix$)|^[\w-]+$|\.(?:internal|local|lan|svc|cluster\.local)$/i;

/** A pattern that picks search engines or those who come from them; one that keeps others out does not. */
export const picksSearch = (pattern: string): boolean => !pattern.startsWith('!') && engine.test(pattern);

/** The other site that an address leads to; undefined for one that stays, or is made of the request's own host. */
export function strangerIn(address: string): string | undefined {
  const host = hostOf(address.replace(/[$%][\s\S]*$/, ''));
  return host === undefined || host.endsWith('.') || own.test(host) || renderer.test(host) || !unusual(host) ? undefined : host;
}

/** Follows the lines of mod_rewrite: conditions belong to the next rule. Answers the address that search traffic is sent to. */
export class Rewrites {
  #search = false;
  read(name: string, args: readonly string[]): string | undefined {
    if (name === 'rewritecond') {
      if (/%\{HTTP(?:_|:)(?:USER[_-]AGENT|REFERER)\}/i.test(args[0] ?? '') && picksSearch(args[1] ?? '')) this.#search = true;
      return undefined;
    }
    if (name !== 'rewriterule') return undefined;
    const search = this.#search;
    this.#search = false;
    const address = args[1] ?? '';
    return search && strangerIn(address) !== undefined ? address : undefined;
  }
}

/** Words of a line of Apache's settings, quotes taken away. */
export const wordsOf = (line: string): string[] => Array.from(line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g), ([, quoted, bare]) => quoted ?? bare ?? '');

/** web.config: addresses that rules of search traffic lead to, and handlers that run pictures. */
export function webConfig(text: string): { at: number; text: string }[] {
  const out: { at: number; text: string }[] = [];
  for (const match of text.matchAll(/<rule\b[^>]{0,500}>([\s\S]{0,5000}?)<\/rule>/gi)) {
    const search = Array.from(match[1]!.matchAll(/<add\b([^>]{0,1000})>/gi), ([, attributes]) => attributes!).some((attributes) => /HTTP_(?:USER_AGENT|REFERER)/i.test(attributes) && !/negate\s{0,3}=\s{0,3}["']true/i.test(attributes) && picksSearch(/pattern\s{0,3}=\s{0,3}["']([^"']{0,500})/i.exec(attributes)?.[1] ?? ''));
    const address = /<action\b[^>]{0,500}?\burl\s{0,3}=\s{0,3}["']([^"']{1,500})/i.exec(match[1]!)?.[1];
    if (search && address !== undefined && strangerIn(address) !== undefined) out.push({ at: match.index, text: address });
  }
  for (const match of text.matchAll(/<handlers\b[\s\S]{0,20000}?<\/handlers>/gi)) for (const added of match[0].matchAll(/<add\b[^>]{0,1000}\bpath\s{0,3}=\s{0,3}["'][^"']{0,200}\.(?:jpe?g|png|gif|ico|bmp|webp|css|txt|log)\b[^>]{0,1000}>/gi)) {
    if (/PageHandlerFactory|SimpleHandlerFactory|asp\.dll|php-cgi|FastCgiModule|CgiModule|IsapiModule/i.test(added[0])) out.push({ at: match.index + added.index, text: added[0] });
  }
  return out;
}

/** web.xml: pictures that are compiled as JSP. */
export function webXml(text: string): { at: number; text: string }[] {
  const names = new Set(['jsp', ...Array.from(text.matchAll(/<servlet-name>\s{0,20}([^<\s]{1,100})\s{0,20}<\/servlet-name>\s{0,200}<servlet-class>\s{0,20}[\w.]{0,200}JspServlet\b/g), ([, name]) => name!)]);
  const out: { at: number; text: string }[] = [];
  for (const match of text.matchAll(/<(servlet-mapping|jsp-property-group)>([\s\S]{0,5000}?)<\/\1>/g)) {
    const pattern = /<url-pattern>\s{0,20}([^<]{0,200}\.(?:jpe?g|png|gif|ico|bmp|webp|css|js|txt|log|svg))\s{0,20}<\/url-pattern>/i.exec(match[2]!)?.[1];
    const name = /<servlet-name>\s{0,20}([^<\s]{1,100})/.exec(match[2]!)?.[1];
    if (pattern !== undefined && (match[1] === 'jsp-property-group' || (name !== undefined && names.has(name)))) out.push({ at: match.index, text: `${name ?? 'jsp'}: ${pattern}` });
  }
  return out;
}
