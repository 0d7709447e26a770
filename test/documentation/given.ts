/** What the code of the documentation takes as given. Nothing of it is ever run. */
import type * as tf from '@tensorflow/tfjs';
import type { ResNet } from 'tfjs-prune/models';
import type { Experiment, OptimizerState, PruningCallback } from 'tfjs-prune/training';

export * as tf from '@tensorflow/tfjs';
export { SingleBar } from 'cli-progress';
export * as prune from 'tfjs-prune';

export declare const model: ResNet;
export declare const layer: tf.layers.Layer;
export declare const other: tf.layers.Layer;
export declare const conv1: tf.layers.Layer;

export declare const image: tf.Tensor3D;
export declare const images: tf.Tensor4D;
export declare const canvas: HTMLCanvasElement;
export declare const canvases: HTMLCanvasElement[];
export declare const x: tf.Tensor2D;
export declare const y: tf.Tensor2D;
export declare const examples: tf.data.Dataset<{ xs: tf.Tensor3D; ys: tf.Tensor1D }>;
export declare const train: tf.data.Dataset<{ xs: tf.Tensor4D; ys: tf.Tensor2D }>;
export declare const validation: typeof train;
export declare const data: { train: typeof train; validation: typeof validation };

export declare const optimizer: tf.Optimizer;
export declare const loss: (labels: tf.Tensor, logits: tf.Tensor) => tf.Scalar;
export declare const state: OptimizerState;
export declare const callback: PruningCallback;
export declare const oneShot: Experiment;
export declare const gradual: Experiment;
export declare const steps: number;
export declare const epochs: number;
export declare const batchesPerEpoch: number;
export declare function compile(model: tf.LayersModel): void;
export declare function logitsOf(batch: tf.Tensor): tf.Tensor;
export declare function batch(step: number): { images: tf.Tensor4D; labels: tf.Tensor2D };
export declare function evaluate(model: tf.LayersModel): Promise<number>;
export declare function importanceOf(layer: tf.layers.Layer): Promise<tf.Tensor>;
export declare function folder(path: string): tf.io.IOHandler;

export declare const kernel: Float32Array;
export declare const bias: Float32Array;
export declare const biasMask: Uint8Array;
export declare const conv: Float32Array;
export declare const fc: Float32Array;

export declare const error: unknown;
export declare const signal: AbortSignal;
export declare const writableStream: WritableStream<Uint8Array>;
export declare const bar: { update(part: number): void };
