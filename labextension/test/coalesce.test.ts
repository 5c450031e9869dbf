import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Clock, Coalesced } from '../src/model/coalesce.js';

/** Time that passes when it is told to. */
class Hand implements Clock {
  private _at = 0;
  private _waiting: { at: number; then: () => void }[] = [];

  now(): number {
    return this._at;
  }

  later(ms: number, then: () => void): () => void {
    const one = { at: this._at + ms, then };
    this._waiting.push(one);
    return () => {
      this._waiting = this._waiting.filter(each => each !== one);
    };
  }

  async pass(ms: number): Promise<void> {
    this._at += ms;
    const due = this._waiting.filter(one => one.at <= this._at);
    this._waiting = this._waiting.filter(one => one.at > this._at);
    due.forEach(one => {
      one.then();
    });
    await Promise.resolve();
    await Promise.resolve();
  }
}

void test('the first wish is met at once, a crowd of them by one look', async () => {
  const [clock, looks] = [new Hand(), [] as number[]];
  const coalesced = new Coalesced(
    () => {
      looks.push(clock.now());
      return Promise.resolve();
    },
    500,
    clock
  );
  coalesced.ask();
  await clock.pass(0);
  for (let wish = 0; wish < 50; wish++) coalesced.ask();
  await clock.pass(499);
  assert.deepEqual(looks, [0]);
  await clock.pass(1);
  assert.deepEqual(looks, [0, 500]);
  await clock.pass(5000);
  assert.deepEqual(looks, [0, 500]);
});

void test('a wish during a look is met by another, behind it', async () => {
  const clock = new Hand();
  const ends: (() => void)[] = [];
  const coalesced = new Coalesced(() => new Promise(end => ends.push(end)), 500, clock);
  coalesced.ask();
  coalesced.ask();
  await clock.pass(1000);
  assert.equal(ends.length, 1);
  ends[0]?.();
  await new Promise(setImmediate);
  assert.equal(ends.length, 2);
});

void test('a look that fails is not the last one', async () => {
  const clock = new Hand();
  let looks = 0;
  const coalesced = new Coalesced(
    () => {
      looks += 1;
      return Promise.reject(new Error('away'));
    },
    500,
    clock
  );
  coalesced.ask();
  await new Promise(setImmediate);
  await clock.pass(500);
  coalesced.ask();
  assert.equal(looks, 2);
});

void test('nothing is looked at after the end', async () => {
  const clock = new Hand();
  let looks = 0;
  const coalesced = new Coalesced(
    () => {
      looks += 1;
      return Promise.resolve();
    },
    500,
    clock
  );
  coalesced.ask();
  await new Promise(setImmediate);
  coalesced.ask();
  coalesced.dispose();
  await clock.pass(1000);
  assert.equal(looks, 1);
});
