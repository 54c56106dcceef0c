/**
 * Glow in plain float64, for one image, from the description of the architecture and a state
 * dictionary: loops over numbers, no tensors, and *no log-determinants*. What these are follows
 * from the definition: the determinant of the full Jacobian of `latents`, by central differences.
 */
import type { NamedTensor } from '../../src/models/safetensors';

/** A map of h x w positions and c channels, the channel fastest. */
interface Plane {
  readonly h: number;
  readonly w: number;
  readonly c: number;
  readonly values: Float64Array;
}

export interface PlainGlow {
  readonly weights: ReadonlyMap<string, NamedTensor>;
  readonly K: number;
  readonly L: number;
}

export interface PlainResult {
  /** All latents, level by level, in one vector. */
  readonly latents: Float64Array;
  /** The Gaussians' log-density of the latents. */
  readonly prior: number;
  /** What comes out of each actnorm: its name, and the values. */
  readonly normalised: ReadonlyMap<string, Plane>;
}

/** @param y the image in the model's unit, x/256 − ½ + noise, flat [H, W, C] */
export function plainGlow(
  model: PlainGlow,
  y: ArrayLike<number>,
  [h, w, c]: readonly [number, number, number],
): PlainResult {
  const weight = (name: string) => {
    const found = model.weights.get(name);
    if (found === undefined) throw new Error(`no tensor ${name}`);
    return found.values;
  };
  const normalised = new Map<string, Plane>();
  const latents: number[] = [];
  let prior = 0;

  const actnorm = (name: string, x: Plane): Plane => {
    const [bias, logs] = [weight(`${name}.bias`), weight(`${name}.logs`)];
    const out = map(x, x.c, (at, k) => (at(k) + (bias[k] as number)) * Math.exp(logs[k] as number));
    normalised.set(name, out);
    return out;
  };
  const convolve = (name: string, x: Plane): Plane => {
    const { shape } = model.weights.get(name) as NamedTensor;
    const [outputs, inputs, size] = shape as [number, number, number, number];
    const values = weight(name);
    const pad = (size - 1) / 2;
    const out = new Float64Array(x.h * x.w * outputs);
    for (let row = 0; row < x.h; row++) {
      for (let column = 0; column < x.w; column++) {
        for (let o = 0; o < outputs; o++) {
          let sum = 0;
          for (let i = 0; i < inputs; i++) {
            for (let dy = 0; dy < size; dy++) {
              for (let dx = 0; dx < size; dx++) {
                const [r, s] = [row + dy - pad, column + dx - pad];
                if (r < 0 || r >= x.h || s < 0 || s >= x.w) continue;
                sum +=
                  (values[((o * inputs + i) * size + dy) * size + dx] as number) *
                  (x.values[(r * x.w + s) * x.c + i] as number);
              }
            }
          }
          out[(row * x.w + column) * outputs + o] = sum;
        }
      }
    }
    return { h: x.h, w: x.w, c: outputs, values: out };
  };
  const zeroConvolve = (name: string, x: Plane): Plane => {
    const [bias, logs] = [weight(`${name}.conv.bias`), weight(`${name}.logs`)];
    const y = convolve(`${name}.conv.weight`, x);
    return map(
      y,
      y.c,
      (at, k) => (at(k) + (bias[k] as number)) * Math.exp(3 * (logs[k] as number)),
    );
  };
  const relu = (x: Plane): Plane => map(x, x.c, (at, k) => Math.max(0, at(k)));
  const mix = (name: string, x: Plane): Plane => {
    const { c } = x;
    const [P, lower, upper] = [
      weight(`${name}.p`),
      weight(`${name}.lower`),
      weight(`${name}.upper`),
    ];
    const [logs, signs] = [weight(`${name}.log_s`), weight(`${name}.sign_s`)];
    const U = (i: number, j: number) => {
      if (i === j) return (signs[i] as number) * Math.exp(logs[i] as number);
      return i < j ? (upper[i * c + j] as number) : 0;
    };
    const L = (i: number, j: number) => {
      if (i === j) return 1;
      return i > j ? (lower[i * c + j] as number) : 0;
    };
    const sum = (f: (k: number) => number) =>
      Array.from({ length: c }, (_, k) => f(k)).reduce((a, b) => a + b, 0);
    return map(x, c, (at, o) => {
      const u = (i: number) => sum((j) => U(i, j) * at(j));
      const l = (i: number) => sum((j) => L(i, j) * u(j));
      return sum((i) => (P[o * c + i] as number) * l(i));
    });
  };
  const gaussian = (
    z: Plane,
    mean: (k: number, at: number) => number,
    logs: (k: number, at: number) => number,
  ): void => {
    z.values.forEach((value, e) => {
      const [k, at] = [e % z.c, Math.floor(e / z.c)];
      const u = (value - mean(k, at)) / Math.exp(logs(k, at));
      prior -= 0.5 * u * u + logs(k, at) + 0.5 * Math.log(2 * Math.PI);
      latents.push(value);
    });
  };

  let z: Plane = { h, w, c, values: Float64Array.from(y) };
  let index = 0;
  for (let level = 0; level < model.L; level++) {
    z = squeezed(z);
    index++;
    for (let k = 0; k < model.K; k++) {
      const name = `flow.layers.${index++}`;
      const x = mix(`${name}.invconv`, actnorm(`${name}.actnorm`, z));
      const half = x.c / 2;
      const a = map(x, half, (at, c) => at(c));
      const first = relu(
        actnorm(`${name}.block.0.actnorm`, convolve(`${name}.block.0.conv.weight`, a)),
      );
      const second = relu(
        actnorm(`${name}.block.2.actnorm`, convolve(`${name}.block.2.conv.weight`, first)),
      );
      const network = zeroConvolve(`${name}.block.4`, second);
      z = map(x, x.c, (at, c, position) => {
        if (c < half) return at(c);
        const out = (j: number) => network.values[position * network.c + j] as number;
        return (at(c) + out(2 * (c - half))) / (1 + Math.exp(-out(2 * (c - half) + 1) - 2));
      });
    }
    if (level === model.L - 1) break;
    const half = z.c / 2;
    const kept = map(z, half, (at, c) => at(c));
    const off = map(z, half, (at, c) => at(half + c));
    const h = zeroConvolve(`flow.layers.${index++}.conv`, kept);
    gaussian(
      off,
      (k, at) => h.values[at * h.c + 2 * k] as number,
      (k, at) => h.values[at * h.c + 2 * k + 1] as number,
    );
    z = kept;
  }
  const [bias, logs] = [weight('learn_top_fn.conv.bias'), weight('learn_top_fn.logs')];
  const top = (k: number) => (bias[k] as number) * Math.exp(3 * (logs[k] as number));
  gaussian(
    z,
    (k) => top(k),
    (k) => top(z.c + k),
  );
  return { latents: Float64Array.from(latents), prior, normalised };
}

