import { advance, locals, params, whileBelow } from './text';

/** Bytes of the 624 words of the Mersenne Twister, of the 397 that a word is mixed with, and of the rest. */
const STATE = 624 * 4;
const SHIFT = 397 * 4;
const BACK = STATE - SHIFT;

/** Where the words of the second loop begin: behind as many steps of four as the first one needs. */
const SECOND = Math.ceil(BACK / 16) * 16;

const splat = (word: string): string => `(i32x4.splat (i32.const ${word}))`;
const load = (offset: number): string => `(v128.load offset=${offset} align=4 (local.get $s))`;

/** Turns four words and draws from them; `here` and `with` are how far from $s the words and their partners are. */
function turnFour(here: number, partner: number): string {
  return `(local.set $next ${load(here + 4)})
    (local.set $y (i32x4.shr_u
      (v128.bitselect ${load(here)} (local.get $next) ${splat('0x80000000')})
      (i32.const 1)))
    (local.set $y (v128.xor
      (v128.xor ${load(partner)} (local.get $y))
      (v128.and (i32x4.neg (v128.and (local.get $next) ${splat('1')})) ${splat('0x9908b0df')})))
    (v128.store offset=${here} align=4 (local.get $s) (local.get $y))
    ${temper('shr_u', 11)}
    ${temper('shl', 7, '0x9d2c5680')}
    ${temper('shl', 15, '0xefc60000')}
    ${temper('shr_u', 18)}
    (v128.store align=4 (local.get $out) (v128.and (local.get $y) ${splat('0xffffff')}))
    ${advance('out', '(i32.const 16)')}
    ${advance('s', '(i32.const 16)')}`;
}

function temper(shift: 'shl' | 'shr_u', by: number, mask?: string): string {
  const shifted = `(i32x4.${shift} (local.get $y) (i32.const ${by}))`;
  const masked = mask === undefined ? shifted : `(v128.and ${shifted} ${splat(mask)})`;
  return `(local.set $y (v128.xor (local.get $y) ${masked}))`;
}

/**
 * Draws 24 bits from every word of whole turns of the Mersenne Twister, until `end`. The 624 words from `state` on have
 * room for one more behind them, where the first is put once it is turned: the last words are mixed with it.
 */
export const DRAW_TURNS: string = `(func (export "drawTurns") ${params('i32', 'state', 'out', 'end')}
  ${locals('i32', 's', 'until')} ${locals('v128', 'next', 'y')}
  ${whileBelow(
    'turns',
    'out',
    'end',
    `(local.set $s (local.get $state))
    (local.set $until (i32.add (local.get $state) (i32.const ${SECOND})))
    ${whileBelow(
      'first',
      's',
      'until',
      `${turnFour(0, SHIFT)}
      (i32.store offset=${STATE} (local.get $state) (i32.load (local.get $state)))`,
    )}
    (local.set $s (i32.sub (local.get $s) (i32.const ${BACK})))
    (local.set $until (i32.add (local.get $state) (i32.const ${STATE - BACK})))
    ${whileBelow('second', 's', 'until', turnFour(BACK, 0))}`,
  )})`;
