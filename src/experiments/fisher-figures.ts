/**
 * # Figures of the Fisher information
 *
 * The paper's figures and some to compare with: windows of chosen weights, off-diagonal entries
 * against their noise floor, sizes of layers over depth, correlation of log norms against the
 * distance of layers, and quantile plots of f_j/σ_j² against χ² and of log f_j against the normal
 * distribution. Each function takes results of `src/fisher` under the names used there.
 */
import { chiSquareQuantile, mean, normalQuantile, unbiasedStd } from '../numerics/index';
import {
  type Figure,
  type FigureOptions,
  heatmap,
  histogram,
  lines,
  quantiles,
  scatter,
  thinned,
} from '../plots/index';

/**
 * The correlations ρ_ab of a window, from −1 to 1, with lines between layers. Weights without
 * gradients are blank.
 */
export function windowFigure(
  {
    normalised,
    size,
    starts,
    layers,
  }: {
    /** ρ, [size, size] row by row. */
    readonly normalised: Float64Array;
    readonly size: number;
    /** Where each layer begins. */
    readonly starts: readonly number[];
    readonly layers: readonly string[];
  },
  options: FigureOptions = {},
): Figure {
  const rows = Array.from({ length: size }, (_, a) =>
    Array.from(normalised.subarray(a * size, (a + 1) * size)),
  );
  const names = layers.map((name) => name.replace('flow.layers.', ''));
  return heatmap(rows, {
    title: names.join(' · '),
    x: 'weight',
    y: 'weight',
    scale: 'diverging',
    range: [-1, 1],
    unit: 'correlation F_ab / √(F_aa F_bb)',
    blocks: starts.slice(1).map((start) => start - 1),
    caption:
      'The diagonal is 1 (dark red). Beside it colours are pale: correlations are small, within a ' +
      'layer and, past the lines, between layers. Blank weights have no gradient.',
    ...options,
  });
}

/**
 * The size of the entries, log₁₀ |F_ab|, which differs between layers by orders of magnitude.
 * Entries that are 0 are blank.
 */
export function rawWindowFigure(
  {
    raw,
    size,
    starts,
    layers,
  }: {
    readonly raw: Float64Array;
    readonly size: number;
    readonly starts: readonly number[];
    readonly layers: readonly string[];
  },
  options: FigureOptions = {},
): Figure {
  const rows = Array.from({ length: size }, (_, a) =>
    Array.from(raw.subarray(a * size, (a + 1) * size), (value) =>
      value === 0 ? null : Math.log10(Math.abs(value)),
    ),
  );
  return heatmap(rows, {
    title: layers.map((name) => name.replace('flow.layers.', '')).join(' · '),
    x: 'weight',
    y: 'weight',
    unit: 'size of an entry, log₁₀ |F_ab|',
    blocks: starts.slice(1).map((start) => start - 1),
    caption:
      'The entries themselves: blocks of layers differ by orders of magnitude, more than the ' +
      'diagonal differs from the rest within a block.',
    ...options,
  });
}

/** |ρ_ab| within layers, with its average, the theoretical noise floor and the measured one. */
export function offDiagonalFigure(
  {
    values,
    average,
    floor,
    measuredFloor,
  }: {
    readonly values: Float64Array;
    readonly average: { readonly value: number };
    readonly floor: number;
    readonly measuredFloor: number;
  },
  options: FigureOptions = {},
): Figure {
  return histogram([{ name: 'off-diagonals', values: values.map(Math.abs) }], {
    title: 'Normalised off-diagonals within layers',
    x: 'size of the correlation of two weights, |F_ab| / √(F_aa F_bb)',
    guides: [
      { axis: 'x', value: floor, label: `floor ${floor.toFixed(3)}` },
      {
        axis: 'x',
        value: measuredFloor,
        label: `measured floor ${measuredFloor.toFixed(3)}`,
        row: 1,
      },
      { axis: 'x', value: average.value, label: `average ${average.value.toFixed(3)}`, row: 2 },
    ],
    caption:
      'How large are correlations within a layer? Their average stands right of both floors, of ' +
      'what noise alone would show.',
    ...options,
  });
}

/**
 * Mean squared gradient of a weight, tr F_j/|θ_j|, over depth, with one colour per kind of tensor.
 * Layers without gradients are left out.
 * @param byKind the layers of each kind with their depth, as `depthOrder` gives them
 */
