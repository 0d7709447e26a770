import { advance, locals, params, whileBelow } from './text';

/**
 * A row of pixels of a depthwise convolution's output and those that they meet at one tap; `step` is how many bytes those are
 * apart. A pixel is `bytes` long, a multiple of 16; `dyEnd` is where the output's end.
 */
const PARAMETERS = ['x', 'step', 'dy', 'dyEnd', 'bytes', 'tap'];

const eachChannel = (body: string): string => `${locals('i32', 'c', 'p', 'w')}
  ${whileBelow(
    'pixels',
    'dy',
    'dyEnd',
    `(local.set $c (i32.add (local.get $dy) (local.get $bytes)))
    (local.set $p (local.get $x))
    (local.set $w (local.get $tap))
    ${whileBelow('channels', 'dy', 'c', `${body} ${['dy', 'p', 'w'].map((name) => advance(name, '(i32.const 16)')).join(' ')}`)}
    ${advance('x', '(local.get $step)')}`,
  )}`;

const load = (name: string): string => `(v128.load align=4 (local.get $${name}))`;

const multiplyAdd = (sum: string, a: string, b: string): string =>
  `(v128.store align=4 (local.get $${sum}) (f32x4.add ${load(sum)} (f32x4.mul ${load(a)} ${load(b)})))`;

/** `tap[channel] += Σ x[pixel][channel] · dy[pixel][channel]` */
export const DEPTHWISE_FILTER: string = `(func (export "depthwiseFilter") ${params('i32', ...PARAMETERS)} ${eachChannel(multiplyAdd('w', 'p', 'dy'))})`;

/** `x[pixel][channel] += tap[channel] · dy[pixel][channel]` */
export const DEPTHWISE_INPUT: string = `(func (export "depthwiseInput") ${params('i32', ...PARAMETERS)} ${eachChannel(multiplyAdd('p', 'w', 'dy'))})`;
