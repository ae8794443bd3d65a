import { expect, it } from 'vitest';
import { folderOfPage, pageOfUrl, urlsOfFile } from './pages.ts';

it('finds the program that a request asks for', () => {
  expect(pageOfUrl('/up/logo.php')).toBe('/up/logo.php');
  expect(pageOfUrl('/up/logo.php/x/y')).toBe('/up/logo.php');
  expect(pageOfUrl('/up/%6cogo.ph%70')).toBe('/up/logo.php');
  expect(pageOfUrl('/up/logo.png')).toBe(undefined);
  expect(pageOfUrl('/')).toBe(undefined);
  // Hostile: no UTF-8, no slash, very long.
  expect(pageOfUrl('/%ff.php')).toBe('/%ff.php');
  expect(pageOfUrl('http://x/a.php')).toBe(undefined);
  expect(pageOfUrl(`/${'a/'.repeat(100_000)}x.php`)).toBe(undefined);
});

it('knows the folder that a page runs in, but not the top of a site', () => {
  expect(folderOfPage('/up/new/logo.php')).toBe('/up/new');
  expect(folderOfPage('/index.php')).toBe(undefined);
});

it('says by which URLs a file may be asked for, and none for what every site has', () => {
  expect(urlsOfFile('/var/www/up/logo.php')).toEqual(['/logo.php', '/up/logo.php', '/www/up/logo.php']);
  expect(urlsOfFile('/var/www/index.php')).toEqual([]);
  expect(urlsOfFile('/var/www/logo.png')).toEqual([]);
  expect(urlsOfFile(`${'/a'.repeat(1000)}/s.php`)).toHaveLength(8);
});
