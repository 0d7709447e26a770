import type { Operation } from './operation';
import type { TileUse } from './sparse-weight';
import { putOff, type Tiled } from './tiled';

/**
 * Puts off a convolution until its output is needed: if that is for the ReLU of a residual sum, all are computed in one pass.
 *
 * @param output The output.
 * @param x The images, as tiles.
 * @param operation What it reads, with no activation.
 * @param tiles How its weight takes tiles; it must have said that it can wait.
 * @param run Runs it.
 */
export function putOffConvolution(
  output: Tiled,
  x: Tiled,
  operation: Operation,
  tiles: TileUse,
  run: (operation: Operation) => void,
): void {
  const bias = operation.bias === undefined ? undefined : output.end;
  // There is room for it, and what it is copied from may be gone by then.
  if (bias !== undefined) {
    const memory = new Uint8Array(x.heap.buffer);
    memory.copyWithin(bias, operation.bias!, operation.bias! + 4 * output.channels);
  }
  const kept = { ...operation, bias };
  putOff(output, {
    parts: [x],
    write: (y) => run({ ...kept, y }),
    writeReluOfSum: (shortcut, y) => run({ ...kept, y, shortcut }),
    onSettled: () => tiles.waiting.delete(output),
  });
  tiles.waiting.add(output);
}
