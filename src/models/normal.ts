/**
 * Normally distributed numbers, as torch draws them on a processor with AVX2 or better: Box-Muller over blocks of
 * sixteen uniform numbers, with the logarithm, sine and cosine of the Cephes library in fused float32 arithmetic.
 */
import type { Generator } from '../masks/generator';

const f = Math.fround;

/** Box-Muller takes numbers j and j + 8 of a block as a pair. */
const BLOCK = 16;
const HALF = BLOCK / 2;
const BLOCKS_AT_A_TIME = 64;
const PAIRS = BLOCKS_AT_A_TIME * HALF;

const SQRT_HALF = f(Math.SQRT1_2);
const LN2_HIGH = 0.693359375;
const LN2_LOW = f(-2.1219444e-4);
const LOG = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
].map(f);

const TWO_PI = f(2 * Math.PI);
const FOUR_OVER_PI = f(1.27323954473516);
/** π/4 in three pieces, so that multiples of the first two are exact. */
const PI_4_HIGH = 0.78515625;
const PI_4_MIDDLE = f(2.4187564849853516e-4);
const PI_4_LOW = f(3.774894977445941e-8);
const COS = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2].map(f);
const SIN = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1].map(f);

/**
 * Room for the pairs that are worked on at a time. Each step of the formulas goes over all of them before the next
 * one: short loops with few calls of `fma` are compiled several times better than a long one with many.
 */
class Pairs {
  readonly draws = new Uint32Array(PAIRS * 2);
  /** 1 − u₁, then the radius √(−2 ln(1 − u₁)). */
  readonly radius = new Float32Array(PAIRS);
  /** 2π u₂, then its cosine. */
  readonly cosine = new Float32Array(PAIRS);
  readonly sine = new Float32Array(PAIRS);
  readonly argument = new Float32Array(PAIRS);
  readonly squared = new Float32Array(PAIRS);
  readonly whole = new Int32Array(PAIRS);
  readonly bits = new Uint32Array(this.radius.buffer);
}

/**
 * Fills an array as `tensor.normal_(mean, std)` does.
 *
 * @param generator Where the random numbers come from.
 * @param into The array to fill, in torch's row-major order.
 * @param mean The mean.
 * @param std The standard deviation.
 * @returns `into`.
 */
export function normal(generator: Generator, into: Float32Array, mean: number, std: number): Float32Array {
  if (into.length < BLOCK) {
    for (let i = 0; i < into.length; i++) into[i] = normalDouble(generator) * std + mean;
    return into;
  }
  const pairs = new Pairs();
  const rest = into.length % BLOCK;
  const whole = into.length - rest;
  for (let at = 0; at < whole; at += PAIRS * 2) {
    transform(generator, pairs, into.subarray(at, Math.min(at + PAIRS * 2, whole)), f(mean), f(std));
  }
  if (rest !== 0) {
    // torch draws for the incomplete block too, but then fills the last sixteen places anew.
    generator.fillRand24(pairs.draws, rest);
    transform(generator, pairs, into.subarray(into.length - BLOCK), f(mean), f(std));
  }
  return into;
}

/** One number in double precision; the second of its pair is kept in the generator for the next call. */
function normalDouble(generator: Generator): number {
  const cached = generator.cachedNormal;
  if (cached !== undefined) {
    generator.cachedNormal = undefined;
    return cached;
  }
  const angle = 2 * Math.PI * generator.u53();
  const radius = Math.sqrt(-2 * Math.log1p(-generator.u53()));
  generator.cachedNormal = radius * Math.sin(angle);
  return radius * Math.cos(angle);
}

function transform(generator: Generator, pairs: Pairs, into: Float32Array, mean: number, std: number): void {
  const count = into.length / 2;
  draw(generator, pairs, count);
  radii(pairs, count);
  sinesAndCosines(pairs, count);
  combine(pairs, into, count, mean, std);
}

function draw(generator: Generator, { draws, radius, cosine }: Pairs, count: number): void {
  generator.fillRand24(draws, 2 * count);
  for (let i = 0; i < count; i++) {
    const first = i + (i & ~(HALF - 1));
    radius[i] = 1 - draws[first]! * 2 ** -24;
    cosine[i] = TWO_PI * (draws[first + HALF]! * 2 ** -24);
  }
}

