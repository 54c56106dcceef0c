/**
 * # Smooth images fill almost nothing of the cube of all images
 *
 * Walk through the pixels of an image like a snake: the first row from left to right, the next from
 * right to left, and so on, starting from black. The *snake variation* is the length of the way the
 * brightness makes,
 *
 *     α(x) = Σ_{i=1}^{d} |x_i − x_{i−1}|,     x_0 = 0 .
 *
 * The steps s_i = x_i − x_{i−1} determine x, the map x → s has determinant 1, and the steps of all
 * images with α(x) ≤ α lie in the ball ‖s‖₁ ≤ α, whose volume is (2α)^d / d!. Hence
 *
 *     ln Leb{x : α(x) ≤ α} ≤ d ln 2α − ln d! .  (eq:volume-bound)
 *
 * For MNIST this is hundreds of nats below zero, the volume of the unit cube: *all* of MNIST's
 * digits lie in a set that a uniform image never meets, and a set of such small volume can hold any
 * probability and any density. Volume, hence density, says little about typical.
 *
 * (The paper's script starts at the first pixel instead of at black; the two agree where the first
 * pixel is black, as in MNIST, and only with the first step counted is the bound exact in d
 * dimensions.)
 *
 * Reference: Dauncey, Holmes, Williams, Falck 2024, arXiv 2403.01485.
 */

/**
 * α of one grey image.
 * @param image flat `[height × width]`, black = 0; α has the unit of its values
 */
export function snakeVariation(image: ArrayLike<number>, height: number, width: number): number {
  let variation = 0;
  let before = 0;
  for (let row = 0; row < height; row++) {
    for (let step = 0; step < width; step++) {
      const column = row % 2 === 0 ? step : width - 1 - step;
      const here = image[row * width + column] as number;
      variation += Math.abs(here - before);
      before = here;
    }
  }
  return variation;
}

/** The bound on ln Leb{x ∈ R^d : snake variation ≤ α}, nats. */
export function lnVolumeBound(alpha: number, d: number): number {
  let lnFactorial = 0;
  for (let k = 2; k <= d; k++) lnFactorial += Math.log(k);
  return d * Math.log(2 * alpha) - lnFactorial;
}

/** One image of a padded data set (`[32, 32]`, values 0…255) without its border, in [0, 1]. */
export function withoutBorder(
  image: ArrayLike<number>,
  side: number,
  border: number,
): Float64Array {
  const inner = side - 2 * border;
  return Float64Array.from({ length: inner * inner }, (_, i) => {
    const row = Math.floor(i / inner) + border;
    return (image[row * side + (i % inner) + border] as number) / 255;
  });
}
