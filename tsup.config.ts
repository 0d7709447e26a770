import { defineConfig } from 'tsup';

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    'masks/index': 'src/masks/index.ts',
    'weights/index': 'src/weights/index.ts',
    'weights/bytes.node': 'src/weights/bytes.node.ts',
    'weights/bytes.browser': 'src/weights/bytes.browser.ts',
    'weights/download/cache.node': 'src/weights/download/cache.node.ts',
    'weights/download/cache.browser': 'src/weights/download/cache.browser.ts',
    'weights/download/sha256.node': 'src/weights/download/sha256.node.ts',
    'weights/download/sha256.browser': 'src/weights/download/sha256.browser.ts',
    'models/index': 'src/models/index.ts',
    'sparse/index': 'src/sparse/index.ts',
    'training/index': 'src/training/index.ts',
    'structured/index': 'src/structured/index.ts',
  },
  tsconfig: 'tsconfig.build.json',
  format: 'esm',
  target: 'es2022',
  platform: 'neutral',
  external: [/^#/, /^node:/],
  splitting: true,
  dts: true,
  sourcemap: true,
  clean: true,
  treeshake: true,
});
