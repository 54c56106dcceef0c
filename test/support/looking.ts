import { Collector } from '../../src/gradients/collector';
import type { Factors } from '../../src/gradients/factors';
import type { Layer } from '../../src/gradients/layer';

/** A collector that shows the factors of every layer to `look` and keeps nothing. */
export function looking(look: (layer: Layer, factors: Factors) => void): Collector {
  return new Collector((gradient, layer) => {
    look(layer, gradient);
    return null;
  });
}
