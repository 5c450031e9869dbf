import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SCHEMA, newsOf, runEvent } from '../src/model/news.js';
import { asksFor, gateWord, mayCancel, mayResume, savedName, surety, title, voter } from '../src/model/runs.js';
import { RunStatus, Vote } from '../src/wire.js';
import { gate, run, step } from './made.js';

const vote = (more: Partial<Vote> = {}): Vote => ({
  approver: 'bob',
  verified: true,
  claimed: null,
  approved: true,
  reason: null,
  at: '2026-11-22T12:00:00Z',
  ...more
});

void test('only the owner cancels, and only what has not ended', () => {
  assert.equal(mayCancel({ status: 'suspended', mine: true }), true);
  assert.equal(mayCancel({ status: 'suspended', mine: false }), false);
  assert.equal(mayCancel({ status: 'succeeded', mine: true }), false);
});

void test('what failed or was interrupted is resumed', () => {
  const all: RunStatus[] = ['queued', 'running', 'suspended', 'interrupted', 'failed', 'cancelled'];
  assert.deepEqual(
    all.filter(status => mayResume({ status, mine: true })),
    ['interrupted', 'failed']
  );
});

void test('an open gate counts its approvals, not its rejections', () => {
  const votes = [vote(), vote({ approver: 'eve', approved: false })];
  assert.equal(gateWord(gate('a', { required_events: 3, votes })).text, '1 of 3 approved');
});

void test('a gate says who is still asked', () => {
  assert.equal(asksFor(gate('a')), null);
  assert.equal(asksFor(gate('a', { approvers: ['ann', 'bob'] })), 'Asked: ann, bob');
  const groups = [
    { group: 'finance', required: 2, missing: 1 },
    { group: 'legal', required: 1, missing: 0 }
  ];
  assert.equal(asksFor(gate('a', { groups })), '1 more of finance');
});

void test('a name that a link claims is not shown as one that was checked', () => {
  assert.equal(surety(vote()), 'logged in');
  assert.equal(surety(vote({ verified: false })), 'by link, name not checked');
  assert.equal(voter(vote({ approver: null, verified: false })), 'Somebody with the link');
});

void test('a run is called by its flow, else by its file', () => {
  assert.equal(title({ name: 'Report', path: 'a/b.ipynb' }), 'Report');
  assert.equal(title({ name: null, path: 'a/b.ipynb' }), 'b.ipynb');
  assert.equal(title({ name: null, path: '' }), 'A notebook');
  assert.equal(savedName('a/b.ipynb', 'run_1'), 'b-run_1.ipynb');
});

void test('only events of runs are heard', () => {
  assert.deepEqual(runEvent({ schema_id: SCHEMA, run: 'run_1', status: 'failed' }), {
    run: 'run_1',
    status: 'failed'
  });
  assert.equal(runEvent({ schema_id: 'https://events.jupyter.org/contents', run: 'x' }), null);
  assert.equal(runEvent({ schema_id: SCHEMA }), null);
});

void test('a gate is news once, however often its run is told of', () => {
  const waiting = run({ status: 'suspended', steps: [step('ask', 0, 1)], gates: [gate('ask')] });
  assert.equal(newsOf(waiting)?.tag, 'run_1.ask.1');
  assert.equal(newsOf(waiting)?.body, 'ask');
});

void test("others' runs and runs that go on are no news", () => {
  assert.equal(newsOf(run({ status: 'failed', mine: false })), null);
  assert.equal(newsOf(run({ status: 'running' })), null);
  assert.equal(newsOf(run({ status: 'cancelled' })), null);
});

void test('a run that fails again is news again', () => {
  const tags = ['12:00', '13:00'].map(time => newsOf(run({ status: 'failed', finished_at: time })));
  assert.notEqual(tags[0]?.tag, tags[1]?.tag);
});
