import * as tf from '@tensorflow/tfjs';
import { checkOptions } from '../core/options';
import { classNameOf, describe } from '../core/parameter';
import { PruneError, shown } from '../errors';
import { type Draft, draftOf } from '../topology/draft';
import { dependencyGraph } from './dependency-graph';
import type { LayerPlan } from './plan';
import { sealedLayers } from './plan-digest';
import { type Block, blocksOf } from './plan-layers-blocks';
import { blockInfluence, blockMagnitude } from './plan-layers-importance';
import { checkTogether, faultWithout } from './plan-layers-removal';
import { checkSamples } from './samples';
import { summary } from './summary';

/** How blocks are ranked: the least important ones go first. */
export type BlockImportance =
  | 'influence'
  | 'magnitude'
  | ((block: { name: string; layers: readonly string[] }) => number);

/** Settings of {@link planLayers}; one of `remove`, `count` and `targetMacs`. */
export interface LayerPlanOptions {
  /** The names of the blocks to remove, such as `layer3.4`. */
  readonly remove?: readonly string[] | undefined;
  /** How many blocks to remove, the least important ones; one around others takes their place, and counts as one. */
  readonly count?: number | undefined;
  /** To which share of the model's multiply-accumulates to come, in (0, 1), by removing the least important blocks. */
  readonly targetMacs?: number | undefined;
  /** How to rank; `influence` where there are `samples`, else `magnitude`. */
  readonly importance?: BlockImportance | undefined;
  /** What goes into the model, one batch for each of its inputs, for `influence`. They stay with the caller. */
  readonly samples?: tf.Tensor | readonly tf.Tensor[] | undefined;
  /** The names of blocks to keep. */
  readonly ignore?: readonly string[] | undefined;
  /** The shape of each input without the batch axis; needed where the model leaves sizes open. */
  readonly inputShapes?: ReadonlyArray<readonly number[]> | undefined;
}

const OPTIONS = ['remove', 'count', 'targetMacs', 'importance', 'samples', 'ignore', 'inputShapes'];

/**
 * Plans to remove layers: residual blocks (the sum of a tensor and of what one or more branches make of it), whose input
 * becomes their output, and layers whose output has the shape of
 * their input. A ReLU after the sum of a block goes with it where the block's input is never negative, as in a ResNet.
 * Blocks that change the shape, share a layer with another part, or whose inner layers feed another part, stay; so do
 * those of models within, and those without which a layer would get one tensor twice an output would be an input or
 * another output, or nothing with weights would be left. Ranked blocks are the residual ones, and layers that are part of none.
 *
 * `influence` is block influence, one minus the cosine of input and output on samples (Men et al., "ShortGPT"); `magnitude`
 * the mean magnitude of the kernels' entries (after Kim et al., "Shortened LLaMA").
 *
 * @param model A built model; it stays as it is.
 * @param options What to remove, and how to rank.
 * @returns The plan, for {@link applyPlan}.
 * @throws {@link PruneError} `argument` for what is no model of several layers, for options that are not allowed, and for blocks
 * that cannot be removed together; `amount` for more than
 * can be removed; `state` for a model that is not built or disposed, or that no longer fits a model within; `shape` for one
 * with open sizes, if `inputShapes` does not say them; `unsupported` where tfjs cannot build a Sequential of its layers, and
 * where a layer has the name that plans give one of a model within.
 * @example
 * ```ts
 * const plan = await planLayers(model, { count: 2, samples: images });
 * const { model: shorter } = applyPlan(model, plan);
 * ```
 */
export async function planLayers(model: tf.LayersModel, options: LayerPlanOptions): Promise<LayerPlan> {
  const draft = draftOf(model, 'planLayers');
  checkChoice(options);
  checkSeveral(draft);
  const blocks = blocksOf(draft);
  const counts = summary(model, { inputShapes: options.inputShapes });
  const macs = new Map(blocks.map((block) => [block, macsOf(block, counts)]));
  for (const name of options.ignore ?? []) blockNamed(blocks, name, draft);
  const ranked = rankable(blocks, options.ignore);
  const scores = options.remove === undefined ? await scoresOf(model, ranked, options) : undefined;
  const chosen =
    scores === undefined
      ? options.remove!.map((name) => blockNamed(blocks, name, draft))
      : leastImportant(inOrder(ranked, scores), macs, counts.macs, draft, options);
  checkTogether(draft, chosen);
  const gone = new Set(chosen.flatMap(({ layers }) => layers));
  const saved = counts.layers.reduce((sum, layer) => sum + (goesWith(gone, layer.name) ? layer.macs : 0), 0);
  return sealedLayers({
    kind: 'layers',
    version: 1,
    topology: dependencyGraph(model).topology,
    blocks: blocks.map((block) => ({
      name: block.name,
      kind: block.kind,
      layers: block.layers,
      importance: scores?.[ranked.indexOf(block)] ?? null,
      macs: macs.get(block)!,
      isRemoved: chosen.includes(block),
    })),
    macs: { before: counts.macs, after: counts.macs - saved, uncounted: counts.uncounted },
  });
}

