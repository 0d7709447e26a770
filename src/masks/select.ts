const KEY_BITS = 31;

/** Widths of the digits that a key is read in: fewer passes for many entries, smaller tables for few. */
const DIGITS_OF_MANY = [16, 15] as const;
const DIGITS_OF_FEW = [11, 10, 10] as const;
const MANY = 1 << 16;

/** The key of every NaN: PyTorch ranks them all alike, above infinity. */
export const NAN_KEY = 0x7f800001;

/** Entries to rank. Their keys are whole numbers from 0 to {@link NAN_KEY}, or the bits of floats, ranked by |x|. */
interface Candidates {
  /** One number an entry. */
  readonly bits: Int32Array;
  /** 1 for entries to rank and 0 for those to pass over; all are ranked without it. */
  readonly mask?: Uint8Array | undefined;
}

/** Where a ranking is cut: the smallest keys are taken, and of those that equal the threshold perhaps only some. */
export interface Cut {
  /** The largest key that is taken. */
  readonly threshold: number;
  /** How many entries have that key. */
  readonly tied: number;
  /** How many of these are taken, at least one. */
  readonly taken: number;
}

/** Whether only some of the tied are taken. */
export function isSplit({ taken, tied }: Cut): boolean {
  return taken < tied;
}

/** The largest key of which all are taken, whatever becomes of the tied. */
export function lastTaken(cut: Cut): number {
  return isSplit(cut) ? cut.threshold - 1 : cut.threshold;
}

/**
 * The key of a number: its magnitude, as an integer of the same order.
 *
 * @param bits The bits of a float32, or a key.
 * @returns A whole number from 0 to {@link NAN_KEY}.
 */
export function keyOf(bits: number): number {
  // NAN_KEY as a literal: a variable of a module is no constant to the optimiser, and this is the innermost loop.
  return Math.min(bits & 0x7fffffff, 0x7f800001);
}

/**
 * Whether a key is above a threshold, without a branch: half of the branches would be foretold wrong.
 *
 * @param key A whole number from 0 to {@link NAN_KEY}.
 * @param threshold Another, or −1.
 * @returns 1 if it is, else 0.
 */
export function isAbove(key: number, threshold: number): number {
  return (threshold - key) >>> 31;
}

/**
 * The bits of floats, as the keys that {@link findCut} reads. No copy is made.
 *
 * @param scores Any floats.
 * @returns A view of the same memory.
 */
export function bitsOf(scores: Float32Array): Int32Array {
  return new Int32Array(scores.buffer, scores.byteOffset, scores.length);
}

/**
 * Finds the key at which the `count` smallest end, by a radix select: two or three passes over memory, in any order,
 * nothing gathered or moved.
 *
 * @param parts The entries, in as many pieces as they lie in.
 * @param count How many to take, from 1 to the number of entries that are ranked.
 * @returns The cut.
 */
export function findCut(parts: readonly Candidates[], count: number): Cut {
  const size = parts.reduce((sum, { bits }) => sum + bits.length, 0);
  let shift = KEY_BITS;
  let threshold = 0;
  let taken = count;
  let tied = 0;
  for (const width of size < MANY ? DIGITS_OF_FEW : DIGITS_OF_MANY) {
    shift -= width;
    const bins = new Int32Array(1 << width);
    for (const part of parts) countDigits(part, { prefix: threshold, shift, width }, bins);
    let digit = 0;
    while (taken > bins[digit]!) taken -= bins[digit++]!;
    threshold = (threshold << width) | digit;
    tied = bins[digit]!;
  }
  return { threshold, tied, taken };
}

/** Which digit of which keys is counted: the one at `shift`, of keys whose higher digits are `prefix`. */
interface Digit {
  readonly prefix: number;
  readonly shift: number;
  readonly width: number;
}

function countDigits({ bits, mask }: Candidates, digit: Digit, bins: Int32Array): void {
  const isFirst = digit.shift + digit.width === KEY_BITS;
  if (mask !== undefined) {
    if (isFirst) countAllLeft(bits, mask, digit.shift, bins);
    else countLeftWithin(bits, mask, digit, bins);
  } else if (isFirst) countAll(bits, digit.shift, bins);
  else countWithin(bits, digit, bins);
}

/** As {@link countAll}, for what earlier prunings left. */
function countAllLeft(bits: Int32Array, mask: Uint8Array, shift: number, bins: Int32Array): void {
  const whole = bits.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    const digit0 = keyOf(bits[i]!) >>> shift;
    const digit1 = keyOf(bits[i + 1]!) >>> shift;
    const digit2 = keyOf(bits[i + 2]!) >>> shift;
    const digit3 = keyOf(bits[i + 3]!) >>> shift;
    bins[digit0]! += mask[i]!;
    bins[digit1]! += mask[i + 1]!;
    bins[digit2]! += mask[i + 2]!;
    bins[digit3]! += mask[i + 3]!;
  }
  for (let i = whole; i < bits.length; i++) bins[keyOf(bits[i]!) >>> shift]! += mask[i]!;
}

function countLeftWithin(
  bits: Int32Array,
  mask: Uint8Array,
  { prefix, shift, width }: Digit,
  bins: Int32Array,
): void {
  const above = shift + width;
  const last = bins.length - 1;
  for (let i = 0; i < bits.length; i++) {
    const key = keyOf(bits[i]!);
    if (key >>> above === prefix) bins[(key >>> shift) & last]! += mask[i]!;
  }
}

/** The first digit, which every key has. Four at a time: neighbours often share a bin, and would wait for each other. */
function countAll(bits: Int32Array, shift: number, bins: Int32Array): void {
  const whole = bits.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    const digit0 = keyOf(bits[i]!) >>> shift;
    const digit1 = keyOf(bits[i + 1]!) >>> shift;
    const digit2 = keyOf(bits[i + 2]!) >>> shift;
    const digit3 = keyOf(bits[i + 3]!) >>> shift;
    bins[digit0]!++;
    bins[digit1]!++;
    bins[digit2]!++;
    bins[digit3]!++;
  }
  for (let i = whole; i < bits.length; i++) bins[keyOf(bits[i]!) >>> shift]!++;
}

/** A later digit, which few keys have. Four at a time, as most are only looked at. */
function countWithin(bits: Int32Array, { prefix, shift, width }: Digit, bins: Int32Array): void {
  const above = shift + width;
  const last = bins.length - 1;
  const whole = bits.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    const key0 = keyOf(bits[i]!);
    const key1 = keyOf(bits[i + 1]!);
    const key2 = keyOf(bits[i + 2]!);
    const key3 = keyOf(bits[i + 3]!);
    if (key0 >>> above === prefix) bins[(key0 >>> shift) & last]!++;
    if (key1 >>> above === prefix) bins[(key1 >>> shift) & last]!++;
    if (key2 >>> above === prefix) bins[(key2 >>> shift) & last]!++;
    if (key3 >>> above === prefix) bins[(key3 >>> shift) & last]!++;
  }
  for (let i = whole; i < bits.length; i++) {
    const key = keyOf(bits[i]!);
    if (key >>> above === prefix) bins[(key >>> shift) & last]!++;
  }
}
