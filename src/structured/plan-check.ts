/** Checks plans, which may come out of a file that anybody wrote. */
import { PruneError, shown } from '../errors';
import type { ChannelPlan, LayerPlan, Plan } from './plan';
import { checkDigest } from './plan-digest';

/** What a field of a plan must hold, in words and as a test. */
interface Field {
  readonly allowed: string;
  readonly holds: (value: unknown) => boolean;
}

const text: Field = { allowed: 'a string', holds: (value) => typeof value === 'string' };
const count: Field = {
  allowed: 'a whole number ≥ 0',
  holds: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
};
const amount: Field = {
  allowed: 'a number ≥ 0',
  holds: (value) => typeof value === 'number' && value >= 0,
};
const truth: Field = { allowed: 'true or false', holds: (value) => typeof value === 'boolean' };
const score: Field = {
  allowed: 'a number or null',
  holds: (value) => value === null || typeof value === 'number',
};
const list: Field = { allowed: 'a list', holds: Array.isArray };
const texts: Field = {
  allowed: 'a list of strings',
  holds: (value) => Array.isArray(value) && value.every(text.holds),
};
const counts: Field = {
  allowed: 'a list of whole numbers ≥ 0 in ascending order, each once',
  holds: (value) =>
    Array.isArray(value) && value.every((each, i) => count.holds(each) && (i === 0 || each > value[i - 1])),
};
const numbers: Field = {
  allowed: 'a list of finite numbers that fit 32 bits',
  holds: (value) =>
    Array.isArray(value) &&
    value.every((each) => typeof each === 'number' && Number.isFinite(Math.fround(each))),
};
const hashes: Field = {
  allowed: 'an object of at least one string',
  holds: (value) =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).length > 0 &&
    Object.values(value).every(text.holds),
};
const kindOfBlock: Field = {
  allowed: "'residual' or 'layer'",
  holds: (value) => value === 'residual' || value === 'layer',
};

const HEADER = { topology: text, digest: text };
const MACS = { before: amount, after: amount, uncounted: texts };
const GROUP = { id: text, layers: texts, channels: count, remove: counts, reason: text, kept: list };
const SHIFT = { layer: text, bias: text, values: numbers, weights: hashes };
const LATENCY = {
  backend: text,
  target: amount,
  before: amount,
  predictedBefore: amount,
  predicted: amount,
  measured: amount,
};
const BLOCK = {
  name: text,
  kind: kindOfBlock,
  layers: texts,
  importance: score,
  macs: amount,
  isRemoved: truth,
};

/**
 * @param plan Anything that was given for a plan.
 * @returns The same, as a copy.
 * @throws {@link PruneError} `argument` for what is no plan or was changed where it may not be, `unsupported` for one of
 * another version.
 */
export function checkPlan(plan: unknown): Plan {
  if (plan instanceof Promise) throw refused('The plan', 'an object', plan);
  const checked = checkForm(plainOf(plan));
  checkDigest(checked);
  return checked;
}

/** A copy as JSON has it, so that nothing is read that changes, goes round in circles or runs code. */
function plainOf(plan: unknown): unknown {
  if (typeof plan !== 'object' || plan === null) return plan;
  try {
    const copy: unknown = JSON.parse(JSON.stringify(plan));
    // A model makes a text of itself.
    return typeof copy === 'object' ? copy : plan;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `The plan is no plain data, which JSON could hold: ${reason}. Take it as it was made.`;
    throw new PruneError('argument', message, { given: plan, allowed: 'plain data', cause });
  }
}

