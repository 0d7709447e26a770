/** `npm run kernels`: assembles the templates in src/wasm/wat into the files of bytes in src/wasm, which are committed. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { binaryModule, MODULES } from '../test/support/assemble';

for (const module of MODULES) {
  const path = fileURLToPath(new URL(`../src/wasm/${module.file}`, import.meta.url));
  writeFileSync(path, await binaryModule(module));
}
