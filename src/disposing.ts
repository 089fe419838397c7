/** `await using` for peers and listeners. Layer: peer. */

/** Some engines do not have the symbol yet; there a method would get the name "undefined". */
const symbol: symbol | undefined = (Symbol as { readonly asyncDispose?: symbol }).asyncDispose;

/** Disposing means closing, with the time to drain that `close` has by default. */
export function disposeByClosing(prototype: { close(): Promise<void> }): void {
  if (symbol === undefined) return;
  Object.defineProperty(prototype, symbol, {
    value(this: { close(): Promise<void> }): Promise<void> {
      return this.close();
    },
  });
}
