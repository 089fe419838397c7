/**
 * A doubly linked list through its own elements. Layer: core, imports nothing.
 * Invariant: an element is in at most one list, and leaves it in O(1) wherever it stands: cancelling one of 100,000 waiters costs
 * the same as cancelling the only one.
 */

/** What a list can hold. */
export abstract class Linked {
  previous: Linked | undefined = undefined;
  next: Linked | undefined = undefined;
  list: List<Linked> | undefined = undefined;
}

export class List<T extends Linked> {
  head: T | undefined = undefined;
  tail: T | undefined = undefined;
  size = 0;

  push(element: T): void {
    this.insertAfter(element, this.tail);
  }

  /** Puts `element` behind `place`, or first when there is no `place`. */
  insertAfter(element: T, place: T | undefined): void {
    const next = (place === undefined ? this.head : place.next) as T | undefined;
    element.list = this as unknown as List<Linked>;
    element.previous = place;
    element.next = next;
    if (place === undefined) this.head = element;
    else place.next = element;
    if (next === undefined) this.tail = element;
    else next.previous = element;
    this.size++;
  }

  shift(): T | undefined {
    const first = this.head;
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** All elements, for loops in which the list changes. */
  toArray(): T[] {
    const all: T[] = [];
    for (let element = this.head; element !== undefined; element = element.next as T | undefined) all.push(element);
    return all;
  }

  /** @returns whether it was here. */
  remove(element: T): boolean {
    if (element.list !== (this as unknown as List<Linked>)) return false;
    const { previous, next } = element;
    if (previous === undefined) this.head = next as T | undefined;
    else previous.next = next;
    if (next === undefined) this.tail = previous as T | undefined;
    else next.previous = previous;
    element.previous = element.next = element.list = undefined;
    this.size--;
    return true;
  }
}
