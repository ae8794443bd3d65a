import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/**
 * Two of antd's helpers (the lock of scrolling beneath a dialog, the width of scroll bars) insert style sheets without the nonce that
 * ConfigProvider was given: the content policy would bar them. They get the page's own here; the build fails should antd be written otherwise.
 */
const nonceForAll: Plugin = {
  name: 'nonce-for-all-style-sheets',
  transform: {
    filter: { id: /@rc-component\/util\/es\/Dom\/dynamicCSS\.js$/ },
    handler(code) {
      const before = /if \(csp\?\.nonce\) \{\s*styleNode\.nonce = csp\?\.nonce;\s*\}/;
      if (!before.test(code)) throw new Error('expected injectCSS of @rc-component/util to set csp.nonce, got other code: see console/vite.config.ts');
      return { code: code.replace(before, "styleNode.nonce = csp?.nonce ?? document.querySelector('meta[property=csp-nonce]')?.nonce ?? '';"), map: null };
    },
  },
};

export default defineConfig({
  plugins: [react(), nonceForAll],
  build: {
    target: 'es2022',
    // A picture within a style sheet would be a data: address of its own.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        // A page is found by its name, in the browser's tools and by the check of sizes.
        chunkFileNames: ({ facadeModuleId, name }) => `assets/${/\/pages\/([\w-]+)\/page\.tsx$/.exec(facadeModuleId ?? '')?.[1] ?? name}-[hash].js`,
      },
    },
  },
  // `npm run dev -w console`, beside a Moat at its own port.
  server: { proxy: { '/api': { target: process.env['MOAT_URL'] ?? 'https://127.0.0.1:8443', secure: false } } },
});
