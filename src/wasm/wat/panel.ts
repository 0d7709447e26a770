/** Rows and columns of the tile that {@link GEMM} keeps in registers: eight accumulators of four floats. */
export const PANEL_ROWS = 4;
export const PANEL_COLUMNS = 8;

/** Vectors of pixels that a product with a pruned matrix takes at a time, and the pixels. */
export const TILE_VECTORS = 4;
export const TILE_PIXELS: number = 4 * TILE_VECTORS;
