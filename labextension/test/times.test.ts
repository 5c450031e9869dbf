import assert from 'node:assert/strict';
import { test } from 'node:test';

import { between, duration, moment, remaining } from '../src/model/times.js';

const NOW = new Date(2026, 10, 22, 14, 3, 0).getTime();
const ago = (ms: number): string => new Date(NOW - ms).toISOString();
const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000] as const;

void test('a duration has at most two units', () => {
  const said = [0, 340, 2_345, 12_900, 185_000, 120_000, 2 * HOUR + 4 * MINUTE, 3 * DAY + 4 * HOUR];
  assert.deepEqual(said.map(duration), [
    '0 ms',
    '340 ms',
    '2.3 s',
    '12 s',
    '3 min 5 s',
    '2 min',
    '2 h 4 min',
    '3 d 4 h'
  ]);
});

void test('a duration never shows a full unit of the smaller kind', () => {
  assert.equal(duration(59_999), '59 s');
  assert.equal(duration(9_999), '9.9 s');
  assert.equal(duration(999.7), '1.0 s');
});

void test('clocks that differ give no negative times', () => {
  assert.equal(between(ago(-5 * SECOND), null, NOW), 0);
  assert.equal(duration(-5), '0 ms');
});

void test('what has no beginning has no length', () => {
  assert.equal(between(null, null, NOW), null);
  assert.equal(between(ago(MINUTE), null, NOW), MINUTE);
  assert.equal(between(ago(MINUTE), ago(0), NOW + DAY), MINUTE);
});

void test('a moment is as short as its distance allows', () => {
  const said = [30 * SECOND, 5 * MINUTE, 2 * HOUR, DAY, 19 * DAY, 400 * DAY].map(ms =>
    moment(ago(ms), NOW, 'en-GB')
  );
  assert.deepEqual(said, [
    'just now',
    '5 min ago',
    '12:03',
    'yesterday 14:03',
    '3 Nov 14:03',
    '18 Oct 2025 14:03'
  ]);
});

void test('what is left until a deadline', () => {
  assert.equal(remaining(ago(-2 * HOUR), NOW), '2 h left');
  assert.equal(remaining(ago(1), NOW), 'time is up');
});
