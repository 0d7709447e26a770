import { CHANNEL_SUMS } from './batch-norm-gradient';
import { COLUMN_SUMS } from './column-sums';
import { DEPTHWISE_FILTER, DEPTHWISE_INPUT } from './depthwise';
import { GEMM, SPILL } from './gemm';
import { type MemoryKind, moduleOf } from './memory';
import { ADAM, MOMENTUM, NESTEROV, SGD } from './optimizer';
import { packColumns, packRows } from './pack';
import { PANEL_COLUMNS, PANEL_ROWS, TILE_PIXELS } from './panel';
import {
  SPARSE_GRADIENT,
  SPARSE_PRODUCT,
  SPARSE_REFRESH,
  SPARSE_SCATTER,
  UNPACK_TILE,
} from './sparse-training';

/**
 * The kernels for training, a module of their own: who only prunes or predicts does not load them.
 *
 * @param memory `shared` for the backend's threaded build.
 */
export function trainingModuleText(memory: MemoryKind): string {
  return moduleOf(memory, [
    packRows('packRowsA', PANEL_ROWS),
    packColumns('packColumnsA', PANEL_ROWS),
    packRows('packRowsB', PANEL_COLUMNS),
    packColumns('packColumnsB', PANEL_COLUMNS),
    GEMM,
    SPILL,
    CHANNEL_SUMS,
    COLUMN_SUMS,
    packRows('packTile', TILE_PIXELS),
    SPARSE_PRODUCT,
    SPARSE_GRADIENT,
    SPARSE_REFRESH,
    SPARSE_SCATTER,
    UNPACK_TILE,
    DEPTHWISE_FILTER,
    DEPTHWISE_INPUT,
    SGD,
    MOMENTUM,
    NESTEROV,
    ADAM,
  ]);
}
