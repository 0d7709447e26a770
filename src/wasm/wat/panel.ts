/** Rows and columns of the tile that {@link GEMM} keeps in registers: eight accumulators of four floats. */
export const PANEL_ROWS = 4;
export const PANEL_COLUMNS = 8;
