import { advance, locals, whileBelow } from './text';

/** Columns that make full cache lines of what is read or written across them. */
const TILE = 64;

/** The locals that {@link tiles} uses. */
export const TILE_LOCALS: string = locals('i32', 'tile', 'tileEnd', 'r', 'column');

/**
 * Walks over a matrix of $rows and $columns, 64 columns at a time and in them some rows at a time, so that lines of the cache
 * are used up before they are left. The body runs with $column and $r, the first column and row of a block.
 *
 * @param rows How many rows a block has.
 * @param columns How many columns.
 * @param block What is done with it.
 * @param start What happens before the first rows of a tile.
 * @param next What happens after each row of blocks.
 */
export function tiles(rows: number, columns: number, block: string, start: string, next: string): string {
  return whileBelow(
    'tiles',
    'tile',
    'columns',
    `(local.set $tileEnd (i32.add (local.get $tile) (i32.const ${TILE})))
    (if (i32.gt_u (local.get $tileEnd) (local.get $columns)) (then (local.set $tileEnd (local.get $columns))))
    (local.set $r (i32.const 0))
    ${start}
    ${whileBelow(
      'rows',
      'r',
      'rows',
      `(local.set $column (local.get $tile))
      ${whileBelow('columns', 'column', 'tileEnd', `${block} ${advance('column', `(i32.const ${columns})`)}`)}
      ${next}
      ${advance('r', `(i32.const ${rows})`)}`,
    )}
    (local.set $tile (local.get $tileEnd))`,
  );
}
