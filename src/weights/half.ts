/**
 * 16-bit floats. Widening is exact; narrowing rounds to the nearest, ties to even, as torch does, and gives the bits back
 * that were widened, also those of NaN.
 */

/** float16 to float32. */
export function widenFloat16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < bits.length; i++) bits[i] = bitsOfFloat16(halves[i]!);
  return new Float32Array(bits.buffer);
}

/** bfloat16, the upper half of a float32, to float32. */
export function widenBfloat16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < bits.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}

/** float32 to float16. */
export function narrowFloat16({ buffer, byteOffset, length }: Float32Array): Uint16Array {
  const bits = new Uint32Array(buffer, byteOffset, length);
  const halves = new Uint16Array(length);
  for (let i = 0; i < length; i++) halves[i] = float16Of(bits[i]!);
  return halves;
}

/** float32 to bfloat16. */
export function narrowBfloat16({ buffer, byteOffset, length }: Float32Array): Uint16Array {
  const bits = new Uint32Array(buffer, byteOffset, length);
  const halves = new Uint16Array(length);
  for (let i = 0; i < length; i++) halves[i] = bfloat16Of(bits[i]!);
  return halves;
}

const INFINITY = 0x7f800000;

function bitsOfFloat16(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  let fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | INFINITY | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // A subnormal half is a normal float: shift its leading one into the implied place.
  const shift = Math.clz32(fraction) - 21;
  fraction = (fraction << shift) & 0x3ff;
  return sign | ((113 - shift) << 23) | (fraction << 13);
}

/** The first float that rounds to infinity, 65520, and the first that is a normal half, 2^-14. */
const OVERFLOW = 0x477ff000;
const NORMAL = 0x38800000;

function float16Of(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  // A NaN whose upper bits are all zero must not become an infinity.
  if (magnitude > INFINITY) return sign | 0x7c00 | ((magnitude >>> 13) & 0x3ff || 0x200);
  if (magnitude >= OVERFLOW) return sign | 0x7c00;
  if (magnitude >= NORMAL) {
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  }
  const shift = 126 - (magnitude >>> 23);
  // Less than half of the smallest half.
  if (shift > 24) return sign;
  const fraction = (magnitude & 0x7fffff) | 0x800000;
  const whole = fraction >>> shift;
  const rest = fraction & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  return sign | (whole + (rest > middle || (rest === middle && (whole & 1) === 1) ? 1 : 0));
}

function bfloat16Of(bits: number): number {
  const upper = bits >>> 16;
  if ((bits & 0x7fffffff) > INFINITY) return (upper & 0x7f) === 0 ? upper | 0x40 : upper;
  return (bits + 0x7fff + (upper & 1)) >>> 16;
}
