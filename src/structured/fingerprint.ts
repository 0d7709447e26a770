/** Tells whether a plan is for a model. */
import { slotsOf } from '../core/parameter';
import type { Draft } from '../topology/draft';
import { callsOf } from '../topology/model-config';

/**
 * A hash of what a model is made of: layers, the shapes of their weights, and what feeds what. The same for a model that
 * was saved and loaded, whatever its weights are.
 *
 * @param draft The model's draft.
 * @returns 16 hexadecimal digits.
 */
export function fingerprintOf(draft: Draft): string {
  const text = JSON.stringify(described(draft));
  return hash(text, 0x811c9dc5) + hash(text, 0x9e3779b9);
}

function described({ model, config, inner }: Draft): unknown {
  return config.layers.map((layer, i) => {
    const { name } = layer.config;
    const within = inner.get(name);
    const calls = callsOf(layer).map((sources) =>
      sources.map(([from, call, output]) => [from, call, output]),
    );
    const weights = slotsOf(model.layers[i]!).flatMap(({ name: weight, variable }) =>
      variable === undefined ? [] : [[weight, variable.shape]],
    );
    return [name, layer.className, calls, within === undefined ? weights : described(within)];
  });
}

/** FNV-1a over UTF-16 units, from a start of one's own. */
function hash(text: string, start: number): string {
  let state = start;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return (state >>> 0).toString(16).padStart(8, '0');
}
