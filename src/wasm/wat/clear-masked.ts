import { advance, params, repeat, whileBelow } from './text';

/** Four of the sixteen mask bytes in $m as words of all bits where they are 1. */
function words(quarter: number): string {
  const half = quarter < 2 ? 'low' : 'high';
  const part = quarter % 2 === 0 ? 'low' : 'high';
  return `(i32x4.neg (i32x4.extend_${part}_i16x8_u (i16x8.extend_${half}_i8x16_u (local.get $m))))`;
}

/** Sets floats to zero where the bytes of a mask, 0 or 1, are 0; sixteen at a time. `maskEnd` is where the mask ends. */
export const CLEAR_MASKED: string = `(func (export "clearMasked") ${params('i32', 'x', 'mask', 'maskEnd')} (local $m v128)
  ${whileBelow(
    'bytes',
    'mask',
    'maskEnd',
    `(local.set $m (v128.load (local.get $mask)))
    ${repeat(4, (i) => `(v128.store offset=${16 * i} align=4 (local.get $x) (v128.and (v128.load offset=${16 * i} align=4 (local.get $x)) ${words(i)}))`)}
    ${advance('x', '(i32.const 64)')}
    ${advance('mask', '(i32.const 16)')}`,
  )})`;
