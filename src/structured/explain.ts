import type { ChannelPlan, GroupPlan, KeptChannels, LayerPlan, Plan } from './plan';
import { checkPlan } from './plan-check';
import { isEdited } from './plan-digest';
import { short } from './summary-table';

/**
 * A plan in words: what goes, why, and what keeps the rest.
 *
 * @param plan What {@link planChannels}, {@link planFromMasks} or {@link planLayers} gave, also out of JSON.
 * @returns Lines of text, the first of them the total; without a line feed at the end.
 * @throws {@link PruneError} `argument` for what is no plan or was changed where it may not be, `unsupported` for one of another version.
 * @example
 * ```ts
 * console.log(explain(await planChannels(model, { ratio: 0.5 })));
 * ```
 */
export function explain(plan: Plan): string {
  const checked = checkPlan(plan);
  const [total, ...lines] = checked.kind === 'channels' ? ofChannels(checked) : ofLayers(checked);
  return [total, ...(isEdited(checked) ? [EDITED] : []), ...lines].join('\n');
}

const EDITED = 'What goes was edited since: MACs, times and reasons are those of what was planned.';

function savings({ macs }: Plan): string {
  if (macs === null) return 'MACs are not known, since the model leaves sizes open';
  const { before, after, uncounted } = macs;
  const share = before === 0 ? '' : ` (${((100 * after) / before).toFixed(1)} %)`;
  const names = uncounted.map((layer) => `'${layer}'`).join(', ');
  const others = uncounted.length === 0 ? '' : `, without those of ${names}, which are not known`;
  return `MACs ${short(before)} → ${short(after)}${share}${others}`;
}

function ofChannels(plan: ChannelPlan): string[] {
  const { groups } = plan;
  const sum = (count: (group: GroupPlan) => number): number =>
    groups.reduce((total, group) => total + count(group), 0);
  const [gone, all] = [sum(({ remove }) => remove.length), sum(({ channels }) => channels)];
  return [`${gone} of ${all} channels go; ${savings(plan)}`, ...ofLatency(plan), ...groups.flatMap(ofGroup)];
}

function ofLatency({ latency }: ChannelPlan): string[] {
  if (latency === null) return [];
  const { backend, target } = latency;
  const [before, measured, predicted, layers] = [
    ...[latency.before, latency.measured, latency.predicted, latency.predictedBefore],
  ].map((time) => time.toFixed(1));
  return [
    `on ${backend} ${before} → ${measured} ms measured, ${predicted} predicted, for a target of ${target}; its layers one by one take ${layers} ms`,
  ];
}

function ofGroup({ id, layers, channels, remove, reason, kept }: GroupPlan): string[] {
  const why = remove.length === 0 ? '' : `: ${reason}`;
  return [`${named(id, layers)}: ${remove.length} of ${channels} go${why}`, ...kept.map(ofKept)];
}

function ofKept({ channels, reason }: KeptChannels): string {
  return `  ${channels.length} stay: ${reason}`;
}

function named(id: string, layers: readonly string[]): string {
  const others = layers.filter((layer) => layer !== id);
  return others.length === 0 ? id : `${id} (with ${others.join(', ')})`;
}

function ofLayers(plan: LayerPlan): string[] {
  const { blocks } = plan;
  const gone = blocks.filter(({ isRemoved }) => isRemoved).length;
  return [
    `${gone} of ${blocks.length} blocks go; ${savings(plan)}`,
    ...blocks.map(({ name, kind, importance, macs, isRemoved }) => {
      const rank = importance === null ? '' : `, importance ${importance.toPrecision(3)}`;
      return `${name} (${kind}, ${short(macs)} MACs${rank}): ${isRemoved ? 'goes' : 'stays'}`;
    }),
  ];
}
