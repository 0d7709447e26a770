/** Pieces of WebAssembly's text format that the templates are put together from. */

/**
 * Repeats a piece for the numbers from 0 on.
 *
 * @param count How often.
 * @param piece The text for a number.
 */
export function repeat(count: number, piece: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => piece(i)).join('\n');
}

/**
 * Declares the locals of a function.
 *
 * @param type i32, f32 or v128.
 * @param names Without the `$`.
 */
export function locals(type: 'i32' | 'f32' | 'v128', ...names: readonly string[]): string {
  return names.map((name) => `(local $${name} ${type})`).join(' ');
}

/**
 * Declares the parameters of a function.
 *
 * @param type i32, f32 or v128.
 * @param names Without the `$`.
 */
export function params(type: 'i32' | 'f32' | 'v128', ...names: readonly string[]): string {
  return names.map((name) => `(param $${name} ${type})`).join(' ');
}

/**
 * Adds to a local of type i32.
 *
 * @param name The local.
 * @param amount What is added, an expression.
 */
export function advance(name: string, amount: string): string {
  return `(local.set $${name} (i32.add (local.get $${name}) ${amount}))`;
}

/**
 * A loop that runs while one local is below another.
 *
 * @param label A name of its own inside the function.
 * @param name The local that counts, unsigned.
 * @param end The local that it stays below.
 * @param body What it does; it must change the local that counts.
 */
export function whileBelow(label: string, name: string, end: string, body: string): string {
  return `(block $${label}.end
    (loop $${label}
      (br_if $${label}.end (i32.ge_u (local.get $${name}) (local.get $${end})))
      ${body}
      (br $${label})))`;
}

/** How a product is added: rounded before and after, or, where the engine can, only after. */
export type Rounding = 'exact' | 'relaxed';

/**
 * Adds products of four lanes to a sum.
 *
 * @param sum The local that holds it.
 * @param a The one factor, an expression.
 * @param b The other.
 * @param rounding `relaxed` needs an engine with relaxed SIMD.
 */
export function addProduct(sum: string, a: string, b: string, rounding: Rounding): string {
  const value =
    rounding === 'exact'
      ? `(f32x4.add (local.get $${sum}) (f32x4.mul ${a} ${b}))`
      : `(f32x4.relaxed_madd ${a} ${b} (local.get $${sum}))`;
  return `(local.set $${sum} ${value})`;
}

/**
 * tfjs's ReLU, which takes the bits of floats for whole numbers: what is no number stays so only without a sign.
 *
 * @param value Four floats, an expression.
 */
export function relu(value: string): string {
  return `(i32x4.max_s ${value} (i32x4.splat (i32.const 0)))`;
}
