import { advance, locals, params, whileBelow } from './text';

/** Steps to the next row, and counts it. */
const NEXT = `${advance('src', '(local.get $srcStep)')} ${advance('dst', '(local.get $dstStep)')} ${advance('row', '(i32.const 1)')}`;

/**
 * Copies some floats of each of several rows: `dst[row][i] = src[row][i · stride]` for `count` numbers i. Steps and `stride`
 * are in bytes. A run of four or more ends with a vector that overlaps the one before, so nothing past it is written.
 */
export const COPY_LANES: string = `(func (export "copyLanes") ${params('i32', 'src', 'srcStep', 'rows', 'dst', 'dstStep', 'count', 'stride')}
  ${locals('i32', 'row', 'i', 's', 'end')}
  (if (i32.and (i32.eq (local.get $stride) (i32.const 4)) (i32.ge_u (local.get $count) (i32.const 4)))
  (then
    (local.set $end (i32.shl (i32.sub (local.get $count) (i32.const 4)) (i32.const 2)))
    ${whileBelow(
      'vectors',
      'row',
      'rows',
      `(local.set $i (i32.const 0))
      ${whileBelow(
        'fours',
        'i',
        'end',
        `(v128.store align=4 (i32.add (local.get $dst) (local.get $i)) (v128.load align=4 (i32.add (local.get $src) (local.get $i))))
        ${advance('i', '(i32.const 16)')}`,
      )}
      (v128.store align=4 (i32.add (local.get $dst) (local.get $end)) (v128.load align=4 (i32.add (local.get $src) (local.get $end))))
      ${NEXT}`,
    )})
  (else
    (local.set $end (i32.shl (local.get $count) (i32.const 2)))
    ${whileBelow(
      'rows',
      'row',
      'rows',
      `(local.set $i (i32.const 0))
      (local.set $s (local.get $src))
      ${whileBelow(
        'ones',
        'i',
        'end',
        `(f32.store (i32.add (local.get $dst) (local.get $i)) (f32.load (local.get $s)))
        ${advance('s', '(local.get $stride)')}
        ${advance('i', '(i32.const 4)')}`,
      )}
      ${NEXT}`,
    )})))`;
