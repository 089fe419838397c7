/** Serves a subscription to another process, which keeps a buffer of its own for what is offered. Layer: remote. Source: PROTOCOL.md "Topics". */
import type { ReceivePort } from "../core/end.js";
import { Home } from "../core/home.js";
import type { Offered } from "../core/offered.js";
import type { NetchanError } from "../errors.js";
import type { Context } from "./context.js";
import { ServedReceive } from "./served-receive.js";

export class ServedSubscription extends ServedReceive {
  /** How many missed values the other side was told of. */
  #told = 0;
  #withheld = 0;

  constructor(exchange: Context, id: number, port: ReceivePort) {
    super(exchange, id, port);
    port.letGo(); // for nobody but the other side: when it lets go of it, that is the end
  }
  override offer(offered: Offered): void {
    const missed = (this.port.missed ?? 0) + this.#withheld;
    if (missed > this.#told) {
      this.#told = missed;
      this.exchange.post(`"missed",${this.id},${missed}`); // first: when this value is received the number is right
    }
    super.offer(offered);
  }
  protected override withheld(): void {
    this.#withheld++;
  }
  override revoked(refusal: NetchanError): void {
    super.revoked(refusal);
    for (const source of this.sources) if (source instanceof Home) source.refuse(refusal);
  }
}
