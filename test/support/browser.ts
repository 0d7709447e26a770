import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';

/** The backends of a browser. */
export type BrowserBackend = 'wasm' | 'webgl';

// The page is served from the root of the project.
setWasmPaths('/node_modules/@tensorflow/tfjs-backend-wasm/dist/');

/**
 * Makes a backend of the browser the current one.
 *
 * @param name The backend.
 */
export async function useBrowserBackend(name: BrowserBackend): Promise<void> {
  if (!(await tf.setBackend(name))) throw new Error(`The ${name} backend did not start.`);
  await tf.ready();
}
