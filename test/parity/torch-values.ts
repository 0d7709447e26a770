import { createHash } from 'node:crypto';
import { Generator } from '../../src/masks/generator';

/** Values of the fixtures: see generate/masks.py. */
export interface Values {
  readonly seed: number;
  readonly form: string;
  readonly levels?: number;
}

const TRANSFORMS: Record<string, (w: number, levels: number, i: number, size: number) => number> = {
  uniform: (w) => w,
  cubed: (w) => Math.fround(w * w) * w,
  levels: (w, levels) => Math.floor(w * levels) / levels,
  mask: (w) => (w > 0 ? 1 : 0),
  organ: (_, levels, i, size) => Math.floor(Math.min(i, size - 1 - i) / levels),
};

/** The float32 values that a spec of the fixtures stands for, in torch's row-major order. */
export function torchValues(size: number, { seed, form, levels = 1 }: Values): Float32Array {
  const draws = new Uint32Array(size);
  new Generator(seed).fillRand24(draws);
  const transform = TRANSFORMS[form];
  if (transform === undefined) throw new Error(`no form '${form}'`);
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) values[i] = transform(draws[i]! * 2 ** -23 - 1, levels, i, size);
  return values;
}

/** A mask in torch's row-major order, written as the fixtures write it: packed, or hashed. */
export function written(mask: Uint8Array, like: string): string {
  if (like.startsWith('sha256:')) return `sha256:${createHash('sha256').update(mask).digest('hex')}`;
  const bytes = new Uint8Array(Math.ceil(mask.length / 8));
  for (let i = 0; i < mask.length; i++) bytes[i >> 3]! |= mask[i]! << (7 - (i & 7));
  return Buffer.from(bytes).toString('hex');
}
