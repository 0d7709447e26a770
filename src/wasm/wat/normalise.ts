import { advance, locals, params, whileBelow } from './text';

/** `(x − mean) · factor + offset` for four channels, or for one. */
function normalised(load: string, type: 'f32x4' | 'f32'): string {
  const at = (name: string): string => `(${load} (i32.add (local.get $${name}) (local.get $c)))`;
  return `(${type}.add (${type}.mul (${type}.sub (${load} (local.get $src)) ${at('mean')}) ${at('factor')}) ${at('offset')})`;
}

function step(bytes: number): string {
  return ['src', 'dst', 'c'].map((name) => advance(name, `(i32.const ${bytes})`)).join('\n');
}

/**
 * Normalises every channel of NHWC pixels, `dst = (src − mean) · factor + offset`. Sizes are in bytes: `bytes` of all
 * pixels, `channels` of one.
 */
export const NORMALISE: string = `(func (export "normalise") ${params('i32', 'src', 'dst', 'bytes', 'channels', 'mean', 'factor', 'offset')}
  ${locals('i32', 'end', 'c', 'fours')}
  (local.set $end (i32.add (local.get $src) (local.get $bytes)))
  (local.set $fours (i32.and (local.get $channels) (i32.const -16)))
  ${whileBelow(
    'pixels',
    'src',
    'end',
    `(local.set $c (i32.const 0))
    ${whileBelow('fours', 'c', 'fours', `(v128.store align=4 (local.get $dst) ${normalised('v128.load align=4', 'f32x4')}) ${step(16)}`)}
    ${whileBelow('ones', 'c', 'channels', `(f32.store (local.get $dst) ${normalised('f32.load', 'f32')}) ${step(4)}`)}`,
  )})`;
