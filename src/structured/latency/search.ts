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
/** How many models are run at most, besides the whole one. */
const ATTEMPTS = 4;
/** What is this near below the target is near enough. */
const NEAR = 0.97;

/**
 * Layers are timed one by one, and what they take together is brought to the scale of the whole model, whose layers run
 * warm and without waiting for each other. A model that turns out slower or quicker than predicted corrects that scale.
 *
 * @param removalsAt What goes for a share of the channels.
 * @param probe Times models.
 * @param target Milliseconds.
 * @returns The least that has to go; what was measured of it may still be above the target where times vary. With nothing
 * left to remove and a prediction above the target, the prediction says so.
 */
export async function searchLatency<Removals>(
  removalsAt: (share: number) => Removals,
  probe: Probe<Removals>,
  target: number,
): Promise<Found<Removals>> {
  const whole = removalsAt(0);
  const before = await probe.measured(whole);
  if (before <= target) return { removals: whole, before, predicted: before, measured: before };
  let scale = before / (await probe.predicted(whole));
  let best: Found<Removals> | undefined;
  const tried = new Set<number>();
  for (;;) {
    const { removals, time } = await least(removalsAt, probe, target / scale);
    if (best !== undefined && tried.has(time)) return best;
    const found: Found<Removals> = {
      removals,
      before,
      predicted: time * scale,
      measured: await probe.measured(removals),
    };
    best = better(best, found, target);
    tried.add(time);
    const isNear = found.measured <= target && found.measured >= NEAR * target;
    if (isNear || found.predicted > target || tried.size === ATTEMPTS) return best;
    scale = found.measured / time;
  }
}

/** The slower one of those that are quick enough; where none is, the quicker one. */
function better<Removals>(
  known: Found<Removals> | undefined,
  found: Found<Removals>,
  target: number,
): Found<Removals> {
  if (known === undefined) return found;
  const [quick, slow] = known.measured < found.measured ? [known, found] : [found, known];
  return slow.measured <= target ? slow : quick;
}

async function least<Removals>(
  removalsAt: (share: number) => Removals,
  probe: Probe<Removals>,
  target: number,
): Promise<{ removals: Removals; time: number }> {
  let [low, high] = [0, 1];
  const most = removalsAt(1);
  let best = { removals: most, time: await probe.predicted(most) };
  if (best.time > target) return best;
  for (let step = 0; step < STEPS; step++) {
    const share = (low + high) / 2;
    const removals = removalsAt(share);
    const time = await probe.predicted(removals);
    if (time <= target) [high, best] = [share, { removals, time }];
    else low = share;
  }
  return best;
}
