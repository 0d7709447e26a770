import wabt from 'wabt';
import type { MemoryKind } from '../../src/wasm/wat/memory';
import { moduleText } from '../../src/wasm/wat/module';
import { relaxedModuleText } from '../../src/wasm/wat/relaxed-module';
import { trainingModuleText } from '../../src/wasm/wat/training-module';

/** A module of kernels, and the file under src/wasm that has it assembled. */
export interface KernelModule {
  readonly file: string;
  text(memory: MemoryKind): string;
}

export const MODULES: readonly KernelModule[] = [
  { file: 'binary.ts', text: moduleText },
  { file: 'relaxed-binary.ts', text: relaxedModuleText },
  { file: 'training-binary.ts', text: trainingModuleText },
];

/** @returns The text that a module's file must have: the kernels, assembled. */
export async function binaryModule({ text }: KernelModule): Promise<string> {
  const assembler = await wabt();
  const assembled = (memory: MemoryKind): string => {
    const parsed = assembler.parseWat(`${memory}.wat`, text(memory), {
      simd: true,
      threads: true,
      relaxed_simd: true,
    });
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
