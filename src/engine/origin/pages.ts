/** Web pages that are programs: by the URL that asks for one, by its file, and by the folder that a server runs it in. */
import { isWebCode, isWebEntry } from '../../core/web-files.ts';

const urlMax = 1024;
const foldersMax = 8;

/** The page of a request's path without its query: `/a/s.php` of `/a/s.php/x?y`. Undefined when no part of it is named as a program. */
export function pageOfUrl(path: string): string | undefined {
  if (path.length > urlMax || !path.startsWith('/') || (!path.includes('.') && !path.includes('%'))) return undefined;
  const plain = decoded(path);
  for (let from = 0; from >= 0;) {
    const next = plain.indexOf('/', from + 1);
    if (isWebCode(plain.slice(from, next < 0 ? plain.length : next))) return next < 0 ? plain : plain.slice(0, next);
    from = next;
  }
  return undefined;
}

/** Its folder; undefined at the top, where a site's front page runs for all others. */
export function folderOfPage(page: string): string | undefined {
  const end = page.lastIndexOf('/');
  return end > 0 ? page.slice(0, end) : undefined;
}

/** The URL paths that may mean this file, shortest first: where its site begins nobody tells, but it is in a folder. Empty for what every site has. */
export function urlsOfFile(file: string): string[] {
  const name = file.slice(file.lastIndexOf('/') + 1);
  if (!isWebCode(name) || isWebEntry(name)) return [];
  const urls: string[] = [];
  for (let at = file.lastIndexOf('/'); at > 0 && urls.length < foldersMax; at = file.lastIndexOf('/', at - 1)) urls.push(file.slice(at));
  return urls;
}

function decoded(path: string): string {
  if (!path.includes('%')) return path;
  try { return decodeURIComponent(path); } catch { return path; /* no text in UTF-8: it is taken as it was written */ }
}
