import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

function aliases(platform: 'node' | 'browser'): Array<{ find: RegExp; replacement: string }> {
  return [
    { find: /^#bytes$/, replacement: source(`weights/bytes.${platform}.ts`) },
    { find: /^#(cache|sha256)$/, replacement: source(`weights/download/$1.${platform}.ts`) },
    { find: /^tfjs-prune$/, replacement: source('index.ts') },
    { find: /^tfjs-prune\/(\w+)$/, replacement: source('$1/index.ts') },
  ];
}

/** The Chromium to test with: `CHROMIUM` if set, else the one on the path; undefined for playwright's own. */
function chromium(): string | undefined {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  try {
    return execFileSync('which', ['chromium'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return undefined;
  }
}

/** How playwright starts it. */
export function launchOptions(): { executablePath?: string; args: string[] } {
  const executablePath = chromium();
  return {
    ...(executablePath === undefined ? {} : { executablePath }),
    args: [
      '--no-sandbox',
      // WebGL without a graphics card.
      '--use-gl=angle',
      '--use-angle=swiftshader',
      '--enable-unsafe-swiftshader',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  };
}

/** Tests that run in Chromium, in the folder of that name. */
function browserProject(name: 'browser' | 'browser-isolated'): TestProjectInlineConfiguration {
  return {
    resolve: { alias: aliases('browser') },
    // All of tfjs up front: a dependency found later would reload the page in the middle of a test.
    optimizeDeps: { include: ['@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm'] },
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      ...(name === 'browser' && { globalSetup: ['test/browser/download-host.ts'] }),
      setupFiles: ['test/support/setup.ts'],
      testTimeout: 120_000,
      hookTimeout: 120_000,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions: launchOptions() }),
        instances: [{ browser: 'chromium' }],
      },
    },
  };
}

export default defineConfig({
  test: {
    // tfjs advertises its Node package in every worker.
    onConsoleLog: (log) => !log.includes('looks like you are running TensorFlow.js in Node.js'),
    projects: [
      {
        resolve: { alias: aliases('node') },
        test: {
          name: 'node',
          include: ['test/{unit,parity,prop,documentation,examples}/**/*.test.ts'],
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
      browserProject('browser'),
      {
        ...browserProject('browser-isolated'),
        // With these a page may share memory between threads, and tfjs's wasm backend does.
        server: {
          headers: {
            'Cross-Origin-Opener-Policy': 'same-origin',
            'Cross-Origin-Embedder-Policy': 'require-corp',
          },
        },
      },
    ],
  },
});
