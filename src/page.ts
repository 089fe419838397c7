/**
 * The page that a dialer may live in: hidden, frozen, left and come back to. Layer: peer; the platform's, where there is a document.
 * Invariant: nothing global is touched before the first `watch`, and nothing is left behind after the last.
 */
import type { Page } from "./session/host.js";

interface Target {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}
type Globals = Partial<Target> & { readonly document?: Target & { readonly visibilityState: string } };

/** The page or worker this code runs in; undefined in Node. */
export function platformPage(globals: Globals = globalThis as Globals): Page | undefined {
  const { document } = globals;
  if (typeof globals.addEventListener !== "function" || (document === undefined && !("WorkerGlobalScope" in globals))) return undefined;
  const window = globals as Target;
  return {
    get hidden() {
      return document?.visibilityState === "hidden";
    },
    watch: (listener) => {
      const listeners: readonly (readonly [Target | undefined, string, () => void])[] = [
        [window, "online", () => listener("woke")],
        [window, "pageshow", () => listener("woke")],
        [window, "pagehide", () => listener("left")],
        [document, "resume", () => listener("woke")],
        [document, "visibilitychange", () => listener(document?.visibilityState === "hidden" ? "hidden" : "woke")],
      ];
      for (const [target, type, act] of listeners) target?.addEventListener(type, act);
      return () => {
        for (const [target, type, act] of listeners) target?.removeEventListener(type, act);
      };
    },
  };
}
