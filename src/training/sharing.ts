/** Kernels whose output is their input: they share its values, as on tfjs's other backends, where its wasm backend copies. */
import { share } from '../wasm/share';
import type { Attempt } from './fast-kernels';

/** tfjs's `Identity`, which every clone and every tensor that a gradient needs goes through. */
export const fastIdentity: Attempt = ({ inputs, backend }) => share(backend, inputs.x);

/** tfjs's `Cast`, where the type stays. */
export const fastCast: Attempt = ({ inputs, attrs, backend }) =>
  inputs.x?.dtype === attrs?.dtype ? share(backend, inputs.x) : undefined;
