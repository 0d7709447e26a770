import * as tf from '@tensorflow/tfjs';

/** The backends that every environment of the tests has. */
export type TestBackend = 'cpu' | 'wasm';

/**
 * Makes a backend the current one, loading its package first where it needs one.
 *
 * @param name The backend.
 */
export async function useBackend(name: TestBackend): Promise<void> {
  if (name === 'wasm') await import('@tensorflow/tfjs-backend-wasm');
  if (!(await tf.setBackend(name))) throw new Error(`The ${name} backend did not start.`);
  await tf.ready();
}
