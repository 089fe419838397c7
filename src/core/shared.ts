/**
 * One value for many receivers. Layer: core.
 * Each has a copy of its own; the value is written for sessions once, and what its channel ends hold is given back with the last copy.
 */
import { dropEnds, holdEnds, type Parcel, type Travelling } from "./offered.js";

type Content = ReturnType<Parcel["content"]>;

export class Shared {
  /** One for whoever gives them out. */
  #copies = 1;
  #content: Content | undefined;
  #held: readonly Travelling[] = [];

  constructor(
    readonly value: unknown,
    readonly parcel: Parcel | undefined,
    /** @throws NetchanError `ENCODE_FAILED` */
    readonly encode: (value: unknown) => Content,
  ) {}

  copy(): Parcel {
    this.#copies++;
    return new Copy(this);
  }
  /** @throws NetchanError `ENCODE_FAILED` */
  content(): Content {
    if (this.#content === undefined) {
      this.#content = this.parcel?.content() ?? this.encode(this.value);
      if (this.parcel === undefined) {
        this.#held = this.#content.ends;
        holdEnds(this.#held, this);
      }
    }
    return this.#content;
  }
  another(): unknown {
    return this.parcel === undefined ? this.value : this.parcel.another();
  }
  /** A copy is used up, or nobody makes copies any more. */
  over(): void {
    if (--this.#copies > 0) return;
    dropEnds(this.#held, this);
    this.parcel?.discard();
  }
}

class Copy implements Parcel {
  #open = true;
  constructor(readonly shared: Shared) {}
  get from(): unknown {
    return this.shared.parcel?.from;
  }
  revive(): unknown {
    try {
      return this.shared.another();
    } finally {
      this.discard();
    }
  }
  discard(): void {
    if (!this.#open) return;
    this.#open = false;
    this.shared.over();
  }
  another(): unknown {
    return this.shared.another();
  }
  content(): Content {
    return this.shared.content();
  }
}
