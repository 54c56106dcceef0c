/**
 * # Float64 arrays with derivatives: dual numbers
 *
 * A dual number v + d·ε with ε² = 0 carries a value and its derivative in one direction through any
 * formula:
 *
 *     f(v + d·ε) = f(v) + f′(v)·d·ε .
 *
 * A `Field` is an array of them and understands the words of `Values`, so a representation
 * evaluated on a `Field` with the tangent d = e_i gives column i of its Jacobian, exact to float64
 * rounding. TensorFlow.js has no float64; this gives an independent check.
 *
 * Reference: forward-mode automatic differentiation, Griewank & Walther, *Evaluating Derivatives*
 * (2008), chapter 3.
 */
import { at, lengthOf } from '../backend/index';
import { FisherlabError } from '../errors';
import type { ConstantImage, Values } from './values';

type Operand = Field | number | ConstantImage;

export class Field implements Values<Field> {
  /**
   * @param values flat, row-major
   * @param shape their shape
   * @param tangents the derivative of each value in one direction; absent: zeros
   */
  constructor(
    readonly values: Float64Array,
    readonly shape: number[],
    readonly tangents: Float64Array = new Float64Array(values.length),
  ) {
    if (values.length !== size(shape) || tangents.length !== values.length) {
      throw new FisherlabError(
        `${values.length} values do not fill the shape [${shape}]`,
        'give as many values as the shape holds',
      );
    }
  }

  add(b: Operand): Field {
    return this.pairwise(b, (x, y) => [x + y, 1, 1]);
  }
  sub(b: Operand): Field {
    return this.pairwise(b, (x, y) => [x - y, 1, -1]);
  }
  mul(b: Operand): Field {
    return this.pairwise(b, (x, y) => [x * y, y, x]);
  }
  div(b: Operand): Field {
    return this.pairwise(b, (x, y) => [x / y, 1 / y, -x / (y * y)]);
  }
  minimum(b: Operand): Field {
    return this.pairwise(b, (x, y) => (x <= y ? [x, 1, 0] : [y, 0, 1]));
  }
  maximum(b: Operand): Field {
    return this.pairwise(b, (x, y) => (x >= y ? [x, 1, 0] : [y, 0, 1]));
  }
  step(): Field {
    return this.each((x) => [x > 0 ? 1 : 0, 0]);
  }
  toBool(): Field {
    return this;
  }
  abs(): Field {
    return this.each((x) => [Math.abs(x), Math.sign(x)]);
  }
  exp(): Field {
    return this.each((x) => [Math.exp(x), Math.exp(x)]);
  }
  log(): Field {
    return this.each((x) => [Math.log(x), 1 / x]);
  }
  pow(p: number): Field {
    return this.each((x) => [x ** p, p * x ** (p - 1)]);
  }
  where(condition: Field, otherwise: Field): Field {
    const picked = (yes: Float64Array, no: Float64Array) =>
      yes.map((x, i) => (condition.values[i] === 1 ? x : (no[i] as number)));
    return new Field(
      picked(this.values, otherwise.values),
      this.shape,
      picked(this.tangents, otherwise.tangents),
    );
  }

  sum(axes: number[], keepDims = false): Field {
    const kept = this.shape.map((n, axis) => (axes.includes(axis) ? 1 : n));
    const out = new Field(new Float64Array(size(kept)), kept);
    const target = broadcastIndices(kept, this.shape);
    target.forEach((to, from) => {
      out.values[to] = (out.values[to] as number) + (this.values[from] as number);
      out.tangents[to] = (out.tangents[to] as number) + (this.tangents[from] as number);
    });
    return keepDims ? out : out.reshape(kept.filter((_, axis) => !axes.includes(axis)));
  }
  min(axes: number[]): Field {
    const kept = this.shape.map((n, axis) => (axes.includes(axis) ? 1 : n));
    const best = new Map<number, number>();
    broadcastIndices(kept, this.shape).forEach((to, from) => {
      const held = best.get(to);
      if (held === undefined || (this.values[from] as number) < (this.values[held] as number))
        best.set(to, from);
    });
    const order = Array.from({ length: size(kept) }, (_, to) => best.get(to) as number);
    return this.picked(
      order,
      kept.filter((_, axis) => !axes.includes(axis)),
    );
  }

