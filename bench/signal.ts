/** Waiting for the one notice that ends a run, when it comes through a callback. */

/** Made once for each connection: `next()` before a run starts, `tell()` when its end was heard. */
export class Bell {
  #ring: (() => void) | undefined;
  readonly next = (): Promise<void> =>
    new Promise((resolve) => {
      this.#ring = resolve;
    });
  readonly tell = (): void => this.#ring?.();
}
