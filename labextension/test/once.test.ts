/** A deed that is not begun twice. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Once } from '../src/model/once.js';

void test('what goes on is not begun again, for that thing, and can be begun when it is over', async () => {
  const once = new Once();
  const [one, other] = [{}, {}];
  let [begun, end] = [0, (): void => undefined];
  const deed = (): Promise<void> => {
    begun++;
    return new Promise(done => (end = done));
  };
  const first = once.do(one, deed);
  await once.do(one, deed);
  assert.equal(begun, 1);
  assert(once.isBusy(one));
  assert(!once.isBusy(other));
  end();
  await first;
  assert(!once.isBusy(one));
});

void test('what has failed can be begun again', async () => {
  const once = new Once();
  const thing = {};
  await assert.rejects(once.do(thing, () => Promise.reject(new Error('no'))));
  assert(!once.isBusy(thing));
});
