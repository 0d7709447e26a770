import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { activeHeap, type Heap } from '../../src/wasm/heap';
import { type Kernels, kernelBytes, kernelsFor } from '../../src/wasm/kernels';
import { ALONE, startTeam, type Team } from '../../src/wasm/team';
import { useBrowserBackend } from '../support/browser';

let heap: Heap;
let kernels: Kernels;
let team: Team | undefined;

beforeAll(async () => {
  Object.defineProperty(navigator, 'hardwareConcurrency', { value: 4 });
  setThreadsCount(2);
  await useBrowserBackend('wasm');
  heap = activeHeap()!;
  kernels = await kernelsFor(heap);
});

afterEach(() => {
  team?.free();
  team = undefined;
  vi.unstubAllGlobals();
});

const start = async (threads: number): Promise<Team> => {
  team = await startTeam(heap, [kernelBytes(heap.memory!)], threads);
  return team;
};

/** Lets each part of several jobs move its own four numbers, and tells which have arrived. */
function moveInParts(team: Team, jobs: readonly number[]): void {
  const most = Math.max(...jobs);
  const address = heap.allocate(32 * most)!;
  const values = (): Float32Array => new Float32Array(heap.buffer, address, 8 * most);
  for (const [job, parts] of jobs.entries()) {
    const from = Float32Array.from({ length: 4 * parts }, (_, i) => 1 + job + i);
    values().fill(0);
    values().set(from);
    const target = address + 16 * most;
    // A row of four numbers becomes a row of four numbers.
    team.run(kernels, parts, (recorded, part) =>
      recorded.toPlanes(address + 16 * part, 16, 1, 4, target + 16 * part, 4),
    );
    expect([...values().slice(4 * most, 4 * most + 4 * parts)]).toEqual([...from]);
  }
  heap.free(address);
}

describe.each([2, 3, 4])('%i threads', (threads) => {
  it('make all calls of all parts, job after job', async () => {
    const started = await start(threads);
    expect(started.threads).toBe(threads);
    moveInParts(
      started,
      Array.from({ length: 3000 }, (_, i) => 1 + ((7 * i) % 64)),
    );
  });

  it('make the calls of more parts than fit at a time, and of more calls than fit on the tape', async () => {
    const started = await start(threads);
    moveInParts(started, [65, 200, 3, 64]);
    let calls = 0;
    const counting = { ...kernels, toPlanes: () => void calls++ };
    started.run(counting, 2, (recorded) => {
      for (let i = 0; i < 20_000; i++) recorded.toPlanes(0, 0, 0, 0, 0, 0);
    });
    expect(calls).toBe(40_000);
    moveInParts(started, [5]);
  });

  it('share the work: parts are not all done by the page itself', async () => {
    const started = await start(threads);
    const address = heap.allocate(1 << 20)!;
    let own = 0;
    const counting: Kernels = {
      ...kernels,
      toPlanes: (...given) => {
        own++;
        kernels.toPlanes(...given);
      },
    };
    for (let job = 0; job < 200; job++) {
      started.run(counting, 64, (recorded) =>
        recorded.toPlanes(address, 256, 64, 64, address + (1 << 19), 256),
      );
    }
    expect(own).toBeLessThan(200 * 64);
    heap.free(address);
  });
});

it('a kernel that fails on another thread fails on the page too, and the team goes on alone', async () => {
  const started = await start(2);
  const beyond = 2 ** 32 - 64;
  const run = (): void =>
    started.run(kernels, 64, (recorded) => recorded.toPlanes(beyond, 256, 64, 64, beyond, 256));
  expect(run).toThrow(WebAssembly.RuntimeError);
  moveInParts(started, [5, 64]);
});

it.each([
  ['Worker', undefined],
  [
    'Worker',
    class {
      constructor() {
        throw new Error('forbidden');
      }
    },
  ],
])('is the page alone where threads cannot be started', async (name, value) => {
  vi.stubGlobal(name, value);
  const { allocate, free } = heap;
  const taken = new Set<number>();
  const counted: Heap = {
    ...heap,
    memory: heap.memory,
    buffer: heap.buffer,
    allocate: (bytes) => {
      const address = allocate(bytes);
      taken.add(address!);
      return address;
    },
    free: (address) => {
      taken.delete(address);
      free(address);
    },
  };
  expect(await startTeam(counted, [], 2)).toBe(ALONE);
  expect(taken.size).toBe(0);
});