export function scalesFigure(
  byKind: ReadonlyMap<
    string,
    readonly {
      readonly depth: number;
      readonly layer: { readonly trace: number; readonly size: number };
    }[]
  >,
  options: FigureOptions = {},
): Figure {
  const series = [...byKind].flatMap(([kind, layers]) => {
    const alive = layers.filter(({ layer }) => layer.trace > 0);
    if (alive.length === 0) return [];
    return [
      {
        name: kind,
        x: alive.map(({ depth }) => depth),
        y: alive.map(({ layer }) => layer.trace / layer.size),
      },
    ];
  });
  return scatter(series, {
    title: 'Sizes of layers over depth',
    x: 'layer j, in order',
    y: 'mean squared gradient of a weight, tr F_j / |θ_j|',
    logY: true,
    caption:
      'A point is a layer: sizes differ by orders of magnitude, between kinds of tensors and over ' +
      'depth.',
    ...options,
  });
}

/** The correlation r(d) at distance d between layers, for one or more sets, with intervals. */
export function decorrelationFigure(
  sets: readonly {
    readonly name: string;
    readonly found: {
      readonly byLag: readonly {
        readonly value: number;
        readonly low: number;
        readonly high: number;
      }[];
    };
  }[],
  options: FigureOptions = {},
): Figure {
  return lines(
    sets.map(({ name, found: { byLag } }) => ({
      name,
      x: byLag.map((_, lag) => lag),
      y: byLag.map(({ value }) => value),
      low: byLag.map(({ value, low }) => Math.min(low, value)),
      high: byLag.map(({ value, high }) => Math.max(high, value)),
    })),
    {
      title: 'Correlation of log f_i and log f_j',
      x: 'how many layers apart, |i − j|',
      y: 'mean correlation of log norms',
      guides: [{ axis: 'y', value: 0 }],
      caption:
        'Neighbouring layers say nearly the same; the further apart, the less, and never nothing.',
      ...options,
    },
  );
}

/**
 * f_j/σ_j² (σ_j² = mean f_j/ν) of one layer against χ² with ν = |θ_j| and with the effective
 * degrees of freedom, both divided by ν, so that the mean is 1.
 * @param norms f_j of images or samples
 */
export function chiSquareFigure(
  norms: ArrayLike<number>,
  spectrum: {
    readonly name: string;
    /** |θ_j| */
    readonly size: number;
    /** The effective degrees of freedom. */
    readonly degrees: { readonly value: number };
  },
  options: FigureOptions = {},
): Figure {
  const centre = mean(norms);
  const sorted = Float64Array.from(norms, (value) => value / centre).sort();
  const kept = thinned(sorted.length);
  const points = (nu: number) => ({
    x: kept.map((i) => chiSquareQuantile((i + 0.5) / sorted.length, nu) / nu),
    y: kept.map((i) => sorted[i] as number),
  });
  return scatter(
    [
      { name: `ν = |θ| = ${spectrum.size}`, ...points(spectrum.size) },
      {
        name: `ν = ${spectrum.degrees.value.toFixed(1)}, effective`,
        ...points(spectrum.degrees.value),
      },
    ],
    {
      title: spectrum.name.replace('flow.layers.', ''),
      x: 'quantile of the theory, χ²_ν / ν',
      y: 'squared norm over its mean, f_j / mean f_j',
      diagonal: true,
      width: 560,
      height: 520,
      caption:
        'On the dashed line the theory holds: χ² with all weights is far too narrow, with the ' +
        'effective degrees of freedom it comes close.',
      ...options,
    },
  );
}

/** Standardised log f_j of some layers against the normal distribution. */
export function logNormalFigure(
  layers: readonly { readonly name: string; readonly norms: ArrayLike<number> }[],
  options: FigureOptions = {},
): Figure {
  const series = layers.map(({ name, norms }) => {
    const logs = Array.from(norms, Math.log);
    const [centre, deviation] = [mean(logs), unbiasedStd(logs)];
    return {
      name: name.replace('flow.layers.', ''),
      values: logs.map((value) => (value - centre) / deviation),
    };
  });
  return quantiles(series, normalQuantile, {
    title: 'log f_j, standardised',
    x: 'quantile of the normal density N(0, 1)',
    y: 'log f_j, standardised',
    caption:
      'On the dashed line log f would be normal: in the middle it nearly is, at the ends not.',
    ...options,
  });
}
