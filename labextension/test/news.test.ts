/** What tabs have told of each other. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { marksIn } from '../src/model/news.js';

void test('what tabs keep is read; what is no such thing is nothing', () => {
  assert.deepEqual(marksIn('{"a": 1, "b": "x"}'), [['a', 1]]);
  for (const kept of [null, '{', 'null', '7']) assert.deepEqual(marksIn(kept), []);
});
