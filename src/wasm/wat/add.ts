import { advance, locals, params, relu, whileBelow } from './text';

const SUM = '(f32x4.add (v128.load (local.get $a)) (v128.load (local.get $b)))';

/** What is no number becomes `min`, as in tfjs's ReLU6. */
const CLAMPED = `(f32x4.pmin (local.get $high) (f32x4.pmax (local.get $low) ${SUM}))`;

/** Four floats at a time, up to `end` in `a`: all addresses are multiples of 16, and so is what lies between. */
function loop(value: string): string {
  return whileBelow(
    'fours',
    'a',
    'end',
    `(v128.store (local.get $y) ${value})
    ${['a', 'b', 'y'].map((name) => advance(name, '(i32.const 16)')).join('\n')}`,
  );
}

/** Adds floats, `y = a + b`, and the same with a ReLU, and clamped. */
export const ADD: string = `(func (export "add") ${params('i32', 'a', 'end', 'b', 'y')} ${loop(SUM)})
(func (export "addRelu") ${params('i32', 'a', 'end', 'b', 'y')} ${loop(relu(SUM))})
(func (export "addClamped") ${params('i32', 'a', 'end', 'b', 'y')} ${params('f32', 'min', 'max')}
  ${locals('v128', 'low', 'high')}
  (local.set $low (f32x4.splat (local.get $min)))
  (local.set $high (f32x4.splat (local.get $max)))
  ${loop(CLAMPED)})`;
