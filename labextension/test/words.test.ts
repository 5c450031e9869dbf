/** States in words: what the server says, and never more. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { DocumentRun, Gate, Step, Vote } from '../src/wire.js';
import { atWork, cellStates, hasEdits, isEdited, placeOf, runState, statusWords } from '../src/words.js';

const T = '2026-05-04T10:03:00.000Z';

function step(id: string, over: Partial<Step> = {}): Step {
  return {
    id,
    index: 0,
    cell: id,
    summary: '',
    status: 'succeeded',
    attempts: 1,
    started_at: T,
    finished_at: T,
    notice: null,
    error: null,
    progress: null,
    ...over
  };
}

function vote(over: Partial<Vote> = {}): Vote {
  const ann = { approver: 'ann', verified: true, claimed: null };
  return { ...ann, approved: true, reason: null, at: T, ...over };
}

function gate(of: string, over: Partial<Gate> = {}): Gate {
  return {
    id: `r.${of}.1`,
    step: of,
    generation: 1,
    status: 'open',
    required_events: 1,
    votes: [],
    deadline: T,
    hide_cancel: false,
    require_reason: false,
    self_approval_disabled: false,
    user_auth_required: false,
    user_groups_required: [],
    approvers: [],
    groups: [],
    digest: null,
    may_vote: true,
    links: null,
    ...over
  };
}

function run(over: Partial<DocumentRun> = {}): DocumentRun {
  return {
    id: 'r',
    status: 'running',
    path: 'a.ipynb',
    name: null,
    owner: 'ann',
    mine: true,
    resumable: false,
    created_at: T,
    started_at: T,
    finished_at: null,
    deadline: null,
    wake_at: null,
    error: null,
    kernel_id: 'k',
    checkpoint: null,
    saved: null,
    released_at: null,
    choices: [],
    steps: [],
    gates: [],
    ...over
  };
}

function wordsOf(one: Step, over: Partial<DocumentRun> = {}): string | undefined {
  return cellStates(run({ steps: [one], ...over })).get(one.id)?.text;
}

void test('a cell is found by its own id, whatever its step is called', () => {
  const one = run({ steps: [step('load', { cell: 'c1', status: 'failed' })] });
  assert.deepEqual([...cellStates(one).keys()], ['c1']);
  assert.equal(placeOf(one), 'c1');
});

void test('a cell that has not begun is queued while the run is at work, and then nothing', () => {
  const waiting = step('a', { status: 'pending', attempts: 0 });
  assert.equal(wordsOf(waiting), 'Queued');
  assert.equal(wordsOf(waiting, { status: 'failed' }), undefined);
});

void test('a cell that is tried again says so', () => {
  assert.equal(wordsOf(step('a', { status: 'running', attempts: 3 })), 'Running, try 3');
  assert.equal(wordsOf(step('a', { attempts: 3 })), 'Done after 3 tries');
  assert.equal(wordsOf(step('a', { status: 'failed', attempts: 2 })), 'Failed after 2 tries');
  assert.equal(wordsOf(step('a', { status: 'pending', attempts: 1 })), 'Try 2 follows');
});

void test('a running cell says how far it is, where it knows', () => {
  const running = step('a', { status: 'running' });
  const known = { ...running, progress: { percent: 42, message: null } };
  const said = { ...running, attempts: 2, progress: { percent: 0, message: 'loading' } };
  assert.equal(wordsOf(running), 'Running');
  assert.equal(wordsOf(known), 'Running, 42 %');
  assert.equal(wordsOf(said), 'Running, try 2, 0 %: loading');
  assert.equal(cellStates(run({ steps: [running] })).get('a')?.isUsual, true);
  assert.equal(cellStates(run({ steps: [known] })).get('a')?.isUsual, false);
  assert.equal(wordsOf(known, { status: 'interrupted' }), 'Interrupted');
});

void test('a running cell of a run that stopped was interrupted', () => {
  assert.equal(wordsOf(step('a', { status: 'running' }), { status: 'interrupted' }), 'Interrupted');
});

void test('an open gate says how many of how many approved', () => {
  const gates = [gate('a', { required_events: 2, votes: [vote()] })];
  const words = wordsOf(step('a'), { status: 'suspended', gates });
  assert.equal(words, 'Waiting: 1 of 2 approved');
});

void test('a decided gate names who decided, and that a name is not verified', () => {
  const votes = [vote(), vote({ approver: 'bob', verified: false })];
  const gates = [gate('a', { status: 'approved', votes })];
  assert.equal(wordsOf(step('a'), { gates }), 'Approved by ann, bob (not verified)');
  const refused = [gate('a', { status: 'rejected', votes: [vote({ approved: false })] })];
  assert.equal(wordsOf(step('a'), { gates: refused }), 'Rejected by ann');
});

void test('only the newest opening of a gate counts', () => {
  const gates = [
    gate('a', { generation: 2, status: 'open' }),
    gate('a', { generation: 1, status: 'rejected' })
  ];
  assert.equal(wordsOf(step('a'), { gates }), 'Waiting for approval');
});

void test('a cell that runs again says that, not what its gate said before', () => {
  const gates = [gate('a', { status: 'rejected' })];
  assert.equal(wordsOf(step('a', { status: 'running' }), { gates }), 'Running');
});

void test('an error is told in the detail', () => {
  const error = { name: 'ValueError', message: 'no' };
  const state = cellStates(run({ steps: [step('a', { status: 'failed', error })] })).get('a');
  assert.equal(state?.detail, 'ValueError: no');
});

void test('every status of a run has its words', () => {
  const steps = [step('a'), step('b', { status: 'running' })];
  assert.equal(runState(run({ steps })).text, 'Running step 2 of 2');
  const gates = [gate('a', { required_events: 2 })];
  assert.equal(runState(run({ status: 'suspended', gates })).text, 'Waiting: 0 of 2 approved');
  assert.equal(runState(run({ status: 'succeeded' })).text, 'Succeeded');
});

void test('a run is at work until it stopped or ended', () => {
  assert(atWork(run({ status: 'suspended' })));
  assert(!atWork(run({ status: 'interrupted' })));
});

void test('one looks for where it waits, before where it works', () => {
  const steps = [step('a'), step('b', { status: 'running' })];
  assert.equal(placeOf(run({ steps })), 'b');
  assert.equal(placeOf(run({ steps, gates: [gate('a')] })), 'a');
});

void test('a cell is edited when its source is another than the run has', () => {
  assert(isEdited({ a: 'x = 1' }, 'a', 'x = 2'));
  assert(!isEdited({ a: 'x = 1' }, 'a', 'x = 1'));
  assert(!isEdited({}, 'a', 'x'));
  assert(!isEdited(null, 'a', 'x'));
});

void test('a notebook was edited when a cell differs or is new, and not by blank ones', () => {
  const ran = { a: 'x = 1', b: 'y' };
  assert.equal(hasEdits(ran, [['a', 'x = 1'], ['b', 'y'], ['c', '  ']]), false);
  assert.equal(hasEdits(ran, [['a', 'x = 2'], ['b', 'y']]), true);
  assert.equal(hasEdits(ran, [['a', 'x = 1'], ['c', 'new']]), true);
  assert.equal(hasEdits(null, [['a', 'x = 2']]), false);
});

void test('who listens is told the status, and not every step', () => {
  const steps = [{ ...step('a'), status: 'running' as const }];
  assert.equal(statusWords(run({ status: 'running', steps })), 'Flow: Running');
  assert.equal(statusWords(run({ status: 'running' })), 'Flow: Running');
  assert.equal(statusWords(run({ status: 'suspended' })), 'Flow: Waiting for approval');
});
