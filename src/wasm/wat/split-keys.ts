import { advance, locals, params, repeat, whileBelow } from './text';

/** The key of every NaN, as in masks/select.ts. */
const NAN_KEY = '0x7f800001';

function splat(value: string): string {
  return `(i32x4.splat ${value})`;
}

/** Loads four keys, and says in words of all bits or none which are above the bracket and which inside. */
function compareFour(quarter: number): string {
  return `(local.set $key (i32x4.min_u
      (v128.and (v128.load offset=${16 * quarter} align=4 (local.get $x)) (local.get $magnitude))
      (local.get $nan)))
    (local.set $above${quarter} (i32x4.gt_s (local.get $key) (local.get $high4)))
    (local.set $inside${quarter} (v128.andnot (i32x4.ge_s (local.get $key) (local.get $low4)) (local.get $above${quarter})))`;
}

/** Sixteen bytes of all bits or none from four times four words. */
function bytesOf(name: string): string {
  const half = (first: number): string =>
    `(i16x8.narrow_i32x4_s (local.get $${name}${first}) (local.get $${name}${first + 1}))`;
  return `(i8x16.narrow_i16x8_s ${half(0)} ${half(2)})`;
}

const LIST_INSIDE = `(local.set $bits (i8x16.bitmask ${bytesOf('inside')}))
  (block $listed (loop $list
    (br_if $listed (i32.eqz (local.get $bits)))
    (i32.store (local.get $to) (i32.add (local.get $place) (i32.ctz (local.get $bits))))
    ${advance('to', '(i32.const 4)')}
    (local.set $bits (i32.and (local.get $bits) (i32.sub (local.get $bits) (i32.const 1))))
    (br $list)))`;

/**
 * Splits the floats from `x` to `end`, sixteen at a time, at a bracket of keys: the bytes from `mask` on become 1 where a
 * key is above it and 0 elsewhere; the places of the keys inside are written from `list` on. Returns how many are above
 * and how many inside.
 */
export const SPLIT_KEYS: string = `(func (export "splitKeys") ${params('i32', 'x', 'end', 'low', 'high', 'mask', 'list')} (result i32 i32)
  ${locals('i32', 'place', 'bits', 'to', 'above')}
  ${locals('v128', 'magnitude', 'nan', 'low4', 'high4', 'key', 'bytes')}
  ${locals('v128', ...['above', 'inside'].flatMap((name) => [0, 1, 2, 3].map((i) => `${name}${i}`)))}
  (local.set $magnitude ${splat('(i32.const 0x7fffffff)')})
  (local.set $nan ${splat(`(i32.const ${NAN_KEY})`)})
  (local.set $low4 ${splat('(local.get $low)')})
  (local.set $high4 ${splat('(local.get $high)')})
  (local.set $to (local.get $list))
  ${whileBelow(
    'keys',
    'x',
    'end',
    `${repeat(4, compareFour)}
    (local.set $bytes ${bytesOf('above')})
    (local.set $above (i32.add (local.get $above) (i32.popcnt (i8x16.bitmask (local.get $bytes)))))
    (v128.store align=1 (local.get $mask) (i8x16.neg (local.get $bytes)))
    (if (v128.any_true (v128.or
        (v128.or (local.get $inside0) (local.get $inside1))
        (v128.or (local.get $inside2) (local.get $inside3))))
      (then ${LIST_INSIDE}))
    ${advance('x', '(i32.const 64)')}
    ${advance('mask', '(i32.const 16)')}
    ${advance('place', '(i32.const 16)')}`,
  )}
  (local.get $above)
  (i32.shr_u (i32.sub (local.get $to) (local.get $list)) (i32.const 2)))`;
