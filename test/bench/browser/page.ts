/** The page of `npm run bench:browser`: what run.ts calls in it. */
import * as tf from '@tensorflow/tfjs';
import { getThreadsCount, setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import type { Row } from '../report';
import { benchSparse } from '../sparse-table';

declare global {
  interface Window {
    bench(rounds: number, only: string, threads: number, relaxed: boolean): Promise<string>;
    report(row: Row): void;
  }
}

setWasmPaths('/');

window.bench = async (rounds, only, threads, relaxed) => {
  if (threads > 0) {
    // tfjs takes at most half as many threads as there are cores, also where each core runs one.
    Object.defineProperty(navigator, 'hardwareConcurrency', { value: 2 * threads });
    setThreadsCount(threads);
  }
  await tf.setBackend('wasm');
  await benchSparse(rounds, only, (row) => window.report(row), { relaxed });
  return window.crossOriginIsolated ? `${getThreadsCount()} thread(s), shared memory` : 'one thread';
};