  split(parts: number, axis: number): Field[] {
    const width = lengthOf(this, axis) / parts;
    return Array.from({ length: parts }, (_, part) => {
      const indices = Array.from({ length: width }, (_, i) => part * width + i);
      return this.gather(indices, axis);
    });
  }
  concat(others: Field[], axis: number): Field {
    const all = [this, ...others];
    const shape = this.shape.map((n, a) =>
      a === axis ? all.reduce((sum, one) => sum + lengthOf(one, axis), 0) : n,
    );
    const inner = size(this.shape.slice(axis + 1));
    const outer = size(this.shape.slice(0, axis));
    const joined = (part: 'values' | 'tangents') => {
      const out: number[] = [];
      for (let o = 0; o < outer; o++) {
        for (const one of all) {
          const run = lengthOf(one, axis) * inner;
          out.push(...one[part].subarray(o * run, (o + 1) * run));
        }
      }
      return Float64Array.from(out);
    };
    return new Field(joined('values'), shape, joined('tangents'));
  }
  reshape(shape: number[]): Field {
    return new Field(this.values, shape, this.tangents);
  }
  gather(indices: number[], axis: number): Field {
    const shape = this.shape.map((n, a) => (a === axis ? indices.length : n));
    const inner = size(this.shape.slice(axis + 1));
    const length = lengthOf(this, axis);
    const order = Array.from({ length: size(shape) }, (_, i) => {
      const along = at(indices, Math.floor(i / inner) % indices.length);
      return (Math.floor(i / (inner * indices.length)) * length + along) * inner + (i % inner);
    });
    return this.picked(order, shape);
  }

  private picked(order: number[], shape: number[]): Field {
    const from = (source: Float64Array) => Float64Array.from(order, (i) => source[i] as number);
    return new Field(from(this.values), shape, from(this.tangents));
  }

  /** `f` gives the value and its derivative. */
  private each(f: (x: number) => [number, number]): Field {
    const out = new Field(new Float64Array(this.values.length), this.shape);
    this.values.forEach((x, i) => {
      const [value, slope] = f(x);
      out.values[i] = value;
      out.tangents[i] = slope * (this.tangents[i] as number);
    });
    return out;
  }

  /** `f` gives the value and its derivatives in x and in y. */
  private pairwise(b: Operand, f: (x: number, y: number) => [number, number, number]): Field {
    const other = asField(b);
    const rank = Math.max(this.shape.length, other.shape.length);
    const padded = (shape: number[]) => [
      ...new Array<number>(rank - shape.length).fill(1),
      ...shape,
    ];
    const a = padded(this.shape);
    const c = padded(other.shape);
    const shape = a.map((n, axis) => Math.max(n, at(c, axis)));
    const left = broadcastIndices(a, shape);
    const right = broadcastIndices(c, shape);
    const out = new Field(new Float64Array(size(shape)), shape);
    for (let i = 0; i < out.values.length; i++) {
      const l = left[i] as number;
      const r = right[i] as number;
      const [value, byX, byY] = f(this.values[l] as number, other.values[r] as number);
      out.values[i] = value;
      // A derivative that nothing flows along does not count, even where it is infinite.
      const dx = this.tangents[l] as number;
      const dy = other.tangents[r] as number;
      out.tangents[i] = (dx === 0 ? 0 : byX * dx) + (dy === 0 ? 0 : byY * dy);
    }
    return out;
  }
}

function asField(b: Operand): Field {
  if (b instanceof Field) return b;
  if (typeof b === 'number') return new Field(Float64Array.of(b), [1]);
  return new Field(Float64Array.from(b.flat(2)), [
    b.length,
    b[0]?.length ?? 0,
    b[0]?.[0]?.length ?? 0,
  ]);
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/**
 * For every element of `to`, in order, the index of the element of `from` (same rank, axes of 1
 * stretched) it comes from.
 */
function broadcastIndices(from: readonly number[], to: readonly number[]): number[] {
  let indices = [0];
  let stride = 1;
  // From the last axis outwards: each axis repeats what is inside of it, shifted by its stride.
  for (let axis = to.length - 1; axis >= 0; axis--) {
    const step = from[axis] === 1 ? 0 : stride;
    const inner = indices;
    indices = Array.from({ length: at(to, axis) }, (_, i) =>
      inner.map((index) => index + i * step),
    ).flat();
    stride *= at(from, axis);
  }
  return indices;
}
