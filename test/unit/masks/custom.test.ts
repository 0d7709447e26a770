import { expect, test } from 'vitest';
import { customFromMask, identity, zeros } from '../../../src/masks/custom';
import { kindOf } from './kind-of';

test('identity prunes nothing', () => {
  expect(identity(3)).toEqual(Uint8Array.of(1, 1, 1));
  expect(kindOf(() => identity(-1))).toBe('shape');
});

test('a custom mask adds to what was pruned before', () => {
  const mask = Uint8Array.of(0, 1, 1);
  expect(customFromMask([1, 0, 1], { mask })).toEqual(Uint8Array.of(0, 0, 1));
  expect(mask).toEqual(Uint8Array.of(0, 1, 1));
  expect(customFromMask(Float32Array.of(1, 0))).toEqual(Uint8Array.of(1, 0));
});

test('a custom mask is binary and of the right length', () => {
  expect(kindOf(() => customFromMask([1, 0.5]))).toBe('argument');
  expect(kindOf(() => customFromMask([256]))).toBe('argument');
  expect(kindOf(() => customFromMask([1, 1], { mask: Uint8Array.of(1) }))).toBe('shape');
});

test('zeros counts what is pruned', () => {
  expect(zeros(Uint8Array.of(1, 0, 0))).toBe(2);
  expect(kindOf(() => zeros([1, 2]))).toBe('argument');
});
