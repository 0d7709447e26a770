import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { binaryModule, MODULES } from '../../support/assemble';

it.each(MODULES)('$file is what the templates assemble to; else run npm run kernels', async (module) => {
  const path = fileURLToPath(new URL(`../../../src/wasm/${module.file}`, import.meta.url));
  expect(readFileSync(path, 'utf8') === (await binaryModule(module))).toBe(true);
});
