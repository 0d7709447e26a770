import { advance, locals, params, whileBelow } from './text';

const PARAMETERS = params('i32', 'x', 'dy', 'end', 'rowBytes', 'mean', 'sums', 'products');

/**
 * Adds `dy` and `dy · (x − mean)` of every channel to `sums` and `products`. The channels must be a multiple of four; `end` is
 * where `dy` ends.
 */
export const CHANNEL_SUMS: string = `(func (export "channelSums") ${PARAMETERS}
  ${locals('i32', 'c')} ${locals('v128', 'd')}
  ${whileBelow(
    'rows',
    'dy',
    'end',
    `(local.set $c (i32.const 0))
    ${whileBelow(
      'channels',
      'c',
      'rowBytes',
      `(local.set $d (v128.load align=4 (local.get $dy)))
      (v128.store align=4 (i32.add (local.get $sums) (local.get $c)) (f32x4.add (v128.load align=4 (i32.add (local.get $sums) (local.get $c))) (local.get $d)))
      (v128.store align=4 (i32.add (local.get $products) (local.get $c)) (f32x4.add (v128.load align=4 (i32.add (local.get $products) (local.get $c)))
        (f32x4.mul (local.get $d) (f32x4.sub (v128.load align=4 (local.get $x)) (v128.load align=4 (i32.add (local.get $mean) (local.get $c)))))))
      ${advance('x', '(i32.const 16)')}
      ${advance('dy', '(i32.const 16)')}
      ${advance('c', '(i32.const 16)')}`,
    )}`,
  )})`;
