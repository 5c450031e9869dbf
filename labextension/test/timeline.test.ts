import assert from 'node:assert/strict';
import { test } from 'node:test';

import { timeline } from '../src/model/timeline.js';
import { at, gate, run, step } from './made.js';

const NOW = Date.parse(at(100));

void test('bars are to scale, one behind the other', () => {
  const { rows, work } = timeline(run({ steps: [step('a', 0, 1), step('b', 1, 4)] }), NOW);
  assert.equal(work, 4000);
  assert.deepEqual(
    rows.map(row => [row.start, row.width]),
    [
      [0, 0.25],
      [0.25, 0.75]
    ]
  );
});

void test('a wait for people takes no room from the work', () => {
  const asked = gate('a', { opened_at: at(1), closed_at: at(91), status: 'approved' });
  const shown = timeline(run({ steps: [step('a', 0, 1), step('b', 91, 92)], gates: [asked] }), NOW);
  assert.equal(shown.work, 2000);
  assert.equal(shown.waited, 90_000);
  assert.equal(shown.rows[1]?.start, 0.5);
});

void test('an open gate waits until now', () => {
  const shown = timeline(run({ steps: [step('a', 0, 1)], gates: [gate('a')] }), NOW);
  assert.deepEqual(shown.rows[0]?.waits, [
    { gate: 'run_1.a.1', ms: 100_000, open: true, share: 1 }
  ]);
});

void test('waits are to scale among each other', () => {
  const gates = [
    gate('a', { opened_at: at(0), closed_at: at(10) }),
    gate('a', { generation: 2, opened_at: at(10), closed_at: at(50) })
  ];
  const [row] = timeline(run({ steps: [step('a', 0, 0)], gates }), NOW).rows;
  assert.deepEqual(
    row?.waits.map(wait => wait.share),
    [0.25, 1]
  );
});

void test('a step that was not begun has no bar', () => {
  const [row] = timeline(run({ steps: [step('a', null, null)] }), NOW).rows;
  assert.deepEqual([row?.ms, row?.width], [null, 0]);
});

void test('a running step grows, and one whose run has ended does not', () => {
  const steps = [step('a', 90, null)];
  assert.equal(timeline(run({ steps }), NOW).work, 10_000);
  const ended = run({ steps, status: 'cancelled', finished_at: at(95) });
  assert.equal(timeline(ended, NOW).work, 5000);
});

void test('a step without a title is named by its place', () => {
  const steps = [step('x', 0, 1, { summary: '', index: 3 })];
  assert.equal(timeline(run({ steps }), NOW).rows[0]?.label, 'Cell 4');
});
