/** The calls of layers that are called several times, numbered as tfjs will when it builds the model. */
import {
  callsOf,
  isModelConfig,
  type LayerConfig,
  type ModelConfig,
  type Source,
  sourcesOf,
} from './model-config';

/** The calls of a layer: all of them, and the numbers of those that are made, in that order, and of the others. */
interface Calls {
  readonly all: readonly Source[][];
  /** The number of the first: a model among the layers has one of its own before it. */
  readonly first: number;
  readonly made: number[];
  waiting: number[];
}

/**
 * Renumbers calls. tfjs goes through the layers again and again, makes each call whose inputs are there, and counts the
 * calls of a layer as it makes them, whatever their numbers were: without this the second call of a layer could take the
 * place of the first.
 *
 * @param model A graph, which is changed.
 */
export function renumberCalls(model: ModelConfig): void {
  const { layers } = model;
  if (layers.every((layer) => callsOf(layer).length <= 1)) return;
  const calls = new Map(layers.map((layer) => [layer.config.name, callsIn(layer)]));
  makeAll([...calls.values()], ([layer, call]) => isMade(calls.get(layer)!, call));
  for (const source of sourcesOf(model)) {
    const { first, made, all } = calls.get(source[0])!;
    if (all.length > 0) source[1] = first + made.indexOf(source[1] - first);
  }
  for (const layer of layers) {
    const { all, made } = calls.get(layer.config.name)!;
    layer.inboundNodes = made.map((call) => all[call]!);
  }
}

function callsIn(layer: LayerConfig): Calls {
  const all = callsOf(layer);
  return { all, first: isModelConfig(layer.config) ? 1 : 0, made: [], waiting: [...all.keys()] };
}

function isMade({ all, first, made }: Calls, call: number): boolean {
  return all.length === 0 || made.includes(call - first);
}

/** As tfjs does it. */
function makeAll(layers: readonly Calls[], isThere: (source: Source) => boolean): void {
  let before = -1;
  let count = 0;
  while (count > before) {
    before = count;
    for (const calls of layers) {
      const { all, made, waiting } = calls;
      calls.waiting = [];
      for (const call of waiting) {
        if (all[call]!.every(isThere)) made.push(call);
        else calls.waiting.push(call);
      }
      count += waiting.length - calls.waiting.length;
    }
  }
}
