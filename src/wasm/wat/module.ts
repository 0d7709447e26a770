import { ADD } from './add';
import { CLEAR_MASKED } from './clear-masked';
import { COLUMN_SUMS } from './column-sums';
import { COPY_LANES } from './copy-lanes';
import { DRAW_TURNS } from './draw-turns';
import { GATHER_WORDS } from './gather-words';
import { type MemoryKind, moduleOf } from './memory';
import { NORMALISE } from './normalise';
import { NUMBER_KEYS } from './number-keys';
import { PARTITION } from './partition';
import { REVIVED } from './revived';
import { SCATTER_BYTES } from './scatter-bytes';
import { sparseBlock } from './sparse-block';
import { sparseTile } from './sparse-tile';
import { SPLIT_KEYS } from './split-keys';
import { SUM_SQUARES } from './sum-squares';
import { transpose } from './transpose';

/**
 * All kernels as one WebAssembly module in text, which works in the memory of tfjs's wasm backend.
 *
 * @param memory `shared` for the backend's threaded build.
 */
export function moduleText(memory: MemoryKind): string {
  return moduleOf(memory, [
    sparseTile('exact'),
    transpose('toPlanes', 'column'),
    transpose('toPixels', 'row'),
    sparseBlock('exact'),
    COPY_LANES,
    ADD,
    COLUMN_SUMS,
    NORMALISE,
    SUM_SQUARES,
    CLEAR_MASKED,
    REVIVED,
    SPLIT_KEYS,
    DRAW_TURNS,
    SCATTER_BYTES,
    GATHER_WORDS,
    NUMBER_KEYS,
    PARTITION,
  ]);
}
