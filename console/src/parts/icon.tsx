/** Line icons of our own, 20 by 20, in the colour of the text around. */
const paths = {
  overview: 'M3 10.5 10 4l7 6.5M5 9v7h10V9M8.5 16v-4h3v4',
  alerts: 'M10 3.5a4.5 4.5 0 0 0-4.5 4.5c0 4-1.5 5-1.5 5h12s-1.5-1-1.5-5A4.5 4.5 0 0 0 10 3.5ZM8.5 16a1.6 1.6 0 0 0 3 0',
  incidents: 'M5 5.5h.01M15 5.5h.01M10 14.5h.01M6.3 6.7l2.7 6M13.7 6.7l-2.7 6M7 5.5h6',
  hosts: 'M4 4.5h12v4.5H4zM4 11h12v4.5H4zM6.5 6.750h.01M6.5 13.250h.01M9 6.750h4M9 13.250h4',
  hunt: 'M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM13 13l4 4M6.8 9h4.4M9 6.8v4.4',
  protection: 'M10 3l6 2.3v4.2c0 4-2.6 6.4-6 7.5-3.4-1.1-6-3.5-6-7.5V5.3zM7.5 10l1.8 1.8 3.3-3.6',
  posture: 'M3 10.5h3l1.7-4.5 3.3 8 2-5.5 1 2h3',
  matrix: 'M3.5 3.5h5v5h-5zM11.5 3.5h5v5h-5zM3.5 11.5h5v5h-5zM11.5 11.5h5v5h-5z',
  rules: 'M5 3.5h10v13H5zM7.5 7h5M7.5 10h5M7.5 13h3',
  system: 'M4 6h6M13 6h3M4 14h3M10 14h6M11.5 4.3v3.4M8.5 12.3v3.4',
  menu: 'M3.5 6h13M3.5 10h13M3.5 14h13', sun: 'M10 13.3a3.3 3.3 0 1 0 0-6.6 3.3 3.3 0 0 0 0 6.6ZM10 2.5v1.5M10 16v1.5M2.5 10H4M16 10h1.5M4.7 4.7l1 1M14.3 14.3l1 1M4.7 15.3l1-1M14.3 5.7l1-1', moon: 'M16 11.5A6.5 6.5 0 0 1 8.5 4a6.5 6.5 0 1 0 7.5 7.5Z', screen: 'M3.5 4.5h13v8.5h-13zM7.5 16h5M10 13v3',
  person: 'M10 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM4.5 16.5c.6-3 2.8-4.5 5.5-4.5s4.9 1.5 5.5 4.5', keys: 'M3 5.5h14v9H3zM5.5 8h.01M8.5 8h.01M11.5 8h.01M14.5 8h.01M6.5 11.8h7', close: 'M5 5l10 10M15 5 5 15', check: 'M4.5 10.5l3.5 3.5 7.5-8', warn: 'M10 4 17 16H3zM10 8.5v3.5M10 14.2h.01', lock: 'M5 9h10v7.5H5zM7 9V6.5a3 3 0 0 1 6 0V9', cloud: 'M5.5 15a3 3 0 0 1-.3-6 4.5 4.5 0 0 1 8.7-.9A3.4 3.4 0 0 1 14.2 15ZM3.5 3.5l13 13', refresh: 'M16 10a6 6 0 1 1-1.8-4.3M16 3.5V7h-3.5', right: 'M7.5 5l5 5-5 5', left: 'M12.5 5l-5 5 5 5', down: 'M5 7.5l5 5 5-5', copy: 'M7 7h9v9.5H7zM4 13V3.5h8.5', search: 'M9 14a5 5 0 1 0 0-10 5 5 0 0 0 0 10ZM12.7 12.7 16.5 16.5', out: 'M8 4H4.5v12H8M12 6.5 15.5 10 12 13.5M15 10H8', plus: 'M10 4.5v11M4.5 10h11', undo: 'M7 5 3.5 8.5 7 12M4 8.5h7.5a4 4 0 0 1 0 8H9', play: 'M6.5 4.5v11l9-5.5z', clock: 'M10 16.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM10 6.5V10l2.5 1.5', download: 'M10 3.5v9M6.5 9.5 10 13l3.5-3.5M4 16.5h12', globe: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM3 10h14M10 3c2.2 2 3 4.3 3 7s-.8 5-3 7c-2.2-2-3-4.3-3-7s.8-5 3-7',
} as const;
export type IconName = keyof typeof paths;

/** Decoration: what it means is said beside it, or by the control around it. */
export const Icon = ({ name, size = 20 }: { name: IconName; size?: number }) => (
  <svg width={size} height={size} viewBox="0 0 20 20" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false" style={{ flex: 'none' }}><path d={paths[name]} /></svg>
);

/** A wall's tower in a ring of water. */
export const Mark = ({ size = 28 }: { size?: number }) => (
  <svg width={size} height={size} viewBox="0 0 32 32" fill="none" stroke="var(--m-accent)" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false" style={{ flex: 'none' }}>
    <circle cx="16" cy="16" r="13" strokeWidth="2.6" strokeDasharray="16 4.42" strokeDashoffset="8" opacity=".55" />
    <path d="M10.5 21.5V11h2.4v2h1.9v-2h2.4v2h1.9v-2h2.4v10.5z" fill="var(--m-accent)" strokeWidth="1" />
  </svg>
);
