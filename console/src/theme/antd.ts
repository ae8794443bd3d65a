/** Our theme in antd's tokens. */
import { theme as antdTheme, type ThemeConfig } from 'antd';
import { palettes, type Theme } from './palette.ts';

/** antd itself leaves its motion out then: shortened by a style sheet its pop-ups would wait for ends that nobody hears. */
const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;

export function antdConfig(theme: Theme): ThemeConfig {
  const p = palettes[theme];
  return {
    algorithm: theme === 'dark' ? antdTheme.darkAlgorithm : antdTheme.defaultAlgorithm,
    cssVar: { key: 'moat', prefix: 'ant' }, hashed: false,
    token: {
      colorPrimary: p.accent, colorInfo: p.accent, colorLink: p.accent, colorSuccess: p.good, colorWarning: p.warn, colorError: p.bad,
      colorBgBase: p.raised, colorBgLayout: p.paper, colorBgContainer: p.raised, colorBgElevated: p.raised, colorTextBase: p.ink, colorText: p.ink, colorTextSecondary: p.quiet, colorTextTertiary: p.faint, colorTextDescription: p.quiet, colorTextPlaceholder: p.faint,
      colorBorder: p.line, colorBorderSecondary: p.line, borderRadius: 8, borderRadiusLG: 12, borderRadiusSM: 6, fontSize: 14, lineHeight: 1.57, controlHeight: 34, wireframe: false, motion: !isStill,
      fontFamily: 'var(--m-font)', fontFamilyCode: 'var(--m-mono)', boxShadowTertiary: p.shadow, motionDurationMid: '0.12s', motionDurationSlow: '0.18s',
    },
    components: {
      Table: { headerBg: 'transparent', headerColor: p.quiet, headerSplitColor: 'transparent', rowHoverBg: p.sunken, cellPaddingBlockMD: 11, cellPaddingInlineMD: 14, cellPaddingBlock: 12 },
      Button: { primaryShadow: 'none', defaultShadow: 'none', dangerShadow: 'none', ...(theme === 'dark' && { primaryColor: '#06201e' }) },
      Input: { colorBorder: p.edge }, Select: { colorBorder: p.edge }, Checkbox: { colorBorder: p.edge }, Radio: { colorBorder: p.edge },
      Tooltip: { colorBgSpotlight: theme === 'dark' ? '#2a3d40' : '#1d3135' },
      Segmented: { trackBg: p.sunken },
      Tag: { defaultBg: p.sunken },
    },
  };
}
