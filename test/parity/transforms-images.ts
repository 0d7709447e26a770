/** An image of the fixtures: see generate/transforms.py. */
export interface ImageSpec {
  readonly width: number;
  readonly height: number;
  readonly form: string;
  readonly seed: number;
}

/** What PIL and torchvision are asked to do to an image, and what came out. */
export interface TransformCase {
  readonly name: string;
  readonly image: ImageSpec;
  readonly options: {
    readonly resize: number;
    readonly crop: number;
    readonly interpolation: 'bilinear' | 'bicubic';
    readonly mean?: [number, number, number];
    readonly std?: [number, number, number];
  };
  readonly resized: readonly [width: number, height: number];
  readonly pixels: Written;
  readonly output: Written;
}

/** Bytes, or the hash of many. */
export type Written = { readonly base64: string } | { readonly sha256: string };

function finaliser(i: number): number {
  let h = i;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

const FORMS: Record<string, (i: number, width: number, seed: number) => number> = {
  noise: (i, _, seed) => finaliser(i + Math.imul(seed, 0x9e3779b1)) >>> 24,
  edges: (i, _, seed) => (finaliser(i + Math.imul(seed, 0x9e3779b1)) >>> 31) * 255,
  ramp: (i, width) => {
    const pixel = Math.floor(i / 3);
    return (pixel % width) + 2 * Math.floor(pixel / width) + 85 * (i % 3);
  },
};

/** The RGB bytes that a spec of the fixtures stands for. */
export function imageOf({ width, height, form, seed }: ImageSpec): Uint8Array {
  const level = FORMS[form];
  if (level === undefined) throw new Error(`no form '${form}'`);
  return Uint8Array.from({ length: width * height * 3 }, (_, i) => level(i, width, seed));
}

/** Bytes as the fixtures write them. */
export async function written(
  values: Uint8Array | Uint8ClampedArray | Float32Array,
  like: Written,
): Promise<Written> {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
  if ('base64' in like) return { base64: btoa(String.fromCharCode(...bytes)) };
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return { sha256: Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('') };
}
