import { type MemoryKind, moduleOf } from './memory';
import { sparseBlock } from './sparse-block';
import { sparseTile } from './sparse-tile';

/**
 * The kernels that multiply, for engines with relaxed SIMD, as one WebAssembly module in text.
 *
 * @param memory `shared` for the backend's threaded build.
 */
export function relaxedModuleText(memory: MemoryKind): string {
  return moduleOf(memory, [sparseTile('relaxed'), sparseBlock('relaxed')]);
}
