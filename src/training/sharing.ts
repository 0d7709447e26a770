/** Kernels whose output is their input: they share its values, as on tfjs's other backends, where its wasm backend copies. */
import type * as tf from '@tensorflow/tfjs';
import type { Attempt } from './fast-kernels';

/** What is used of the wasm backend to share values. */
interface Sharing {
  incRef(dataId: object): void;
}

function canShare(backend: object): backend is Sharing {
  return 'incRef' in backend && 'refCount' in backend;
}

function share(backend: object, x: tf.TensorInfo | undefined): tf.TensorInfo | undefined {
  if (x === undefined || x.dtype === 'string' || !canShare(backend)) return undefined;
  backend.incRef(x.dataId);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
}

/** tfjs's `Identity`, which every clone and every tensor that a gradient needs goes through. */
export const fastIdentity: Attempt = ({ inputs, backend }) => share(backend, inputs.x);

/** tfjs's `Cast`, where the type stays. */
export const fastCast: Attempt = ({ inputs, attrs, backend }) =>
  inputs.x?.dtype === attrs?.dtype ? share(backend, inputs.x) : undefined;