function checkChoice(options: LayerPlanOptions): void {
  checkOptions(options, OPTIONS);
  const { remove, count, targetMacs, ignore, importance, samples } = options;
  const allowed = 'exactly one of remove, count and targetMacs';
  if ([remove, count, targetMacs].filter((each) => each !== undefined).length !== 1) {
    throw new PruneError('argument', `planLayers takes ${allowed}.`, { given: options, allowed });
  }
  for (const names of [remove, ignore]) {
    if (names === undefined || (Array.isArray(names) && names.every((name) => typeof name === 'string')))
      continue;
    throw new PruneError('argument', `Blocks are given as a list of names, but got ${shown(names)}.`, {
      given: names,
      allowed: 'a list of names',
    });
  }
  if (remove !== undefined && (importance ?? samples) !== undefined) {
    const message = 'planLayers removes what remove names; leave importance and samples out.';
    throw new PruneError('argument', message, { given: options, allowed: 'remove alone' });
  }
  if (count !== undefined && !(Number.isInteger(count) && count >= 0)) {
    const message = `The count of blocks must be a whole number ≥ 0, but got ${shown(count)}.`;
    throw new PruneError('amount', message, { given: count, allowed: 'a whole number ≥ 0' });
  }
  if (targetMacs !== undefined && !(typeof targetMacs === 'number' && targetMacs > 0 && targetMacs < 1)) {
    const message = `targetMacs must be a share in (0, 1), but got ${shown(targetMacs)}.`;
    throw new PruneError('amount', message, { given: targetMacs, allowed: 'a number in (0, 1)' });
  }
}

function goesWith(gone: ReadonlySet<string>, name: string): boolean {
  return gone.has(name) || [...gone].some((layer) => name.startsWith(`${layer}/`));
}

function macsOf({ layers }: Block, counts: ReturnType<typeof summary>): number {
  const names = new Set(layers);
  return counts.layers.reduce((sum, { name, macs }) => sum + (goesWith(names, name) ? macs : 0), 0);
}

function rankable(blocks: readonly Block[], ignore: readonly string[] = []): Block[] {
  const residual = new Set(blocks.flatMap(({ kind, layers }) => (kind === 'residual' ? layers : [])));
  return blocks.filter(
    ({ kind, name }) => !ignore.includes(name) && (kind === 'residual' || !residual.has(name)),
  );
}

async function scoresOf(
  model: tf.LayersModel,
  blocks: readonly Block[],
  { importance, samples }: LayerPlanOptions,
): Promise<number[]> {
  const kind = importance === undefined ? (samples === undefined ? 'magnitude' : 'influence') : importance;
  if (samples !== undefined && kind !== 'influence') {
    const message = `samples are for the importance 'influence', but that is ${shown(kind)}. Leave them out.`;
    throw new PruneError('argument', message, { given: samples, allowed: "importance: 'influence'" });
  }
  if (typeof kind === 'function') {
    const scores = blocks.map(({ name, layers }) => kind({ name, layers }));
    const wrong = scores.find((score) => typeof score !== 'number' || Number.isNaN(score));
    if (!scores.every((score) => typeof score === 'number' && !Number.isNaN(score))) {
      const message = `The importance of a block must be a number, but got ${shown(wrong)}.`;
      throw new PruneError('argument', message, { given: wrong, allowed: 'a number' });
    }
    return scores;
  }
  if (kind === 'magnitude') return allFinite(blockMagnitude(model, blocks), blocks);
  const given = samples instanceof tf.Tensor ? [samples] : Array.isArray(samples) ? samples : [];
  const isRun = given.length === model.inputs.length && given.every((each) => each instanceof tf.Tensor);
  if (kind !== 'influence' || !isRun) {
    const allowed = "'influence' with one batch of samples for each input, 'magnitude', or a function";
    const message = `The importance of ${describe(model)} must be ${allowed}, but got ${shown(kind)} and samples: ${shown(samples)}.`;
    throw new PruneError('argument', message, { given: kind, allowed });
  }
  checkSamples(given, model);
  return allFinite(await blockInfluence(model, blocks, given), blocks);
}

