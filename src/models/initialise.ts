import type { Generator } from '../masks/generator';
import { normal } from './normal';

/** Which size of a weight keeps its variance: that of what comes in, or of what flows back. */
type FanMode = 'fan_in' | 'fan_out';

const DRAWS_AT_A_TIME = 4096;

/**
 * Fills an array as `tensor.uniform_(low, high)` does.
 *
 * @param generator Where the random numbers come from.
 * @param into The array to fill, in torch's row-major order.
 * @param low The lower bound.
 * @param high The upper bound.
 * @returns `into`.
 */
export function uniform(generator: Generator, into: Float32Array, low: number, high: number): Float32Array {
  const from = Math.fround(low);
  const range = Math.fround(Math.fround(high) - from);
  const draws = new Uint32Array(Math.min(DRAWS_AT_A_TIME, into.length));
  for (let at = 0; at < into.length; at += draws.length) {
    const count = Math.min(draws.length, into.length - at);
    generator.fillRand24(draws, count);
    for (let i = 0; i < count; i++) into[at + i] = draws[i]! * 2 ** -24 * range + from;
  }
  return into;
}

/**
 * Draws as many random numbers as {@link uniform} would, and drops them.
 *
 * @param generator Where the random numbers come from.
 * @param count How many.
 */
export function skipUniform(generator: Generator, count: number): void {
  const draws = new Uint32Array(Math.min(DRAWS_AT_A_TIME, count));
  for (let left = count; left > 0; left -= draws.length)
    generator.fillRand24(draws, Math.min(draws.length, left));
}

/**
 * How many inputs (or outputs) one output (or input) of a weight is connected to.
 *
 * @param shape The weight's shape in torch's layout, [out, in, …].
 * @param mode Which of the two.
 * @returns The number of connections.
 */
function fan(shape: readonly number[], mode: FanMode): number {
  const [out = 1, input = 1, ...kernel] = shape;
  return kernel.reduce((count, size) => count * size, mode === 'fan_in' ? input : out);
}

/**
 * Fills an array as `torch.nn.init.kaiming_uniform_(weight, a)` does, by default as the constructors of
 * `torch.nn.Conv2d` and `torch.nn.Linear` do (He et al. 2015, "Delving deep into rectifiers").
 *
 * @param generator Where the random numbers come from.
 * @param into The array to fill, in torch's row-major order.
 * @param shape The weight's shape in torch's layout, [out, in, …].
 * @param a The negative slope of the leaky ReLU that follows.
 * @param mode Which fan keeps its variance.
 * @returns `into`.
 */
export function kaimingUniform(
  generator: Generator,
  into: Float32Array,
  shape: readonly number[],
  a: number = Math.sqrt(5),
  mode: FanMode = 'fan_in',
): Float32Array {
  const std = Math.sqrt(2 / (1 + a ** 2)) / Math.sqrt(fan(shape, mode));
  const bound = Math.sqrt(3) * std;
  return uniform(generator, into, -bound, bound);
}

/**
 * Fills an array as `torch.nn.init.kaiming_normal_(weight, mode=mode, nonlinearity='relu')` does (He et al. 2015).
 *
 * @param generator Where the random numbers come from.
 * @param into The array to fill, in torch's row-major order.
 * @param shape The weight's shape in torch's layout, [out, in, …].
 * @param mode Which fan keeps its variance.
 * @returns `into`.
 */
export function kaimingNormal(
  generator: Generator,
  into: Float32Array,
  shape: readonly number[],
  mode: FanMode,
): Float32Array {
  return normal(generator, into, 0, Math.SQRT2 / Math.sqrt(fan(shape, mode)));
}

/**
 * Fills the bias of a `torch.nn.Conv2d` or `torch.nn.Linear` as its constructor does.
 *
 * @param generator Where the random numbers come from.
 * @param into The array to fill.
 * @param weightShape The shape of the layer's weight in torch's layout.
 * @returns `into`.
 */
export function defaultBias(
  generator: Generator,
  into: Float32Array,
  weightShape: readonly number[],
): Float32Array {
  const bound = 1 / Math.sqrt(fan(weightShape, 'fan_in'));
  return uniform(generator, into, -bound, bound);
}
