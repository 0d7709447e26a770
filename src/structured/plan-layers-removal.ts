/** What a model is without some of its blocks, and whether tfjs can run that. */
import type * as tf from '@tensorflow/tfjs';
import { describe } from '../core/parameter';
import { PruneError } from '../errors';
import type { Draft } from '../topology/draft';
import {
  callsOf,
  type LayerConfig,
  type ModelConfig,
  outputsOf,
  type Source,
  sourcesOf,
} from '../topology/model-config';
import type { Block } from './plan-layers-blocks';

/** What is taken out. */
type Taken = Pick<Block, 'layers' | 'output'>;

/** What is left of a model, its configuration as yet unchanged. */
interface Rest {
  readonly layers: readonly LayerConfig[];
  /** What feeds a call in place of what did: what went into a block for what came out of it. */
  readonly sourceFor: (source: Source) => Source;
}

/**
 * Takes blocks out of a model: who took what one gives takes what went into it.
 *
 * @param config The model's configuration, which is changed.
 * @param blocks What is to go; a block within another goes with it.
 */
export function takeOutBlocks(config: ModelConfig, blocks: readonly Taken[]): void {
  const { layers, sourceFor } = restOf(config, blocks);
  config.layers = [...layers];
  for (const each of sourcesOf(config)) [each[0], each[1], each[2]] = sourceFor(each);
}

function restOf({ layers }: ModelConfig, blocks: readonly Taken[]): Rest {
  const gone = new Set(blocks.flatMap((block) => block.layers));
  const byName = new Map(layers.map((layer) => [layer.config.name, layer]));
  const intoBlock = new Map(
    blocks.map((block) => [block.output.sourceLayer.name, sourceOf(block, byName)] as const),
  );
  const sourceFor = (source: Source): Source => {
    let found = source;
    for (let next = intoBlock.get(found[0]); next !== undefined; next = intoBlock.get(found[0])) found = next;
    return found;
  };
  return { layers: layers.filter(({ config: { name } }) => !gone.has(name)), sourceFor };
}

/** What goes into a block; undefined in a Sequential, which names no sources. */
function sourceOf({ layers }: Taken, byName: ReadonlyMap<string, LayerConfig>): Source | undefined {
  const inside = new Set(layers);
  const sources = layers.flatMap((name) => callsOf(byName.get(name)!).flat());
  return sources.find(([layer]) => !inside.has(layer));
}

/**
 * Says why tfjs could not run a model without some of its blocks. tfjs counts a call that gets one tensor twice as one
 * reader of it, but crosses it off twice, and so disposes the tensor before others have read it; it gives a tensor that
 * two outputs name to one of them only; and no output may be an input. A call that gets a tensor twice as it is may do so
 * on, as long as nothing else comes to read that tensor.
 *
 * @param draft The model's, whose configuration stays as it is.
 * @param blocks What would go.
 * @returns What would be wrong, as a clause; undefined where nothing is.
 */
export function faultWithout({ model, config }: Draft, blocks: readonly Taken[]): string | undefined {
  const rest = restOf(config, blocks);
  return faultOfCalls(config, rest) ?? faultOfOutputs(config, rest) ?? faultOfWeights(model, blocks);
}

/** What can be trained is to stay so. */
function faultOfWeights(model: tf.LayersModel, blocks: readonly Taken[]): string | undefined {
  const gone = new Set(blocks.flatMap(({ layers }) => layers));
  const holders = model.layers.filter((layer) => layer.weights.length > 0);
  const areAllGone = holders.length > 0 && holders.every(({ name }) => gone.has(name));
  return areAllGone ? 'no layer with weights would be left' : undefined;
}

function faultOfCalls(config: ModelConfig, { layers, sourceFor }: Rest): string | undefined {
  const unchanged = (source: Source): Source => source;
  let readers: Record<'before' | 'after', ReadonlyMap<string, number>> | undefined;
  for (const layer of layers) {
    for (const call of callsOf(layer)) {
      const [before, after] = [call.map(keyOf), call.map((source) => keyOf(sourceFor(source)))];
      const count = new Set(after).size;
      if (count === call.length) continue;
      const fault = `'${layer.config.name}' would get one tensor twice`;
      if (count < new Set(before).size) return fault;
      readers ??= { before: readersOf(config.layers, unchanged), after: readersOf(layers, sourceFor) };
      const { before: were, after: are } = readers;
      if (after.some((key, i) => after.indexOf(key) !== i && are.get(key)! > were.get(before[i]!)!))
        return fault;
    }
  }
  return undefined;
}

/** How many calls read each tensor. */
function readersOf(
  layers: readonly LayerConfig[],
  sourceFor: (source: Source) => Source,
): ReadonlyMap<string, number> {
  const readers = new Map<string, number>();
  for (const call of layers.flatMap(callsOf)) {
    for (const key of new Set(call.map((source) => keyOf(sourceFor(source))))) {
      readers.set(key, (readers.get(key) ?? 0) + 1);
    }
  }
  return readers;
}

function faultOfOutputs(config: ModelConfig, { sourceFor }: Rest): string | undefined {
  const before = outputsOf(config) ?? [];
  const after = before.map(sourceFor);
  if (new Set(after.map(keyOf)).size < new Set(before.map(keyOf)).size)
    return 'two outputs of the model would be one tensor';
  const inputs = new Set(
    config.layers.flatMap(({ className, config: { name } }) => (className === 'InputLayer' ? name : [])),
  );
  const isInput = after.some(([layer], i) => inputs.has(layer) && !inputs.has(before[i]![0]));
  return isInput ? 'an output of the model would be one of its inputs' : undefined;
}

/** Sources hold further arguments of the call too. */
function keyOf([layer, call, output]: Source): string {
  return JSON.stringify([layer, call, output]);
}

/**
 * Makes sure that blocks, each of which can be removed, can be removed together.
 *
 * @param draft The model's.
 * @param blocks Blocks of it.
 * @throws {@link PruneError} `argument` where they cannot.
 */
export function checkTogether(draft: Draft, blocks: readonly Block[]): void {
  if (faultWithout(draft, blocks) === undefined) return;
  let [count, fault] = [0, undefined as string | undefined];
  while (fault === undefined) fault = faultWithout(draft, blocks.slice(0, ++count));
  const [last, ...others] = blocks
    .slice(0, count)
    .map(({ name }) => name)
    .reverse();
  const message = `'${last}' cannot be removed from ${describe(draft.model)} together with ${others.join(', ')}: ${fault}. Keep one of them.`;
  throw new PruneError('argument', message, { given: blocks.map(({ name }) => name), allowed: others });
}
