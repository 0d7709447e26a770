/** How blocks are taken out of a model's configuration, and when a model would not work without them. */
import { describe } from '../core/parameter';
import { PruneError } from '../errors';
import type { Draft } from '../topology/draft';
import { callsOf, type ModelConfig, outputsOf, type Source, sourcesOf } from '../topology/model-config';
import type { Block } from './plan-layers-blocks';

/**
 * Takes blocks out: who took what one gives takes what went into it.
 *
 * @param config The model's, which is changed.
 * @param blocks Blocks of it; one may be within another.
 */
export function takeOutBlocks(
  config: ModelConfig,
  blocks: ReadonlyArray<Pick<Block, 'layers' | 'output'>>,
): void {
  for (const { layers, output } of blocks) {
    const names = new Set(layers);
    const inside = config.layers.filter((layer) => names.has(layer.config.name));
    // It was within a block that has gone already.
    if (inside.length === 0) continue;
    const source = inside.flatMap((layer) => callsOf(layer).flat()).find(([layer]) => !names.has(layer));
    config.layers = config.layers.filter((layer) => !names.has(layer.config.name));
    if (source === undefined) continue;
    for (const each of sourcesOf(config)) if (each[0] === output.sourceLayer.name) redirect(each, source);
  }
}

function redirect(each: Source, [layer, call, output]: Source): void {
  [each[0], each[1], each[2]] = [layer, call, output];
}

/**
 * Tells what would be wrong with a model without some blocks. A call that gets one tensor twice, or outputs that are one
 * tensor, tfjs cannot always run; and x + f(x) without f would be 2x, which nobody means by leaving f out.
 *
 * @param config The model's, which stays as it is.
 * @param blocks Blocks of it.
 * @returns What would be wrong; undefined where the model works.
 */
export function faultWithout(
  config: ModelConfig,
  blocks: ReadonlyArray<Pick<Block, 'layers' | 'output'>>,
): string | undefined {
  const left: ModelConfig = {
    ...config,
    layers: config.layers.map(({ inboundNodes = [], ...layer }) => ({
      ...layer,
      inboundNodes: structuredClone(inboundNodes),
    })),
    ...(outputsOf(config) && { outputLayers: structuredClone(config.outputLayers) }),
  };
  takeOutBlocks(left, blocks);
  const original = new Map(config.layers.map((layer) => [layer.config.name, callsOf(layer)]));
  for (const layer of left.layers) {
    const { name } = layer.config;
    const isDoubled = callsOf(layer).some((call, i) => repeats(call) > repeats(original.get(name)![i]!));
    if (isDoubled) return `'${name}' would get one tensor twice`;
  }
  const [before, after] = [outputsOf(config) ?? [], outputsOf(left) ?? []];
  if (repeats(after) > repeats(before)) return 'two outputs of the model would be one tensor';
  const inputs = new Set(config.layers.flatMap((layer) => (isInput(layer) ? layer.config.name : [])));
  const isPassed = after.some(([layer], i) => inputs.has(layer) && before[i]![0] !== layer);
  return isPassed ? 'an output of the model would be one of its inputs' : undefined;
}

function isInput({ className }: ModelConfig['layers'][number]): boolean {
  return className === 'InputLayer';
}

/** How many of some tensors are others of them again. */
function repeats(sources: readonly Source[]): number {
  return sources.length - new Set(sources.map(([layer, call, output]) => `${call} ${output} ${layer}`)).size;
}

/**
 * Makes sure that blocks, each of which can be removed, can be removed together.
 *
 * @param draft The model's.
 * @param blocks Blocks of it.
 * @throws {@link PruneError} `argument` where they cannot.
 */
export function checkTogether({ model, config }: Draft, blocks: readonly Block[]): void {
  if (faultWithout(config, blocks) === undefined) return;
  let [count, fault] = [0, undefined as string | undefined];
  while (fault === undefined) fault = faultWithout(config, blocks.slice(0, ++count));
  const [last, ...others] = blocks
    .slice(0, count)
    .map(({ name }) => name)
    .reverse();
  const message = `'${last}' cannot be removed from ${describe(model)} together with ${others.join(', ')}: ${fault}. Keep one of them.`;
  throw new PruneError('argument', message, { given: blocks.map(({ name }) => name), allowed: others });
}