function checkForm(plan: unknown): Plan {
  const { kind, version, macs, groups, blocks, shifts, latency } = fieldsOf(plan, 'The plan');
  if (kind !== 'channels' && kind !== 'layers') throw refused('kind', "'channels' or 'layers'", kind);
  if (version !== 1) {
    const message = `The plan is of version ${shown(version)}, but this release of tfjs-prune knows version 1. Plan anew, or update.`;
    throw new PruneError('unsupported', message, { given: version, allowed: '1' });
  }
  check(plan, HEADER, '');
  if (macs !== null) check(macs, MACS, 'macs');
  if (kind === 'layers') {
    for (const [i, block] of listOf(blocks, 'blocks').entries()) check(block, BLOCK, `blocks[${i}]`);
    checkOnce(listOf(blocks, 'blocks'), 'name', 'blocks');
    // Every field was checked.
    return plan as LayerPlan;
  }
  for (const [i, group] of listOf(groups, 'groups').entries()) {
    check(group, GROUP, `groups[${i}]`);
    const { id, kept, remove, channels } = fieldsOf(group, '');
    const stray = listOf(remove, '').find((channel) => Number(channel) >= Number(channels));
    if (stray !== undefined) {
      const message = `The plan removes channel ${shown(stray)} from '${id}', which has ${channels}. Plan anew.`;
      throw new PruneError('argument', message, { given: stray, allowed: `numbers < ${channels}` });
    }
    const below: Field = {
      allowed: `${counts.allowed}, < ${shown(channels)}`,
      holds: (value) =>
        counts.holds(value) && listOf(value, '').every((each) => Number(each) < Number(channels)),
    };
    for (const [k, each] of listOf(kept, '').entries())
      check(each, { channels: below, reason: text }, `groups[${i}].kept[${k}]`);
  }
  checkOnce(listOf(groups, 'groups'), 'id', 'groups');
  for (const [i, shift] of listOf(shifts, 'shifts').entries()) check(shift, SHIFT, `shifts[${i}]`);
  if (latency !== null) check(latency, LATENCY, 'latency');
  checkOnce(listOf(shifts, 'shifts').map(namedBias), 'bias', 'shifts');
  // Every field was checked.
  return plan as ChannelPlan;
}

function fieldsOf(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refused(where, 'an object', value);
  }
  return { ...value };
}

function listOf(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw refused(where, list.allowed, value);
  return value;
}

function check(value: unknown, fields: Readonly<Record<string, Field>>, where: string): void {
  const given = fieldsOf(value, where);
  for (const [name, { allowed, holds }] of Object.entries(fields)) {
    if (!holds(given[name])) throw refused(where === '' ? name : `${where}.${name}`, allowed, given[name]);
  }
}

/** A layer may have several. */
function namedBias(shift: unknown): object {
  const { layer, bias } = fieldsOf(shift, '');
  return { bias: `${layer}:${bias}` };
}

/** What is named twice would be removed twice. */
function checkOnce(all: readonly unknown[], field: string, where: string): void {
  const names = all.map((each) => fieldsOf(each, where)[field]);
  const again = names.find((name, i) => names.indexOf(name) !== i);
  if (again !== undefined) throw refused(where, `a list that names each ${field} once`, again);
}

function refused(where: string, allowed: string, given: unknown): PruneError {
  const message = `A plan is what planChannels, planFromMasks or planLayers gives, also out of JSON: its '${where}' must be ${allowed}, but got ${shown(given)}.`;
  return new PruneError('argument', where === 'The plan' ? noPlan(given) : message, { given, allowed });
}

function noPlan(given: unknown): string {
  if (given instanceof Promise)
    return 'A plan was given before it is there: planChannels and planLayers are to be awaited.';
  return `A plan is what planChannels, planFromMasks or planLayers gives, also out of JSON, but got ${shown(given)}.`;
}

/**
 * @param topology The hash of the model that a plan is for.
 * @param own That of the model given.
 * @throws {@link PruneError} `argument` where they differ.
 */
export function checkTopology(topology: string, own: string): void {
  if (topology === own) return;
  const message =
    'The plan is for another model: one of other layers, names of layers, options, sizes or connections. Plan for this one; if it is the same but for names that tfjs has numbered, such as dense_1, name the layers.';
  throw new PruneError('argument', message, { given: topology, allowed: own });
}
