/** Batch normalisation as arithmetic: in inference each channel is scaled and shifted. */
import { peek } from '../core/memory';
import { slotsOf } from '../core/parameter';

/** scale × x + shift, for each channel. */
export interface Affine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/**
 * What a batch normalisation computes: γ (x − mean) / √(variance + ε) + β.
 *
 * @param layer A built BatchNormalization.
 * @param epsilon Its ε.
 */
export function affineOf(layer: object, epsilon: number): Affine {
  const values = new Map(
    slotsOf(layer).flatMap(({ property, variable }) =>
      variable === undefined ? [] : [[property, peek(variable)]],
    ),
  );
  const [gamma, beta] = [values.get('gamma'), values.get('beta')];
  const [mean, variance] = [values.get('movingMean')!, values.get('movingVariance')!];
  const scale = Float64Array.from(variance, (value, i) => (gamma?.[i] ?? 1) / Math.sqrt(value + epsilon));
  const shift = Float64Array.from(mean, (value, i) => (beta?.[i] ?? 0) - value * scale[i]!);
  return { scale, shift };
}

/**
 * @param first What is done first; undefined for nothing.
 * @param then What is done to its result.
 * @returns Both at once.
 */
export function composed(first: Affine | undefined, then: Affine): Affine {
  if (first === undefined) return then;
  const scale = first.scale.map((value, i) => value * then.scale[i]!);
  const shift = first.shift.map((value, i) => value * then.scale[i]! + then.shift[i]!);
  return { scale, shift };
}

/** Whether all of it are numbers that a float32 holds. */
export function isFiniteAffine({ scale, shift }: Affine): boolean {
  const fits = (value: number): boolean => Number.isFinite(Math.fround(value));
  return scale.every(fits) && shift.every(fits);
}

/**
 * A kernel that gives scaled outputs. Each product is rounded once, and zeros stay +0.
 *
 * @param kernel The kernel, of as many elements as `scaled`, which may be the same array.
 * @param scale A factor for each output channel.
 * @param run How many elements in a row belong to one output channel; then the next channel's follow.
 * @param scaled Where it goes.
 */
export function scaleKernel(
  kernel: Float32Array,
  scale: Float64Array,
  run: number,
  scaled: Float32Array,
): void {
  for (let i = 0; i < kernel.length; ) {
    for (let channel = 0; channel < scale.length; channel++) {
      const factor = scale[channel]!;
      // −0 + 0 is +0.
      for (const end = i + run; i < end; i++) scaled[i] = kernel[i]! * factor + 0;
    }
  }
}

/**
 * The bias of a layer that does what an affine function does to its outputs.
 *
 * @param bias The layer's own; undefined where it has none.
 * @param affine The function.
 * @param result Where it goes.
 */
export function transformBias(
  bias: Float32Array | undefined,
  { scale, shift }: Affine,
  result: Float32Array,
): void {
  for (let i = 0; i < result.length; i++) result[i] = (bias?.[i] ?? 0) * scale[i]! + shift[i]!;
}
