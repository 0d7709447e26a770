/** Why channels stay that come into a layer which no rule follows. */

const REASONS: ReadonlyMap<string, string> = new Map([
  ['Masking', 'leaves out the steps all of whose channels have its mask value, so each of them counts'],
  ['Dot', 'sums products of them, which is not followed'],
  ['CategoryEncoding', 'reads them as numbers of categories'],
  ['RNN', 'has cells that are not followed'],
  ['ConvLSTM2D', 'has a cell that is not followed'],
  ['Resizing', 'is a Resizing, of which tfjs does not say the right shape'],
  ['RandomWidth', 'is a RandomWidth, of which tfjs does not say the right shape'],
]);

/**
 * @param className The class of a layer without a rule.
 * @returns What it does, to follow its name.
 */
export function reasonToStay(className: string): string {
  return REASONS.get(className) ?? `is a ${className}, which is not known`;
}
