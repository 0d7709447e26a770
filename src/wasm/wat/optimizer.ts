import { advance, locals, params, whileBelow } from './text';

/** Four floats at a time, or the one at a time that are left at the end. */
type Type = 'f32x4' | 'f32';

/** Writes a formula for one of both types. */
interface Lanes {
  /** A float of an array, which the formula's parameter points to the beginning of. */
  load(array: string): string;
  store(array: string, value: string): string;
  /** A parameter that is the same for all. */
  scalar(name: string): string;
  add(a: string, b: string): string;
  mul(a: string, b: string): string;
  div(a: string, b: string): string;
  sqrt(a: string): string;
  /** Keeps a value under a name of the formula's. */
  set(name: string, value: string): string;
  get(name: string): string;
}

function lanesOf(type: Type): Lanes {
  const isVector = type === 'f32x4';
  const at = (array: string): string => `(i32.add (local.get $${array}) (local.get $i))`;
  const own = (name: string): string => (isVector ? `${name}.4` : `${name}.1`);
  const operation =
    (name: string) =>
    (...operands: string[]): string =>
      `(${type}.${name} ${operands.join(' ')})`;
  return {
    load: (array) => (isVector ? `(v128.load align=4 ${at(array)})` : `(f32.load ${at(array)})`),
    store: (array, value) =>
      isVector ? `(v128.store align=4 ${at(array)} ${value})` : `(f32.store ${at(array)} ${value})`,
    scalar: (name) => `(local.get $${isVector ? own(name) : name})`,
    add: operation('add'),
    mul: operation('mul'),
    div: operation('div'),
    sqrt: operation('sqrt'),
    set: (name, value) => `(local.set $${own(name)} ${value})`,
    get: (name) => `(local.get $${own(name)})`,
  };
}

/** What an optimizer's step does to each weight. */
interface Update {
  readonly name: string;
  /** Addresses; the arrays of one name with and without `To` may be the same. */
  readonly arrays: readonly string[];
  readonly scalars: readonly string[];
  /** Names of the formula's own. */
  readonly values: readonly string[];
  readonly formula: (lanes: Lanes) => string;
}

function kernelOf({ name, arrays, scalars, values, formula }: Update): string {
  return `(func (export "${name}") ${params('i32', ...arrays, 'bytes')} ${params('f32', ...scalars)}
  ${locals('i32', 'i', 'whole')} ${locals('v128', ...[...values, ...scalars].map((each) => `${each}.4`))}
  ${locals('f32', ...values.map((each) => `${each}.1`))}
  ${scalars.map((each) => `(local.set $${each}.4 (f32x4.splat (local.get $${each})))`).join('\n')}
  (local.set $whole (i32.and (local.get $bytes) (i32.const -16)))
  ${whileBelow('vectors', 'i', 'whole', `${formula(lanesOf('f32x4'))} ${advance('i', '(i32.const 16)')}`)}
  ${whileBelow('rest', 'i', 'bytes', `${formula(lanesOf('f32'))} ${advance('i', '(i32.const 4)')}`)})`;
}

/** `to = c · gradient + from`; `c` is the negative learning rate. */
export const SGD: string = kernelOf({
  name: 'sgd',
  arrays: ['gradient', 'from', 'to'],
  scalars: ['c'],
  values: [],
  formula: ({ load, store, scalar, add, mul }) =>
    store('to', add(mul(scalar('c'), load('gradient')), load('from'))),
});

/** `mTo = momentum · m + gradient`, `to = c · mTo + from`. */
export const MOMENTUM: string = kernelOf({
  name: 'momentum',
  arrays: ['gradient', 'm', 'mTo', 'from', 'to'],
  scalars: ['c', 'momentum'],
  values: ['new'],
  formula: ({ load, store, scalar, add, mul, set, get }) =>
    [
      set('new', add(mul(scalar('momentum'), load('m')), load('gradient'))),
      store('mTo', get('new')),
      store('to', add(mul(scalar('c'), get('new')), load('from'))),
    ].join('\n'),
});

/** `mTo = momentum · m + gradient`, `to = c · (gradient + momentum · mTo) + from`. */
export const NESTEROV: string = kernelOf({
  name: 'nesterov',
  arrays: ['gradient', 'm', 'mTo', 'from', 'to'],
  scalars: ['c', 'momentum'],
  values: ['new', 'g'],
  formula: ({ load, store, scalar, add, mul, set, get }) =>
    [
      set('g', load('gradient')),
      set('new', add(mul(scalar('momentum'), load('m')), get('g'))),
      store('mTo', get('new')),
      store('to', add(mul(scalar('c'), add(get('g'), mul(get('new'), scalar('momentum')))), load('from'))),
    ].join('\n'),
});

/**
 * Adam (Kingma and Ba 2015): `mTo = beta1 · m + rest1 · gradient`, `vTo = beta2 · v + rest2 · gradient²`,
 * `to = c · (mTo / bias1) / (√(vTo / bias2) + epsilon) + from`.
 */
export const ADAM: string = kernelOf({
  name: 'adam',
  arrays: ['gradient', 'm', 'mTo', 'v', 'vTo', 'from', 'to'],
  scalars: ['c', 'beta1', 'rest1', 'beta2', 'rest2', 'bias1', 'bias2', 'epsilon'],
  values: ['g', 'newM', 'newV'],
  formula: ({ load, store, scalar, add, mul, div, sqrt, set, get }) =>
    [
      set('g', load('gradient')),
      set('newM', add(mul(load('m'), scalar('beta1')), mul(get('g'), scalar('rest1')))),
      set('newV', add(mul(load('v'), scalar('beta2')), mul(mul(get('g'), get('g')), scalar('rest2')))),
      store('mTo', get('newM')),
      store('vTo', get('newV')),
      set('newM', div(get('newM'), scalar('bias1'))),
      set('newV', add(sqrt(div(get('newV'), scalar('bias2'))), scalar('epsilon'))),
      store('to', add(mul(div(get('newM'), get('newV')), scalar('c')), load('from'))),
    ].join('\n'),
});
