/** Tells a plan that somebody has changed from one as it was made. */
import { PruneError } from '../errors';
import type { ChannelPlan, LayerPlan, Plan } from './plan';
import { hashOf } from './topology-hash';

/** A plan while it is made. */
export type Unsealed<P extends Plan> = Omit<P, 'digest'>;

/**
 * @param plan A plan of channels that is complete.
 * @returns The same with its digest.
 */
export function sealedChannels(plan: Unsealed<ChannelPlan>): ChannelPlan {
  return { ...plan, digest: digestOf(plan) };
}

/**
 * @param plan A plan of layers that is complete.
 * @returns The same with its digest.
 */
export function sealedLayers(plan: Unsealed<LayerPlan>): LayerPlan {
  return { ...plan, digest: digestOf(plan) };
}

/**
 * @param plan A plan, its form checked.
 * @throws {@link PruneError} `argument` where something was changed in it that may not be.
 */
export function checkDigest(plan: Plan): void {
  const { fixed, choice } = partsOf(plan);
  const isFixed = plan.digest.startsWith(hashOf(fixed));
  if (isFixed && (!holdsShifts(plan) || plan.digest.endsWith(hashOf(choice)))) return;
  const editable =
    plan.kind === 'layers' ? 'isRemoved of its blocks' : 'remove of its groups, where it has no shifts,';
  const message = `The plan was changed since it was made: only ${editable} may be. Take it as it was, or plan anew.`;
  throw new PruneError('argument', message, { given: plan.digest, allowed: digestOf(plan) });
}

/**
 * @param plan A plan that {@link checkDigest} lets pass.
 * @returns Whether something else goes than was planned.
 */
export function isEdited(plan: Plan): boolean {
  return plan.digest !== digestOf(plan);
}

/** What biases take over was computed for just these channels. */
function holdsShifts(plan: Plan): boolean {
  return plan.kind === 'channels' && plan.shifts.length > 0;
}

function digestOf(plan: Unsealed<ChannelPlan> | Unsealed<LayerPlan>): string {
  const { fixed, choice } = partsOf(plan);
  return hashOf(fixed) + hashOf(choice);
}

/** All but the digest as text: what goes, which may be edited, and everything else. */
function partsOf(plan: Unsealed<ChannelPlan> | Unsealed<LayerPlan>): { fixed: string; choice: string } {
  const choice: unknown[] = [];
  const rest = (part: object, chosen: unknown): object => {
    choice.push(chosen);
    return { ...part, remove: undefined, isRemoved: undefined };
  };
  const fixed =
    plan.kind === 'channels'
      ? { ...plan, groups: plan.groups.map((group) => rest(group, group.remove)) }
      : { ...plan, blocks: plan.blocks.map((block) => rest(block, block.isRemoved)) };
  return { fixed: canonical({ ...fixed, digest: undefined }), choice: canonical(choice) };
}

/** As JSON, whatever the order of fields. */
function canonical(value: object): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
