/** Floats of a tile: what seven accumulators of four hold. With an eighth, V8 keeps some of them in memory. */
export const TILE = 28;
