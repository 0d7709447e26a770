const f = Math.fround;

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
