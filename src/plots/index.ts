/**
 * # Figures
 *
 * Everything a notebook needs to draw: one function for each kind of figure, the fixed colours and
 * names of the data sets, and the ways from a figure to SVG, PNG and files. A new kind of figure is
 * one small file that ends in `figure(data, options, parts)`.
 */
export { labelOf } from '../set-names';
export { type BarSeries, bars } from './bars';
export { colourOf, SERIES_COLOURS } from './colours';
export type { Figure, FigureOptions, Guide } from './figure';
export { heatmap } from './heatmap';
export { histogram, type ValueSeries } from './histogram';
export { imageGrid } from './image-grid';
export { type LineSeries, lines } from './lines';
export { liveCurve } from './live';
export { type PanelsOptions, panels } from './panels';
export { quantiles, thinned } from './quantiles';
export { saveFigure, toPng, toSvg } from './render';
export { type PointSeries, scatter } from './scatter';
