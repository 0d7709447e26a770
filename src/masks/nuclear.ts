import { PruneError } from '../errors';

const PRECISION = 2 ** -52;
const MOST_SWEEPS = 60;

/**
 * The nuclear norm of a matrix: the sum of its singular values, by one-sided Jacobi rotations (Hestenes 1958) in double
 * precision.
 *
 * @param matrix Its entries, in row-major order.
 * @param rows Number of rows.
 * @param columns Number of columns.
 * @returns The norm.
 * @throws {@link PruneError} `argument` if an entry is not finite.
 * @example
 * ```ts
 * nuclearNorm(Float32Array.of(3, 0, 0, -4), 2, 2); // 7
 * ```
 */
export function nuclearNorm(matrix: Float32Array, rows: number, columns: number): number {
  const bad = matrix.findIndex((entry) => !Number.isFinite(entry));
  if (bad >= 0) {
    throw new PruneError('argument', `The norm 'nuc' needs finite numbers, but got ${matrix[bad]}.`, {
      given: matrix[bad],
      allowed: 'finite numbers',
    });
  }
  const vectors = fewestVectors(matrix, rows, columns);
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) if (!orthogonalise(vectors)) break;
  return vectors.reduce((sum, vector) => sum + Math.sqrt(dot(vector, vector)), 0);
}

/** The rows or the columns, whichever are fewer: the singular values are the same. */
function fewestVectors(matrix: Float32Array, rows: number, columns: number): Float64Array[] {
  if (rows <= columns) {
    return Array.from({ length: rows }, (_, r) =>
      Float64Array.from(matrix.subarray(r * columns, (r + 1) * columns)),
    );
  }
  return Array.from({ length: columns }, (_, c) =>
    Float64Array.from({ length: rows }, (_, r) => matrix[r * columns + c]!),
  );
}

/** Turns every pair of vectors until they are orthogonal; false once all were. */
function orthogonalise(vectors: readonly Float64Array[]): boolean {
  let turned = false;
  for (let i = 0; i < vectors.length; i++) {
    for (let j = i + 1; j < vectors.length; j++) turned = rotate(vectors[i]!, vectors[j]!) || turned;
  }
  return turned;
}

function rotate(a: Float64Array, b: Float64Array): boolean {
  const aa = dot(a, a);
  const bb = dot(b, b);
  const ab = dot(a, b);
  if (Math.abs(ab) <= PRECISION * Math.sqrt(aa * bb)) return false;
  const zeta = (bb - aa) / (2 * ab);
  const tangent = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
  const cosine = 1 / Math.hypot(1, tangent);
  const sine = cosine * tangent;
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!;
    const y = b[i]!;
    a[i] = cosine * x - sine * y;
    b[i] = sine * x + cosine * y;
  }
  return true;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
