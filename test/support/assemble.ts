import wabt from 'wabt';
import { moduleText } from '../../src/wasm/wat/module';

/** @returns The text that src/wasm/binary.ts must have: the kernels, assembled. */
export async function binaryModule(): Promise<string> {
  const assembler = await wabt();
  const assembled = (memory: 'plain' | 'shared'): string => {
    const parsed = assembler.parseWat(`${memory}.wat`, moduleText(memory), { simd: true, threads: true });
    try {
      return Buffer.from(parsed.toBinary({}).buffer).toString('base64');
    } finally {
      parsed.destroy();
    }
  };
  return `/**
 * The kernels of src/wasm/wat, assembled by \`npm run kernels\`; not to be edited by hand.
 *
 * @module
 */

/** For the backend's own memory, in base64. */
export const PLAIN =
  '${assembled('plain')}';

/** For a memory that is shared between threads, in base64. */
export const SHARED =
  '${assembled('shared')}';
`;
}