/** ∂ latents / ∂ y by central differences, as rows. */
export function plainJacobian(
  model: PlainGlow,
  y: ArrayLike<number>,
  shape: readonly [number, number, number],
  step = 1e-6,
): Float64Array[] {
  const columns = Array.from(y, (_, i) => {
    const at = (distance: number) => {
      const moved = Float64Array.from(y);
      moved[i] = (moved[i] as number) + distance;
      return plainGlow(model, moved, shape).latents;
    };
    const [ahead, behind] = [at(step), at(-step)];
    return ahead.map((value, k) => (value - (behind[k] as number)) / (2 * step));
  });
  return Array.from(y, (_, row) => Float64Array.from(columns, (column) => column[row] as number));
}

/** A plane of `c` channels, each a function of the channels at its position. */
function map(
  x: Plane,
  c: number,
  f: (at: (k: number) => number, k: number, position: number) => number,
): Plane {
  const values = Float64Array.from({ length: x.h * x.w * c }, (_, e) => {
    const position = Math.floor(e / c);
    return f((k) => x.values[position * x.c + k] as number, e % c, position);
  });
  return { h: x.h, w: x.w, c, values };
}

/** 2x2 pixels into channels: channel `c·4 + dy·2 + dx`. */
function squeezed({ h, w, c, values }: Plane): Plane {
  const out = new Float64Array(values.length);
  for (let row = 0; row < h; row++) {
    for (let column = 0; column < w; column++) {
      for (let k = 0; k < c; k++) {
        const position = (row >> 1) * (w / 2) + (column >> 1);
        out[position * 4 * c + 4 * k + 2 * (row % 2) + (column % 2)] = values[
          (row * w + column) * c + k
        ] as number;
      }
    }
  }
  return { h: h / 2, w: w / 2, c: 4 * c, values: out };
}
