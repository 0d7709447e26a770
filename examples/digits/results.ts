import { cpus } from 'node:os';
import * as tf from '@tensorflow/tfjs';
import type { Latency } from './measure';
import type { MethodName } from './methods';

/** A network, as measured. */
export interface Measured {
  /** The share of its weights that is zero, kernels alone. */
  readonly sparsity: number;
  /** The share of the test's digits that it gets right. */
  readonly accuracy: number;
  /** Of its file of weights, after gzip. */
  readonly bytes: number;
  /** Milliseconds for a batch. */
  readonly latency: Latency;
}

/** A pruned network, as measured after fine-tuning. */
export interface Pruned extends Measured {
  readonly method: MethodName;
  /** The sparsity that was asked for. */
  readonly asked: number;
  /** The accuracy before fine-tuning; of what is pruned during it there is none. */
  readonly before?: number;
}

/** By what, and with which settings, a table was measured. */
export interface Conditions {
  readonly cpu: string;
  readonly node: string;
  readonly tfjs: string;
  readonly seed: number;
  /** Of fine-tuning. */
  readonly epochs: number;
  /** Digits to learn from, digits of the test, and digits in a batch whose prediction is timed. */
  readonly digits: { readonly training: number; readonly test: number; readonly batch: number };
}

/** Everything that `npm run digits` measures. */
export interface Results {
  readonly conditions: Conditions;
  readonly dense: Measured;
  readonly pruned: readonly Pruned[];
}

/** The machine and the versions. */
export function machine(): Pick<Conditions, 'cpu' | 'node' | 'tfjs'> {
  const processors = cpus();
  const cpu = `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown processor'}`;
  return { cpu, node: process.version, tfjs: tf.version_core };
}
