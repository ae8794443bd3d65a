/**
 * The colours, once for both themes: antd's tokens and our own style sheets (as `--m-…`) take them from here.
 * One accent, that of water under a wall; the levels are the only other strong colours, so that they are seen.
 */
export type Theme = 'light' | 'dark';

export interface Palette {
  paper: string; raised: string; sunken: string; line: string; /** Of what one writes or ticks: seen without effort, 3 : 1. */ edge: string; ink: string; quiet: string; faint: string;
  accent: string; accentSoft: string; good: string; warn: string; bad: string; shadow: string;
  critical: string; high: string; medium: string; low: string; info: string;
}

export const palettes: Record<Theme, Palette> = {
  light: {
    paper: '#f5f7f7', raised: '#ffffff', sunken: '#edf1f1', line: '#dde5e4', edge: '#869a99', ink: '#14262a', quiet: '#4d6165', faint: '#58696d',
    accent: '#0a716c', accentSoft: '#e0f1ef', good: '#1b7f4d', warn: '#9a6200', bad: '#c0283a', shadow: '0 1px 2px rgb(16 40 44 / 5%), 0 6px 20px rgb(16 40 44 / 5%)',
    critical: '#b3132b', high: '#c2410c', medium: '#946200', low: '#2b6cb0', info: '#5b6b70',
  },
  dark: {
    paper: '#0e1718', raised: '#152123', sunken: '#0a1213', line: '#26373a', edge: '#5a7073', ink: '#e5eeed', quiet: '#a8babb', faint: '#8a9d9f',
    accent: '#3cc7bb', accentSoft: '#123635', good: '#4cc38a', warn: '#e2a93b', bad: '#f2707f', shadow: '0 1px 2px rgb(0 0 0 / 30%), 0 8px 24px rgb(0 0 0 / 25%)',
    critical: '#ff6b7f', high: '#ff9457', medium: '#e5b64a', low: '#74b4f5', info: '#9cb0b4',
  },
};
