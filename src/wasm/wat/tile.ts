/** Floats of a tile: what seven accumulators of four hold. With an eighth, V8 keeps some of them in memory. */
export const TILE = 28;

/** Bits of an output channel's number within its group. */
export const GROUP_BITS = 6;

/** Output channels are sorted by their number of weights within so many: neighbours then leave their loops alike. */
export const GROUP: number = 2 ** GROUP_BITS;

/** Bytes of a packed weight and of its offset, one of any size, and one that 16 bits tell in floats. */
export const FAR_ENTRY = 8;
export const NEAR_ENTRY = 6;
