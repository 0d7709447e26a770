/** `npm run kernels`: assembles the templates in src/wasm/wat into src/wasm/binary.ts, which is committed. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { binaryModule } from '../test/support/assemble';

writeFileSync(fileURLToPath(new URL('../src/wasm/binary.ts', import.meta.url)), await binaryModule());
