import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** One pruning to time, or how much memory there has been at most. */
export interface PruningCase {
  readonly kind: 'l1' | 'random' | 'local-l1' | 'ln' | 'peak';
  readonly amount: number;
}

/** A ResNet50's file to write, or to time the loading of. */
export interface FileCase {
  readonly kind: 'save' | 'load';
  readonly path: string;
}

/** A ResNet50's training step, on one thread. */
export interface StepCase {
  readonly kind: 'step';
}

/** One thing that PyTorch is asked. */
export type Case = PruningCase | FileCase | StepCase;

/** PyTorch in a process of its own, asked case by case so that both sides are timed in turns. */
export interface Torch {
  readonly version: string;
  readonly threads: number;
  run(question: Case): Promise<number>;
  close(): void;
}

const script = fileURLToPath(new URL('./reference.py', import.meta.url));

async function nextLine(lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = await lines.next();
  if (done) throw new Error('PyTorch ended without an answer.');
  return value;
}

function started(python: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    python.once('error', () => resolve(false));
    python.once('spawn', () => resolve(true));
  });
}

/**
 * Starts PyTorch.
 *
 * @returns Undefined where Debian's python3 has no torch and torchvision.
 */
export async function startTorch(): Promise<Torch | undefined> {
  const python = spawn('/usr/bin/python3', [script], { stdio: ['pipe', 'pipe', 'ignore'] });
  if (!(await started(python))) return undefined;
  const lines = createInterface({ input: python.stdout })[Symbol.asyncIterator]();
  const hello = await nextLine(lines).catch(() => undefined);
  if (hello === undefined) return undefined;
  return {
    ...(JSON.parse(hello) as { version: string; threads: number }),
    run: async (question) => {
      python.stdin.write(`${JSON.stringify(question)}\n`);
      return Number(await nextLine(lines));
    },
    close: () => python.stdin.end(),
  };
}
