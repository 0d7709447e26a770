/** Searches how much has to go for a model to be quick enough. */

/** What is known of a model without some channels, in milliseconds. */
export interface Probe<Removals> {
  /** By the times of its layers. */
  readonly predicted: (removals: Removals) => Promise<number>;
  /** By running it. */
  readonly measured: (removals: Removals) => Promise<number>;
}

/** What was found. */
export interface Found<Removals> {
  readonly removals: Removals;
  /** Measured, of the whole model. */
  readonly before: number;
  /** By the times of layers, in proportion to the whole model's. */
  readonly predicted: number;
  /** Measured. */
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
 * warm and without waiting for each other. A model that turns out slower or quicker than predicted corrects that scale.
 * Where that leads nowhere, models are run until the least share that is enough is known.
 *
 * @param removalsAt What goes for a share of the channels.
 * @param probe Times models.
 * @param target Milliseconds.
 * @returns The least that has to go, with what was measured no more than the target; with more than that where nothing is
 * left to remove.
 */
export async function searchLatency<Removals>(
  removalsAt: (share: number) => Removals,
  probe: Probe<Removals>,
  target: number,
): Promise<Found<Removals>> {
  const whole = removalsAt(0);
  const cold = await probe.measured(whole);
  const asItIs = (time: number): Found<Removals> => ({
    removals: whole,
    before: time,
    predicted: time,
    measured: time,
  });
  if (cold <= target) return asItIs(cold);
  const found = await narrowed(removalsAt, probe, target, cold);
  // The engine may have become quicker meanwhile; both are to be measured warm.
  const before = await probe.measured(whole);
  return before <= target ? asItIs(before) : { ...found, before };
}

async function narrowed<Removals>(
  removalsAt: (share: number) => Removals,
  probe: Probe<Removals>,
  target: number,
  before: number,
): Promise<Omit<Found<Removals>, 'before'>> {
  let scale = before / (await probe.predicted(removalsAt(0)));
  // What is known to be too little, and to be enough.
  let [low, high] = [0, 1];
  let best: Omit<Found<Removals>, 'before'> | undefined;
  for (let guesses = 0; ; guesses++) {
    const guess = guesses < GUESSES ? await least(removalsAt, probe, target / scale) : undefined;
    if (best !== undefined && (guess === high || high - low <= FINEST)) return best;
    const isInside = guess !== undefined && guess > low && guess <= high;
    const share = isInside ? guess : between(low, high);
    const removals = removalsAt(share);
    const time = await probe.predicted(removals);
    const found = { removals, predicted: time * scale, measured: await probe.measured(removals) };
    if (found.measured <= target) [high, best] = [share, found];
    else if (share === 1) return best ?? found;
    else low = share;
    if (best === found && found.measured >= NEAR * target) return found;
    if (time > 0) scale = found.measured / time;
  }
}

/** The share in the middle; 1 where that is the only one left. */
function between(low: number, high: number): number {
  const middle = Math.floor((low + high) / 2 / FINEST) * FINEST;
  return middle > low ? middle : high;
}

/** The least share that is predicted to be enough; 1 where none is. */
async function least<Removals>(
  removalsAt: (share: number) => Removals,
  probe: Probe<Removals>,
  target: number,
): Promise<number> {
  let [low, high] = [0, 1];
  if ((await probe.predicted(removalsAt(1))) > target) return 1;
  for (let step = 0; step < STEPS; step++) {
    const share = (low + high) / 2;
    if ((await probe.predicted(removalsAt(share))) <= target) high = share;
    else low = share;
  }
  return high;
}
