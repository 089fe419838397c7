/**
 * The values that are sent, the same for every contender, and the check that all of them arrived in order.
 * Ids count down to 0, so that a receiver knows the last one without being told how many there are.
 */

/** About 60 bytes as JSON. */
export interface Small {
  readonly id: number;
  readonly type: string;
  readonly text: string;
  readonly ok: boolean;
}
export const small = (id: number): Small => ({ id, type: "chat", text: "the quick brown fox", ok: true });

/** What JSON cannot say. */
export interface Rich {
  readonly id: number;
  readonly at: Date;
  readonly total: bigint;
  readonly tags: ReadonlySet<string>;
  readonly prices: ReadonlyMap<string, number>;
}
export const rich = (id: number): Rich => ({
  id,
  at: new Date(1_700_000_000_000 + id),
  total: 12_345_678_901_234_567_890n,
  tags: new Set(["new", "fragile"]),
  prices: new Map([
    ["tea", 3.5],
    ["milk", 1.2],
  ]),
});
/** @throws Error when a rich value did not come through as what it was */
export function checkRich(value: Rich): void {
  if (!(value.at instanceof Date && value.tags instanceof Set && value.prices instanceof Map && typeof value.total === "bigint"))
    throw new Error("a rich value arrived as something else");
}

export const blockBytes = 64 * 1024;
/** The first byte is 1 in the last block of a run. The same two blocks are sent again and again; nobody writes to them. */
export const [block, lastBlock] = [0, 1].map((last) => {
  const bytes = new Uint8Array(blockBytes);
  for (let i = 0; i < bytes.length; i++) bytes[i] = i * 31;
  bytes[0] = last;
  return bytes;
}) as [Uint8Array, Uint8Array];
/** @throws Error when a block has another length
 *  @returns whether it is the last one of its run */
export function isLastBlock(bytes: Uint8Array): boolean {
  if (bytes.byteLength !== blockBytes) throw new Error(`expected ${blockBytes} bytes, got ${bytes.byteLength}`);
  return bytes[0] === 1;
}

/** Sees that ids arrive one by one down to 0, run after run. */
export class Countdown {
  #next: number | undefined;
  /** @throws Error when an id was skipped, repeated or overtaken
   *  @returns whether this one is the last of its run */
  take(id: number): boolean {
    if (this.#next !== undefined && id !== this.#next) throw new Error(`expected value ${this.#next}, got ${id}`);
    this.#next = id === 0 ? undefined : id - 1;
    return id === 0;
  }
}

/** How many operations are in flight where a workload keeps many. */
export const inFlight = 1000;

/** Calls `act` with `count - 1` down to 0, with {@link inFlight} calls running at any time. */
export async function keepInFlight(count: number, act: (id: number) => Promise<unknown>): Promise<void> {
  let left = count;
  async function lane(): Promise<void> {
    while (left > 0) await act(--left);
  }
  await Promise.all(Array.from({ length: Math.min(inFlight, count) }, lane));
}
