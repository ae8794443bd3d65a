import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [react()],
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
