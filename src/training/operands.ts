import type { Operand } from './matrix-product';

/** A matrix in memory, row-major, whose rows go along its operand's own axis: [own, depth]. */
export function rowsOf(address: number, rowFloats: number): Operand {
  return {
    pack(pack, from, to, depthFrom, depthTo) {
      const addresses = evenly(address + 4 * from * rowFloats, 4 * rowFloats, to - from);
      pack.rows(addresses, 4 * depthFrom, depthTo - depthFrom, 0);
    },
  };
}

/** A matrix in memory, row-major, along whose rows is added up: [depth, own]. */
export function columnsOf(address: number, rowFloats: number): Operand {
  return {
    pack(pack, from, to, depthFrom, depthTo) {
      const addresses = evenly(address + 4 * depthFrom * rowFloats, 4 * rowFloats, depthTo - depthFrom);
      pack.columns(addresses, 4 * from, to - from, 0);
    },
  };
}

function evenly(first: number, step: number, count: number): Uint32Array {
  const addresses = new Uint32Array(count);
  for (let i = 0; i < count; i++) addresses[i] = first + i * step;
  return addresses;
}

/** Which pixel each row meets at each tap of a filter. */
export interface Taps {
  /** How many there are. */
  readonly count: number;
  /** Channels of a pixel. */
  readonly channels: number;
  /**
   * Writes where the pixels of some rows are, those outside of the image at an address of zeros.
   *
   * @param tap Which tap.
   * @param from The first row.
   * @param addresses As many as there are rows.
   */
  addresses(tap: number, from: number, addresses: Uint32Array): void;
}

/** A convolution's windows as the left operand, [pixel, (tap, channel)], never written out. */
export function windows(taps: Taps): Operand {
  return {
    pack(pack, from, to, depthFrom, depthTo) {
      const addresses = new Uint32Array(to - from);
      for (let k = depthFrom; k < depthTo; ) {
        const tap = Math.floor(k / taps.channels);
        const end = Math.min((tap + 1) * taps.channels, depthTo);
        taps.addresses(tap, from, addresses);
        pack.rows(addresses, 4 * (k - tap * taps.channels), end - k, k - depthFrom);
        k = end;
      }
    },
  };
}

/**
 * The windows as the left operand the other way round, [(tap, channel), pixel]. Each tap's channels are filled up to whole
 * panels, so that a row is `tap × stride + channel`.
 *
 * @param taps The windows.
 * @param stride Rows of a tap, the channels rounded up to whole panels.
 * @param width Rows of a panel.
 */
export function windowsTransposed(taps: Taps, stride: number, width: number): Operand {
  return {
    pack(pack, from, to, depthFrom, depthTo) {
      const addresses = new Uint32Array(depthTo - depthFrom);
      for (let row = from; row < to; ) {
        const tap = Math.floor(row / stride);
        const channel = row - tap * stride;
        const end = Math.min((tap + 1) * stride, to);
        taps.addresses(tap, depthFrom, addresses);
        const columns = Math.min(end - row, taps.channels - channel);
        pack.columns(addresses, 4 * channel, columns, (row - from) / width);
        row = end;
      }
    },
  };
}

/**
 * A filter [tap, inChannels, outChannels] as the right operand of the gradient of the input, [(tap, outChannel),
 * inChannel], for some of its taps.
 *
 * @param address Where it is.
 * @param inChannels Input channels.
 * @param outChannels Output channels.
 * @param taps The numbers of the taps.
 */
export function filterTransposed(
  address: number,
  inChannels: number,
  outChannels: number,
  taps: readonly number[],
): Operand {
  return {
    pack(pack, from, to, depthFrom, depthTo) {
      for (let k = depthFrom; k < depthTo; ) {
        const index = Math.floor(k / outChannels);
        const end = Math.min((index + 1) * outChannels, depthTo);
        const first = address + 4 * outChannels * (taps[index]! * inChannels + from);
        const channel = k - index * outChannels;
        pack.rows(evenly(first, 4 * outChannels, to - from), 4 * channel, end - k, k - depthFrom);
        k = end;
      }
    },
  };
}
