/**
 * # Figures of the Fisher information
 *
 * The paper's, and what belongs beside them: windows of chosen weights, off-diagonals against their
 * noise floor, sizes of layers over depth, correlation of log norms against the distance of layers,
 * and quantile plots of f_j/σ_j² against χ² and of log f_j against the normal distribution. Each
 * takes what `src/fisher` computed.
 */

import type { Decorrelation, LayerSpectrum, OffDiagonals, Window } from '../fisher/index';
import {
  chiSquareQuantile,
  depthOrder,
  type FisherEstimate,
  normalQuantile,
} from '../fisher/index';
import type { Figure, FigureOptions } from './figure';
import { heatmap } from './heatmap';
import { histogram } from './histogram';
import { lines } from './lines';
import { quantiles, thinned } from './quantiles';
import { scatter } from './scatter';

/**
 * ρ_ab of a window, from −1 to 1, lines between its layers; weights without gradients are blank.
 */
export function windowFigure(
  { normalised, size, starts, layers }: Window,
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
    ...options,
  });
}

/**
 * The size of the entries themselves, log₁₀ |F_ab|: what differs between layers by orders of
 * magnitude. Entries that are 0 are blank.
 */
export function rawWindowFigure(
  { raw, size, starts, layers }: Window,
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
    ...options,
  });
}

/** |ρ_ab| within layers, with the average, the noise floor, and the floor that was measured. */
export function offDiagonalFigure(
  { values, average, floor, measuredFloor }: OffDiagonals,
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
    ...options,
  });
}

/**
 * Mean squared gradient of a weight, tr F_j/|θ_j|, over depth, one colour a kind of tensor. Layers
 * without gradients are left out.
 */
export function scalesFigure(estimate: FisherEstimate, options: FigureOptions = {}): Figure {
  const series = [...depthOrder(estimate)].flatMap(([kind, layers]) => {
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
    ...options,
  });
}

/** r(d) of one or more sets against the distance of layers d, with intervals. */
export function decorrelationFigure(
  sets: readonly { readonly name: string; readonly found: Decorrelation }[],
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
      y: 'correlation of log norms, mean over pairs',
      guides: [{ axis: 'y', value: 0 }],
      ...options,
    },
  );
}

/**
 * f_j/σ_j² (σ_j² = mean f_j/ν) of one layer against χ² with ν = |θ_j| and with the effective
 * degrees of freedom, both divided by ν so that they share a unit: the mean is 1.
 * @param norms f_j of images or samples
 */
export function chiSquareFigure(
  norms: ArrayLike<number>,
  spectrum: LayerSpectrum,
  options: FigureOptions = {},
): Figure {
  const values = Array.from(norms);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const sorted = values.map((value) => value / mean).sort((a, b) => a - b);
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
    const mean = logs.reduce((a, b) => a + b, 0) / logs.length;
    const deviation = Math.sqrt(
      logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (logs.length - 1),
    );
    return {
      name: name.replace('flow.layers.', ''),
      values: logs.map((value) => (value - mean) / deviation),
    };
  });
  return quantiles(series, normalQuantile, {
    title: 'log f_j, standardised',
    x: 'quantile of the normal density N(0, 1)',
    y: 'log f_j, standardised',
    ...options,
  });
}
