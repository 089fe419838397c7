/**
 * The few globals that core, wire, session and remote use, in the smallest form they need: these layers are compiled without the
 * DOM's and Node's types (tsconfig.core.json), so that nothing of one runtime can slip in. Not part of the ordinary build.
 */
interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: ReturnType<typeof JSON.parse>;
  addEventListener(type: "abort", listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}
interface URL {
  readonly href: string;
}
declare const URL: { new (url: string): URL; readonly prototype: URL };
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  constructor(label?: string, options?: { readonly fatal?: boolean });
  decode(bytes: Uint8Array): string;
}
