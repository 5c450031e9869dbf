/** A deed that is not begun again on the same thing while it goes on. */

export class Once<Thing extends object> {
  isBusy(thing: Thing): boolean {
    return this._busy.has(thing);
  }

  async do(thing: Thing, deed: () => Promise<void>): Promise<void> {
    if (this._busy.has(thing)) return;
    this._busy.add(thing);
    try {
      await deed();
    } finally {
      this._busy.delete(thing);
    }
  }

  private readonly _busy = new WeakSet<Thing>();
}
