import { advance, params, repeat, whileBelow } from './text';

/** Four of the sixteen bytes in $m, 0 or −1, as words. */
function words(quarter: number): string {
  const half = quarter < 2 ? 'low' : 'high';
  const part = quarter % 2 === 0 ? 'low' : 'high';
  return `(i32x4.extend_${part}_i16x8_s (i16x8.extend_${half}_i8x16_s (local.get $m)))`;
}

/**
 * Returns 0 if floats are +0 wherever the bytes of a mask, 0 or 1, are 0; else 1. Sixteen at a time; `maskEnd` is where the mask
 * ends.
 */
export const REVIVED: string = `(func (export "revived") ${params('i32', 'x', 'mask', 'maskEnd')} (result i32) (local $m v128) (local $any v128)
  ${whileBelow(
    'bytes',
    'mask',
    'maskEnd',
    `(local.set $m (i8x16.sub (v128.load align=1 (local.get $mask)) (v128.const i8x16 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1)))
    ${repeat(4, (i) => `(local.set $any (v128.or (local.get $any) (v128.and (v128.load offset=${16 * i} align=4 (local.get $x)) ${words(i)})))`)}
    ${advance('x', '(i32.const 64)')}
    ${advance('mask', '(i32.const 16)')}`,
  )}
  (v128.any_true (local.get $any)))`;
