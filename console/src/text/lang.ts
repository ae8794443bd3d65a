/**
 * The language: the browser's first, then what was chosen, remembered. Texts stand beside the page that says them:
 *   const words = texts('alerts', { zh: { title: '告警' }, en: { title: 'Alerts' } });   // both languages hold the same keys, or it does not compile
 *   const t = useTexts(words); t('title')
 * Values go in as `{{name}}`, numbers choose `key_one` and `key_other` by `count`.
 */
import { createInstance } from 'i18next';
import { useSyncExternalStore } from 'react';
import { keep, kept } from '../parts/kept.ts';

export type Lang = 'zh' | 'en';
export interface Text { zh: string; en: string }

const stored = kept('lang');
const i18n = createInstance();
void i18n.init({
  lng: stored === 'zh' || stored === 'en' ? stored : navigator.language.startsWith('zh') ? 'zh' : 'en',
  fallbackLng: false, initAsync: false, resources: {}, keySeparator: false, nsSeparator: false, returnEmptyString: true, interpolation: { escapeValue: false },
});

const watchers = new Set<() => void>();
const show = (): void => { document.documentElement.lang = langNow() === 'zh' ? 'zh-CN' : 'en'; };
const langNow = (): Lang => (i18n.language === 'zh' ? 'zh' : 'en');
show();

export function setLang(lang: Lang): void {
  keep('lang', lang);
  void i18n.changeLanguage(lang);
  show();
  for (const watcher of watchers) watcher();
}

const subscribe = (watcher: () => void): (() => void) => {
  watchers.add(watcher);
  return () => { watchers.delete(watcher); };
};
export const useLang = (): Lang => useSyncExternalStore(subscribe, langNow);

/** What one page or part says. */
export interface Texts<Key extends string> { name: string; keys?: Key }
type Base<Key extends string> = Key extends `${infer Stem}_one` | `${infer Stem}_other` ? Stem : Key;
export type Translate<Key extends string> = (key: Base<Key>, values?: Record<string, string | number>) => string;

export function texts<Words extends Record<string, string>>(name: string, both: { en: Words; zh: Record<keyof Words, string> }): Texts<keyof Words & string> {
  i18n.addResourceBundle('en', name, both.en);
  i18n.addResourceBundle('zh', name, both.zh);
  return { name };
}

function translator<Key extends string>({ name }: Texts<Key>, lang: Lang): Translate<Key> {
  return (key, values) => i18n.t(key, { ...values, ns: name, lng: lang });
}

export const useTexts = <Key extends string>(words: Texts<Key>): Translate<Key> => translator(words, useLang());

/** Of a text that the server gives in both languages. */
export const useSay = (): ((text: Text | undefined) => string) => {
  const lang = useLang();
  return (text) => text?.[lang] ?? '';
};
