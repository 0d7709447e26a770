import { advance, locals, params, whileBelow } from './text';

const splat = (value: string): string => `(i32x4.splat ${value})`;

/** Gives each of the tied among four keys the next number, and notes down its place. */
const NUMBER_TIED = `(local.set $bits (i32x4.bitmask (local.get $tied4)))
  (block $numbered (loop $number
    (br_if $numbered (i32.eqz (local.get $bits)))
    (local.set $p (i32.add (local.get $keys) (i32.shl (i32.ctz (local.get $bits)) (i32.const 2))))
    (i32.store (local.get $p) (local.get $next))
    (i32.store (local.get $to) (i32.shr_u (i32.sub (local.get $p) (local.get $start)) (i32.const 2)))
    ${advance('next', '(i32.const 1)')}
    ${advance('to', '(i32.const 4)')}
    (local.set $bits (i32.and (local.get $bits) (i32.sub (local.get $bits) (i32.const 1))))
    (br $number)))`;

/**
 * Turns floats, or keys, from `keys` to `end`, four at a time, into keys less `bias` of which those equal to `threshold` are
 * numbered from `threshold` less `bias` on, and those above are moved up by `more`, as `takenOfTied` of masks/ties.ts does. The
 * places of the numbered ones are written from `list` on. Returns how many they are.
 */
export const NUMBER_KEYS: string = `(func (export "numberKeys") ${params('i32', 'keys', 'end', 'threshold', 'bias', 'more', 'list')} (result i32)
  ${locals('i32', 'start', 'to', 'next', 'bits', 'p')}
  ${locals('v128', 'magnitude', 'nan', 'threshold4', 'bias4', 'more4', 'key', 'tied4')}
  (local.set $magnitude ${splat('(i32.const 0x7fffffff)')})
  (local.set $nan ${splat('(i32.const 0x7f800001)')})
  (local.set $threshold4 ${splat('(local.get $threshold)')})
  (local.set $bias4 ${splat('(local.get $bias)')})
  (local.set $more4 ${splat('(local.get $more)')})
  (local.set $start (local.get $keys))
  (local.set $to (local.get $list))
  (local.set $next (i32.sub (local.get $threshold) (local.get $bias)))
  ${whileBelow(
    'keys',
    'keys',
    'end',
    `(local.set $key (i32x4.min_u
      (v128.and (v128.load align=4 (local.get $keys)) (local.get $magnitude))
      (local.get $nan)))
    (local.set $tied4 (i32x4.eq (local.get $key) (local.get $threshold4)))
    (v128.store align=4 (local.get $keys) (i32x4.add
      (i32x4.sub (local.get $key) (local.get $bias4))
      (v128.and (i32x4.gt_s (local.get $key) (local.get $threshold4)) (local.get $more4))))
    (if (v128.any_true (local.get $tied4)) (then ${NUMBER_TIED}))
    ${advance('keys', '(i32.const 16)')}`,
  )}
  (i32.shr_u (i32.sub (local.get $to) (local.get $list)) (i32.const 2)))`;
