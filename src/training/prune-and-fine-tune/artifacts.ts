/**
 * A run as what tfjs's handlers save: arrays as weights, all else as metadata. The number of the save stands before and behind
 * the arrays and in the metadata, so that a file whose writing was cut off, or two of different saves, are noticed.
 */
import * as tf from '@tensorflow/tfjs';
import { PruneError } from '../../errors';
import type { OptimizerVariable } from '../optimizer-state';
import type { WeightSnapshot, WeightValues } from '../snapshot';
import { isProgress, type RunState } from './state';

type Values = WeightValues['values'];
type Spec = tf.io.WeightsManifestEntry;

interface Entry {
  readonly spec: Spec;
  readonly values: Values;
}

/** What the metadata have of a weight; its values are among the arrays. */
interface Meta {
  readonly version: 1;
  readonly save: number;
  readonly run: Pick<RunState, 'progress' | 'schedule' | 'experiment'>;
  readonly weights: number;
  readonly optimizer: {
    readonly className: string;
    readonly iterations: number;
    readonly variables: ReadonlyArray<Pick<OptimizerVariable, 'property' | 'index' | 'name'>>;
  };
}

const KEY = 'tfjs-prune-run';

function dtypeOf(values: Values): Spec['dtype'] {
  if (values instanceof Float32Array) return 'float32';
  return values instanceof Int32Array ? 'int32' : 'bool';
}

function entry(name: string, shape: readonly number[], values: Values): Entry {
  return { spec: { name, shape: [...shape], dtype: dtypeOf(values) }, values };
}

function entriesOf(snapshot: WeightSnapshot, prefix: string): Entry[] {
  return snapshot.weights.flatMap(({ name, shape, values, mask }, i) => [
    entry(`${prefix}/${i}/${name}`, shape, values),
    ...(mask === undefined ? [] : [entry(`${prefix}/${i}/mask`, shape, mask)]),
  ]);
}

function stampEntry(name: string, save: number): Entry {
  return entry(name, [1], Int32Array.of(save));
}

/**
 * @param state The run.
 * @param save The number of this save.
 */
export function artifactsOf(state: RunState, save: number): tf.io.ModelArtifacts {
  const { progress, schedule, experiment, optimizer } = state;
  const entries = [
    stampEntry('begin', save),
    ...entriesOf(state.weights, 'weights'),
    ...entriesOf(state.best, 'best'),
    ...optimizer.variables.map(({ property, shape, values }, i) =>
      entry(`optimizer/${i}/${property}`, shape, values),
    ),
    stampEntry('end', save),
  ];
  const meta: Meta = {
    version: 1,
    save,
    run: { progress, schedule, experiment },
    weights: state.weights.weights.length,
    optimizer: {
      className: optimizer.className,
      iterations: optimizer.iterations,
      variables: optimizer.variables.map(({ property, index, name }) => ({ property, index, name })),
    },
  };
  return {
    modelTopology: {}, // the model is the caller's; some handlers want an object here
    weightSpecs: entries.map(({ spec }) => spec),
    weightData: joined(entries),
    userDefinedMetadata: { [KEY]: meta },
  };
}

function joined(entries: readonly Entry[]): ArrayBuffer {
  const size = entries.reduce((sum, { values }) => sum + values.byteLength, 0);
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const { values } of entries) {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return bytes.buffer;
}

function damaged(what: string): PruneError {
  return new PruneError('file', `The checkpoint cannot be read: ${what}.`);
}

/** Reads arrays one after the other, checking that they are there. */
class Arrays {
  readonly #specs: readonly Spec[];
  readonly #bytes: ArrayBuffer;
  #next = 0;
  #at = 0;

  constructor(specs: readonly Spec[], bytes: ArrayBuffer) {
    this.#specs = specs;
    this.#bytes = bytes;
  }

  /** The next one's spec, undefined at the end. */
  get spec(): Spec | undefined {
    return this.#specs[this.#next];
  }

