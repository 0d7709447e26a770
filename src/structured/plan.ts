/** Plans: what is to be removed from a model, as plain data that survives JSON. */

/** Multiply-accumulates for one sample. */
export interface PlannedMacs {
  /** Of the model. */
  readonly before: number;
  /** Of what is left of it. */
  readonly after: number;
  /** The names of layers whose multiplications are not known, and so not counted. */
  readonly uncounted: readonly string[];
}

/** What all plans begin with. */
export interface PlanHeader {
  /** Of which form the plan is. */
  readonly version: 1;
  /** The model that it is for: a hash of its layers, their options, their weights' shapes and how they are connected. */
  readonly topology: string;
  /**
   * Tells whether the plan was changed: a hash of what may not be, and one of what goes. What goes may be edited (`remove`
   * of groups, `isRemoved` of blocks), but not where `shifts` are computed for just these channels.
   */
  readonly digest: string;
  /** What is saved; null where the model leaves sizes open, and the caller does not say them. */
  readonly macs: PlannedMacs | null;
}

/** Channels that are made together and go one by one: the output channels of the layers that make them. */
export interface GroupPlan {
  /** The first layer that makes the channels, by name; for one of a model within, after that model's name and a slash. */
  readonly id: string;
  /** All layers that make them. */
  readonly layers: readonly string[];
  /** How many there are. */
  readonly channels: number;
  /** The channels that go, in ascending order. */
  readonly remove: readonly number[];
  /** Why they go, in words. */
  readonly reason: string;
  /** Why channels stay that could otherwise have gone; empty where nothing keeps any. */
  readonly kept: readonly KeptChannels[];
}

/** Channels that stay, and why. */
export interface KeptChannels {
  /** The channels, in ascending order. */
  readonly channels: readonly number[];
  /** What keeps them, in words. */
  readonly reason: string;
}

/** What the bias of a layer takes over of constant channels that no longer come into it. */
export interface BiasShift {
  /** The layer, by name; for one of a model within, after that model's name and a slash. */
  readonly layer: string;
  /** The bias, by tfjs's name: `bias`; in a Bidirectional `forwardLayer.bias` or `backwardLayer.bias`. */
  readonly bias: string;
  /** What is added to each of its entries, before any of those goes. */
  readonly values: readonly number[];
  /**
   * What they were computed from, which must not have changed when the plan is applied: a hash of each weight, by its
   * layer's name, a colon and its own.
   */
  readonly weights: Readonly<Record<string, string>>;
}

/** What a plan for a latency has measured, in milliseconds for one sample, or for a batch where the model fixes its size. */
export interface PlannedLatency {
  /** tfjs's name of the backend that it was measured on. */
  readonly backend: string;
  /** What was asked for. */
  readonly target: number;
  /** Of the model, by running it. */
  readonly before: number;
  /** The sum of the times of the model's layers, each run by itself; more than `before`, since each is waited for. */
  readonly predictedBefore: number;
  /** Of what is left of it: what its layers take of the times of all layers, at the scale of `before`. */
  readonly predicted: number;
  /** Of what is left of it, by running it in turns with the model. */
  readonly measured: number;
}

/** Which channels to remove from a model. */
export interface ChannelPlan extends PlanHeader {
  /** What tells it from a {@link LayerPlan}. */
  readonly kind: 'channels';
  /** What happens to each group of channels, in the model's order. */
  readonly groups: readonly GroupPlan[];
  /** What biases take over of channels that are constant; empty but for plans of {@link planFromMasks}. */
  readonly shifts: readonly BiasShift[];
  /** For a plan with a `targetLatencyMs`, what was measured; null for others. */
  readonly latency: PlannedLatency | null;
}

/** A part of a model that can be left out, as a plan says it. */
export interface PlannedBlock {
  /** Such as `layer3.4`: what the names of its layers begin with, where nothing else is named so, or the name of its last one. */
  readonly name: string;
  /** `residual` for x + f(x), `layer` for one layer whose output has the shape of its input. */
  readonly kind: 'residual' | 'layer';
  /** The names of its layers. */
  readonly layers: readonly string[];
  /** How much the model would miss it; null where the plan names what to remove. */
  readonly importance: number | null;
  /** Its multiply-accumulates for one sample. */
  readonly macs: number;
  /** Whether it is removed. */
  readonly isRemoved: boolean;
}

/** Which layers to remove from a model. */
export interface LayerPlan extends PlanHeader {
  /** What tells it from a {@link ChannelPlan}. */
  readonly kind: 'layers';
  /** Everything that could be removed. */
  readonly blocks: readonly PlannedBlock[];
}

/** What to remove from a model. */
export type Plan = ChannelPlan | LayerPlan;