function allFinite(scores: number[], blocks: readonly Block[]): number[] {
  const wrong = scores.findIndex((score) => !Number.isFinite(score));
  if (wrong < 0) return scores;
  const given = scores[wrong];
  const message = `The importance of '${blocks[wrong]!.name}' is ${given}: its weights or what goes into it are no finite numbers.`;
  throw new PruneError('argument', message, { given, allowed: 'finite numbers' });
}

function inOrder(blocks: readonly Block[], scores: readonly number[]): Block[] {
  const order = blocks.map((_, i) => i).sort((a, b) => scores[a]! - scores[b]!);
  return order.map((i) => blocks[i]!);
}

function leastImportant(
  blocks: readonly Block[],
  macs: ReadonlyMap<Block, number>,
  all: number,
  draft: Draft,
  { count, targetMacs }: LayerPlanOptions,
): Block[] {
  const leftOf = (chosen: readonly Block[]): number =>
    all - chosen.reduce((sum, each) => sum + macs.get(each)!, 0);
  const isEnough = (chosen: readonly Block[]): boolean =>
    count === undefined ? leftOf(chosen) <= targetMacs! * all : chosen.length === count;
  const works = (chosen: readonly Block[]): boolean => faultWithout(draft, chosen) === undefined;
  const choiceOf = (from: readonly Block[]): Block[] => firstEnough(from, isEnough, works);
  let chosen = choiceOf(blocks);
  // Where blocks around others take too many places, there are more of those that are around none.
  if (count !== undefined && !isEnough(chosen)) chosen = choiceOf(innermost(blocks));
  // One that goes may keep several others.
  for (const kept of blocks) {
    if (isEnough(chosen)) break;
    const others = choiceOf(blocks.filter((block) => block !== kept));
    if (isEnough(others)) chosen = others;
  }
  if (isEnough(chosen)) return chosen;
  const left = leftOf(chosen);
  const allowed =
    count === undefined
      ? `a share ≥ ${(Math.ceil((1000 * left) / all) / 1000).toFixed(3)}`
      : `a count ≤ ${chosen.length}`;
  const names = chosen.map(({ name }) => name).join(', ');
  const message =
    chosen.length === 0
      ? 'No blocks can be removed from this model.'
      : `The least important blocks that can be removed together are ${names}: that is not enough. Ask for ${allowed}, or name blocks by remove.`;
  throw new PruneError('amount', message, { given: count ?? targetMacs, allowed });
}

/** A block within one that goes has gone already; one around others takes their place; one too many stays. */
function firstEnough(
  blocks: readonly Block[],
  isEnough: (chosen: readonly Block[]) => boolean,
  works: (chosen: readonly Block[]) => boolean,
): Block[] {
  let chosen: Block[] = [];
  for (const block of blocks) {
    if (isEnough(chosen)) break;
    const touched = chosen.filter(({ layers }) => layers.some((layer) => block.layers.includes(layer)));
    if (!touched.every((each) => isWithin(each, block))) continue;
    const next = [...chosen.filter((each) => !touched.includes(each)), block];
    if (works(next)) chosen = next;
  }
  return chosen;
}

function isWithin({ layers }: Block, around: Block): boolean {
  return layers.every((layer) => around.layers.includes(layer));
}

function innermost(blocks: readonly Block[]): Block[] {
  return blocks.filter((block) => !blocks.some((each) => each !== block && isWithin(each, block)));
}

/** A single layer gives what the model gives, or is a model whose blocks are not looked for. */
function checkSeveral({ model }: Draft): void {
  if (model.layers.filter((layer) => classNameOf(layer) !== 'InputLayer').length > 1) return;
  const message = `Nothing in ${describe(model)} can be removed: it has one layer only. planChannels makes layers smaller.`;
  throw new PruneError('argument', message, { given: model, allowed: 'a model of several layers' });
}

function blockNamed(blocks: readonly Block[], name: string, { model }: Draft): Block {
  const block = blocks.find((each) => each.name === name);
  if (block !== undefined) return block;
  const allowed = blocks.map((each) => each.name);
  const others = allowed.length === 0 ? 'there are none' : `there are: ${allowed.join(', ')}`;
  const message = `${describe(model)} has no block '${name}' that can be removed; ${others}.`;
  throw new PruneError('argument', message, { given: name, allowed });
}
