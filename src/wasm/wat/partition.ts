import { advance, locals, params, whileBelow } from './text';

/** Keys that a scan looks at in one go, as in masks/introselect.ts, and their bytes. */
const BLOCK = 128;
const BYTES = 4 * BLOCK;

const REVERSED = [12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3].join(' ');

/**
 * Lists the distances, in bytes from where a scan begins, of the keys of a block at which it stops: four keys at a time,
 * whose distances a table brings together.
 *
 * @param label A name of its own inside the function.
 * @param side The list and the local with its length in bytes.
 * @param loadFour Sets $four to the next four keys in the order of the scan, whose distance is $at.
 * @param stops What compares them, giving all bits where the scan stops.
 */
function listStops(label: string, side: 'lefts' | 'rights', loadFour: string, stops: string): string {
  return `(local.set $${side}Next (local.get $${side}))
    (local.set $${side}End (local.get $${side}))
    (local.set $at (i32.const 0))
    (local.set $distances (v128.const i32x4 0 4 8 12))
    ${whileBelow(
      label,
      'at',
      'blockBytes',
      `${loadFour}
      (local.set $bits (i32x4.bitmask ${stops}))
      (v128.store align=4 (local.get $${side}End)
        (i8x16.swizzle (local.get $distances)
          (v128.load align=4 (i32.add (local.get $table) (i32.shl (local.get $bits) (i32.const 4))))))
      ${advance(`${side}End`, '(i32.shl (i32.popcnt (local.get $bits)) (i32.const 2))')}
      (local.set $distances (i32x4.add (local.get $distances) (v128.const i32x4 16 16 16 16)))
      ${advance('at', '(i32.const 16)')}`,
    )}`;
}

const LIST_LEFTS = listStops(
  'left.keys',
  'lefts',
  '(local.set $four (v128.load align=4 (i32.add (local.get $left) (local.get $at))))',
  '(i32x4.ge_s (local.get $four) (local.get $lowest4))',
);

/** The scan from the right begins with the last key, so its vectors are turned around. */
const LIST_RIGHTS = listStops(
  'right.keys',
  'rights',
  `(local.set $four (v128.load align=4 (i32.sub (i32.sub (local.get $right) (i32.const 16)) (local.get $at))))
   (local.set $four (i8x16.shuffle ${REVERSED} (local.get $four) (local.get $four)))`,
  '(i32x4.le_s (local.get $four) (local.get $highest4))',
);

const isUsedUp = (side: 'lefts' | 'rights'): string =>
  `(i32.eq (local.get $${side}Next) (local.get $${side}End))`;

/** Exchanges what both lists still have, pair by pair. */
const EXCHANGE = `(local.set $pairsEnd (select
    (local.get $leftsEnd)
    (i32.add (local.get $leftsNext) (i32.sub (local.get $rightsEnd) (local.get $rightsNext)))
    (i32.lt_u
      (i32.sub (local.get $leftsEnd) (local.get $leftsNext))
      (i32.sub (local.get $rightsEnd) (local.get $rightsNext)))))
  ${whileBelow(
    'pairs',
    'leftsNext',
    'pairsEnd',
    `(local.set $p (i32.add (local.get $left) (i32.load (local.get $leftsNext))))
    (local.set $q (i32.sub (i32.sub (local.get $right) (i32.const 4)) (i32.load (local.get $rightsNext))))
    (local.set $key (i32.load (local.get $p)))
    (i32.store (local.get $p) (i32.load (local.get $q)))
    (i32.store (local.get $q) (local.get $key))
    ${advance('leftsNext', '(i32.const 4)')}
    ${advance('rightsNext', '(i32.const 4)')}`,
  )}`;

/** Where a scan whose block is not used up goes on: at the first key that is left in its list. */
const GO_ON = `(if (i32.lt_u (local.get $leftsNext) (local.get $leftsEnd))
    (then (local.set $left (i32.add (local.get $left) (i32.load (local.get $leftsNext))))))
  (if (i32.lt_u (local.get $rightsNext) (local.get $rightsEnd))
    (then (local.set $right (i32.sub (local.get $right) (i32.load (local.get $rightsNext))))))`;

/**
 * Exchanges keys from `left` on that are at least `lowest` with keys before `right` that are at most `highest`, as
 * `partitionBlocks` of masks/introselect.ts does, until the blocks of both scans would meet. Returns where they stand.
 * `table` has 16 times 16 bytes: for each choice of four words the bytes that bring them together. Behind it is room
 * for two lists.
 */
export const PARTITION: string = `(func (export "partition") ${params('i32', 'left', 'right', 'lowest', 'highest', 'table')} (result i32 i32)
  ${locals('i32', 'lefts', 'leftsNext', 'leftsEnd', 'rights', 'rightsNext', 'rightsEnd', 'pairsEnd', 'at', 'bits', 'p', 'q', 'key', 'blockBytes')}
  ${locals('v128', 'lowest4', 'highest4', 'four', 'distances')}
  (local.set $blockBytes (i32.const ${BYTES}))
  (local.set $lowest4 (i32x4.splat (local.get $lowest)))
  (local.set $highest4 (i32x4.splat (local.get $highest)))
  (local.set $lefts (i32.add (local.get $table) (i32.const 256)))
  (local.set $rights (i32.add (local.get $lefts) (i32.const ${BYTES + 16})))
  (block $met (loop $blocks
    (br_if $met (i32.lt_s (i32.sub (local.get $right) (local.get $left)) (i32.const ${2 * BYTES})))
    (if ${isUsedUp('lefts')} (then ${LIST_LEFTS}))
    (if ${isUsedUp('rights')} (then ${LIST_RIGHTS}))
    ${EXCHANGE}
    (if ${isUsedUp('lefts')} (then ${advance('left', '(local.get $blockBytes)')}))
    (if ${isUsedUp('rights')} (then (local.set $right (i32.sub (local.get $right) (local.get $blockBytes)))))
    (br $blocks)))
  ${GO_ON}
  (local.get $left)
  (local.get $right))`;
