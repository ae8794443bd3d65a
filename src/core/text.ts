/** What a person reads, in both languages Moat speaks. */
export interface Text { zh: string; en: string }
export type Lang = 'zh' | 'en';
