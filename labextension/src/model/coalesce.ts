/** Many wishes to look again, as few looks: at most one in a while, and never two at once. */

export interface Clock {
  now(): number;
  /** Calls back later; what it gives back calls that off. */
  later(ms: number, then: () => void): () => void;
}

export const CLOCK: Clock = {
  now: () => Date.now(),
  later: (ms, then) => {
    const timer = setTimeout(then, ms);
    return () => {
      clearTimeout(timer);
    };
  }
};

export class Coalesced {
  constructor(
    private readonly _look: () => Promise<void>,
    private readonly _gap: number,
    private readonly _clock: Clock = CLOCK
  ) {}

  /** The look begins now, or as soon as the last one is over and the gap has passed. */
  ask(): void {
    if (this._off || this._waiting) return;
    if (this._looking) {
      this._again = true;
      return;
    }
    const left = this._last + this._gap - this._clock.now();
    if (left <= 0) {
      void this._begin();
      return;
    }
    this._waiting = this._clock.later(left, () => {
      this._waiting = null;
      void this._begin();
    });
  }

  dispose(): void {
    this._off = true;
    this._waiting?.();
    this._waiting = null;
  }

  private async _begin(): Promise<void> {
    this._looking = true;
    this._last = this._clock.now();
    try {
      await this._look();
    } finally {
      this._looking = false;
    }
    if (this._again) {
      this._again = false;
      this.ask();
    }
  }

  private _off = false;
  private _again = false;
  private _looking = false;
  private _last = -Infinity;
  private _waiting: (() => void) | null = null;
}
