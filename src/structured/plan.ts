/** Plans: what is to be removed from a model, as plain data that survives JSON. */

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

/** Which channels to remove from a model. */
export interface ChannelPlan {
  readonly kind: 'channels';
  /** Of which form the plan is. */
  readonly version: 1;
  /** The model that it is for: a hash of its layers, their weights' shapes and how they are connected. */
  readonly topology: string;
  /** What happens to each group of channels, in the model's order. */
  readonly groups: readonly GroupPlan[];
}