function combine(
  { radius, cosine, sine }: Pairs,
  into: Float32Array,
  count: number,
  mean: number,
  std: number,
): void {
  for (let i = 0; i < count; i++) {
    const first = i + (i & ~(HALF - 1));
    const length = radius[i]!;
    into[first] = fma(f(length * cosine[i]!), std, mean);
    into[first + HALF] = fma(f(length * sine[i]!), std, mean);
  }
}

/** Turns each u of `radius` into √(−2 ln u). */
function radii({ radius, bits, argument, whole, sine }: Pairs, count: number): void {
  for (let i = 0; i < count; i++) {
    whole[i] = (bits[i]! >>> 23) - 126;
    bits[i] = (bits[i]! & 0x007fffff) | 0x3f000000;
    const mantissa = radius[i]!;
    const below = f(mantissa - 1);
    if (mantissa < SQRT_HALF) {
      whole[i]! -= 1;
      argument[i] = below + mantissa;
    } else argument[i] = below;
  }
  const polynomial = sine;
  horner(LOG, argument, polynomial, count);
  for (let i = 0; i < count; i++) {
    const x = argument[i]!;
    const exponent = whole[i]!;
    const z = f(x * x);
    const tail = fma(-z, 0.5, fma(f(polynomial[i]! * x), z, f(exponent * LN2_LOW)));
    radius[i] = Math.sqrt(f(-2 * fma(exponent, LN2_HIGH, f(x + tail))));
  }
}

/** Turns each angle of `cosine`, in [0, 2π], into its cosine, and sets `sine`. */
function sinesAndCosines({ cosine, sine, argument, squared, whole }: Pairs, count: number): void {
  for (let i = 0; i < count; i++) {
    const angle = cosine[i]!;
    const octant = (Math.trunc(f(angle * FOUR_OVER_PI)) + 1) & ~1;
    const t = fma(octant, -PI_4_LOW, fma(octant, -PI_4_MIDDLE, fma(octant, -PI_4_HIGH, angle)));
    whole[i] = octant;
    argument[i] = t;
    squared[i] = t * t;
  }
  horner(COS, squared, cosine, count);
  horner(SIN, squared, sine, count);
  for (let i = 0; i < count; i++) {
    const octant = whole[i]!;
    const t = argument[i]!;
    const z = squared[i]!;
    const cos = f(fma(f(cosine[i]! * z), z, -f(z * 0.5)) + 1);
    const sin = fma(f(sine[i]! * z), t, t);
    const isSwapped = (octant & 2) !== 0;
    const s = isSwapped ? cos : sin;
    const c = isSwapped ? sin : cos;
    sine[i] = (octant & 4) !== 0 ? -s : s;
    cosine[i] = (~(octant - 2) & 4) !== 0 ? -c : c;
  }
}

/** A polynomial of each x, the coefficient of the highest power first. */
function horner(coefficients: readonly number[], x: Float32Array, into: Float32Array, count: number): void {
  for (let i = 0; i < count; i++) {
    const at = x[i]!;
    let sum = coefficients[0]!;
    for (let k = 1; k < coefficients.length; k++) sum = fma(sum, at, coefficients[k]!);
    into[i] = sum;
  }
}

/**
 * a · b + c rounded once, to float32: the fused multiply-add of the processor, which JavaScript does not have.
 *
 * @param a A float32.
 * @param b A float32.
 * @param c A float32.
 * @returns The float32 nearest to a · b + c.
 */
export function fma(a: number, b: number, c: number): number {
  // The product of two floats is exact in double precision; the sum is rounded to double, then to float. The two
  // roundings give another float than one would only where the double lies half-way between two floats.
  const product = a * b;
  const sum = product + c;
  const rounded = f(sum);
  const other = sum + (sum - rounded);
  if (f(other) !== other || other === rounded) return rounded;
  return nearerOfTwo(product, c, sum, rounded, other);
}

/** Which of two floats a · b + c is nearer to, when its double is half-way: what rounding to double lost decides. */
function nearerOfTwo(product: number, c: number, sum: number, rounded: number, other: number): number {
  const part = sum - product;
  const lost = product - (sum - part) + (c - part);
  if (lost === 0) return rounded;
  return lost > 0 === other > rounded ? other : rounded;
}
