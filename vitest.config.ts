import { fileURLToPath } from 'node:url';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

function aliases(platform: 'node' | 'browser'): Array<{ find: RegExp; replacement: string }> {
  return [
    { find: /^#bytes$/, replacement: source(`weights/bytes.${platform}.ts`) },
    { find: /^tfjs-prune$/, replacement: source('index.ts') },
    { find: /^tfjs-prune\/(\w+)$/, replacement: source('$1/index.ts') },
  ];
}

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias: aliases('node') },
        test: {
          name: 'node',
          include: ['test/{unit,parity,prop,examples}/**/*.test.ts'],
          setupFiles: ['test/support/setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        resolve: { alias: aliases('node') },
        test: {
          name: 'package',
          include: ['test/package/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        resolve: { alias: aliases('browser') },
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 120_000,
          browser: {
            enabled: true,
            headless: true,
            provider: playwright({
              launchOptions: {
                executablePath: '/usr/bin/chromium',
                args: [
                  '--no-sandbox',
                  '--disable-quic',
                  '--no-first-run',
                  '--disable-background-networking',
                  '--disable-component-update',
                  '--disable-sync',
                ],
              },
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
});
