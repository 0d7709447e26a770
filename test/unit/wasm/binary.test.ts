import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { binaryModule } from '../../support/assemble';

it('the committed kernels are what the templates assemble to; else run npm run kernels', async () => {
  const committed = readFileSync(
    fileURLToPath(new URL('../../../src/wasm/binary.ts', import.meta.url)),
    'utf8',
  );
  expect(committed === (await binaryModule())).toBe(true);
});
