/** Searches how much has to go for a model to be quick enough. */

/** What goes for a share in [0, 1]: nothing for 0, more for a larger one, all that may go for 1. */
export type Family<Removals> = (share: number) => Removals;

/** What is known of a model without some channels. */
export interface Probe<Removals> {
  /** That all channels stay. */
  readonly nothing: Removals;
  /** The milliseconds that its layers take one by one. */
  readonly predicted: (removals: Removals) => Promise<number>;
  /** The milliseconds of the whole model, alone. */
  readonly whole: () => Promise<number>;
  /** The milliseconds of the whole model and of what is left of it, run in turns. */
  readonly measured: (removals: Removals) => Promise<readonly [before: number, after: number]>;
  /** How much of its importance is left. */
  readonly worth: (removals: Removals) => number;
}

/** What was found, in milliseconds. */
export interface Found<Removals> {
  readonly removals: Removals;
  /** Of the whole model, by the times of its layers. */
  readonly predictedBefore: number;
  /** Of what is left of it, by the times of its layers. */
  readonly predicted: number;
  /** Of the whole model, measured. */
  readonly before: number;
  /** Of what is left of it, measured in turns with the whole one. */
  readonly measured: number;
}

/** A share is searched to a 64th. */
const STEPS = 6;
const FINEST = 2 ** -STEPS;
/** After how many models the predictions are no longer asked, but the shares in between are halved. */
const GUESSES = 3;
/** What is this near below the target is near enough. */
const NEAR = 0.97;

/**
 * Layers are timed one by one, and what they take together is brought to the scale of the whole model, whose layers run
 * without waiting for each other. A model that turns out slower or quicker than predicted corrects that scale. Where that
 * leads nowhere, models are run until the least share that is enough is known.
 *
 * @param families Gives the ways to remove, where anything has to go; of several, the one that keeps the most importance at the predicted target is taken.
 * @param probe Times models.
 * @param target Milliseconds.
 * @returns The least that has to go, with what was measured no more than the target; with more than that where nothing is
 * left to remove.
 */
export async function searchLatency<Removals>(
  families: () => Promise<ReadonlyArray<Family<Removals>>>,
  probe: Probe<Removals>,
  target: number,
): Promise<Found<Removals>> {
  const time = await probe.whole();
  const predictedBefore = await probe.predicted(probe.nothing);
  const asItIs = (before: number): Found<Removals> => ({
    removals: probe.nothing,
    ...{ predictedBefore, predicted: predictedBefore, before, measured: before },
  });
  if (time <= target) return asItIs(time);
  const family = await worthiest(await families(), probe, (target * predictedBefore) / time);
  const found = await narrowed(family, probe, target, time / predictedBefore);
  // The engine or the device may have become quicker meanwhile.
  return found.before <= target ? asItIs(found.before) : { ...found, predictedBefore };
}

/** The one that keeps the most importance where it is predicted to take that long. */
async function worthiest<Removals>(
  families: ReadonlyArray<Family<Removals>>,
  probe: Probe<Removals>,
  target: number,
): Promise<Family<Removals>> {
  let [best] = families as [Family<Removals>];
  let most = -Infinity;
  for (const family of families) {
    const removals = family(await least(family, probe, target));
    const isEnough = (await probe.predicted(removals)) <= target;
    const worth = isEnough ? probe.worth(removals) : -Infinity;
    if (worth > most) [best, most] = [family, worth];
  }
  return best;
}

type Narrowed<Removals> = Omit<Found<Removals>, 'predictedBefore'>;

async function narrowed<Removals>(
  family: Family<Removals>,
  probe: Probe<Removals>,
  target: number,
  scaleOfWhole: number,
): Promise<Narrowed<Removals>> {
  let scale = scaleOfWhole;
  // What is known to be too little, and to be enough.
  let [low, high] = [0, 1];
  let best: Narrowed<Removals> | undefined;
  for (let guesses = 0; ; guesses++) {
    const guess = guesses < GUESSES ? await least(family, probe, target / scale) : undefined;
    if (best !== undefined && (guess === high || high - low <= FINEST)) return best;
    const isInside = guess !== undefined && guess > low && guess <= high;
    const share = isInside ? guess : between(low, high);
    const removals = family(share);
    const predicted = await probe.predicted(removals);
    const [before, measured] = await probe.measured(removals);
    const found = { removals, predicted, before, measured };
    // Nothing would have to go.
    if (before <= target) return found;
    if (measured <= target) [high, best] = [share, found];
    else if (share === 1) return best ?? found;
    else low = share;
    if (best === found && measured >= NEAR * target) return found;
    if (predicted > 0) scale = measured / predicted;
  }
}

/** The share in the middle; 1 where that is the only one left. */
function between(low: number, high: number): number {
  const middle = Math.floor((low + high) / 2 / FINEST) * FINEST;
  return middle > low ? middle : high;
}

/** The least share that is predicted to be enough; 1 where none is. */
async function least<Removals>(
  family: Family<Removals>,
  probe: Probe<Removals>,
  target: number,
): Promise<number> {
  let [low, high] = [0, 1];
  if ((await probe.predicted(family(1))) > target) return 1;
  for (let step = 0; step < STEPS; step++) {
    const share = (low + high) / 2;
    if ((await probe.predicted(family(share))) <= target) high = share;
    else low = share;
  }
  return high;
}
