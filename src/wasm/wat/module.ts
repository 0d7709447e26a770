import { CLEAR_MASKED } from './clear-masked';
import { NORMALISE } from './normalise';
import { SPARSE_BLOCK } from './sparse-block';
import { sparseTile } from './sparse-tile';
import { SUM_SQUARES } from './sum-squares';
import { transpose } from './transpose';

/** How the backend's memory must be imported: a shared one only fits where that is said. */
const MEMORY = { plain: '(memory 1)', shared: '(memory 1 65536 shared)' } as const;

/**
 * All kernels as one WebAssembly module in text, which works in the memory of tfjs's wasm backend.
 *
 * @param memory `shared` for the backend's threaded build.
 */
export function moduleText(memory: keyof typeof MEMORY): string {
  return `(module
(import "tfjs" "memory" ${MEMORY[memory]})
${sparseTile()}
${transpose('toPlanes', 'column')}
${transpose('toPixels', 'row')}
${SPARSE_BLOCK}
${NORMALISE}
${SUM_SQUARES}
${CLEAR_MASKED}
)`;
}