  take(prefix: string): { readonly name: string; readonly shape: number[]; readonly values: Values } {
    const { spec } = this;
    if (spec === undefined || !String(spec.name).startsWith(prefix)) throw damaged(`'${prefix}' is missing`);
    const isShape =
      Array.isArray(spec.shape) && spec.shape.every((size) => Number.isSafeInteger(size) && size >= 0);
    if (!isShape) throw damaged(`'${spec.name}' has no shape`);
    const size = spec.shape.reduce((product, length) => product * length, 1);
    const length = spec.dtype === 'bool' ? size : 4 * size;
    if (!Number.isSafeInteger(length) || length < 0 || this.#at + length > this.#bytes.byteLength) {
      throw damaged(`'${spec.name}' ends behind the end of the file`);
    }
    const bytes = this.#bytes.slice(this.#at, this.#at + length);
    this.#next++;
    this.#at += length;
    const name = spec.name.split('/').slice(2).join('/');
    return { name, shape: [...spec.shape], values: valuesOf(spec, bytes) };
  }

  checkEnd(): void {
    if (this.spec !== undefined || this.#at !== this.#bytes.byteLength)
      throw damaged('it goes on behind its end');
  }
}

function valuesOf({ dtype, name }: Spec, bytes: ArrayBuffer): Values {
  if (dtype === 'float32') return new Float32Array(bytes);
  if (dtype === 'int32') return new Int32Array(bytes);
  if (dtype === 'bool') return new Uint8Array(bytes);
  throw damaged(`'${name}' is of the type ${dtype}`);
}

function snapshotFrom(arrays: Arrays, prefix: string, count: number): WeightSnapshot {
  const weights = Array.from({ length: count }, (_, i): WeightValues => {
    const weight = arrays.take(`${prefix}/${i}/`);
    if (arrays.spec?.name !== `${prefix}/${i}/mask`) return weight;
    const { values } = arrays.take(`${prefix}/${i}/mask`);
    if (!(values instanceof Uint8Array) || values.some((kept) => kept > 1))
      throw damaged('a mask is not of 0 and 1');
    if (values.length !== weight.values.length) throw damaged('a mask is not as large as its weight');
    return { ...weight, mask: values };
  });
  return { weights };
}

/**
 * @param artifacts What a handler loaded.
 * @returns The run, and the number of its save.
 * @throws {@link PruneError} `file` if it is not whole.
 */
export function stateFrom(artifacts: tf.io.ModelArtifacts): {
  readonly state: RunState;
  readonly save: number;
} {
  const meta = metaOf(artifacts);
  const { weightSpecs, weightData } = artifacts;
  if (weightSpecs === undefined || weightData === undefined) throw damaged('it has no weights');
  const arrays = new Arrays(weightSpecs, tf.io.CompositeArrayBuffer.join(weightData));
  const begin = arrays.take('begin').values[0];
  const weights = snapshotFrom(arrays, 'weights', meta.weights);
  const best = snapshotFrom(arrays, 'best', meta.weights);
  const variables = meta.optimizer.variables.map((variable, i): OptimizerVariable => {
    const { shape, values } = arrays.take(`optimizer/${i}/`);
    if (!(values instanceof Float32Array)) throw damaged("an optimizer's variable is not float32");
    return { ...variable, shape, values };
  });
  const end = arrays.take('end').values[0];
  arrays.checkEnd();
  if (begin !== meta.save || end !== meta.save) throw damaged('its parts are of different saves');
  const { className, iterations } = meta.optimizer;
  return {
    state: { ...meta.run, weights, best, optimizer: { className, iterations, variables } },
    save: meta.save,
  };
}

function metaOf({ userDefinedMetadata = {} }: tf.io.ModelArtifacts): Meta {
  const meta = Reflect.get(userDefinedMetadata, KEY) as Partial<Meta> | undefined; // checked below
  const isRight =
    meta?.version === 1 &&
    Number.isSafeInteger(meta.save) &&
    Number.isSafeInteger(meta.weights) &&
    isProgress(meta.run?.progress) &&
    Array.isArray(meta.optimizer?.variables) &&
    meta.optimizer.variables.every((variable) => typeof variable?.property === 'string');
  if (!isRight) throw damaged('it is none of a run, or of a later version');
  return meta as Meta;
}
