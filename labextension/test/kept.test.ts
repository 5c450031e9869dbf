/** What was saved of a waiting run's variables, in words. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { figures, Kept, keptDetail, keptWords, obstacle, size } from '../src/model/kept.js';
import { Checkpoint } from '../src/wire.js';
import { runState } from '../src/words.js';
import { documentRun } from './lab.js';
import { at } from './made.js';

const con = {
  name: 'con',
  type: 'sqlite3.Connection',
  path: 'con',
  reason: 'a connection can’t be saved',
  step: 'c3',
  cell: 3
};

function checkpoint(more: Partial<Checkpoint> = {}): Checkpoint {
  return {
    saved_at: at(3),
    variables: 14,
    bytes: 1_160_000_000,
    seconds: 0.94,
    complete: true,
    dropped: false,
    doubt: null,
    unsaved: [],
    ...more
  };
}

function waiting(more: Partial<Kept> = {}): Kept {
  const saved = '14 variables saved (1.16 GB, 0.9 s).';
  return {
    status: 'suspended',
    checkpoint: checkpoint(),
    saved,
    released_at: null,
    kernel_id: 'k1',
    ...more
  };
}

void test('a run that waits says how much was saved, and all of it in the detail', () => {
  assert.equal(keptWords(waiting()), '14 variables saved');
  assert.equal(keptWords(waiting({ status: 'sleeping' })), '14 variables saved');
  assert.equal(keptDetail(waiting()), '14 variables saved (1.16 GB, 0.9 s).');
  assert.equal(keptWords(waiting({ checkpoint: checkpoint({ variables: 1 }) })), '1 variable saved');
});

void test('what is not saved is counted', () => {
  const partly = waiting({ checkpoint: checkpoint({ unsaved: [con], complete: false }) });
  assert.equal(keptWords(partly), '14 variables saved, 1 not');
});

void test('a run whose variables are not saved says so, and before that nothing', () => {
  const why = 'The variables are not saved: the disk is full';
  const unsaved = waiting({ checkpoint: null, saved: why });
  assert.equal(keptWords(unsaved), 'Variables not saved');
  assert.equal(keptDetail(unsaved), why);
  assert.equal(keptWords(waiting({ checkpoint: null, saved: null })), '');
});

void test('what could not be loaded again is not told as kept well', () => {
  const doubted = waiting({ checkpoint: checkpoint({ doubt: 'no module x', complete: false }) });
  assert.equal(keptWords(doubted), '14 variables saved, but can’t be loaded');
});

void test('a kernel that was released is told apart from one that is gone', () => {
  const released = waiting({ kernel_id: null, released_at: at(9) });
  assert.equal(keptWords(released), '14 variables saved, kernel released');
  assert.equal(keptDetail(released), released.saved);
  const gone = waiting({ kernel_id: null });
  assert.equal(keptWords(gone), '14 variables saved, no kernel');
  assert.match(keptDetail(gone), /comes back with the saved variables/);
});

void test('a run without a kernel promises nothing where not all was saved', () => {
  const gone = waiting({ kernel_id: null, checkpoint: checkpoint({ complete: false }) });
  assert.doesNotMatch(keptDetail(gone), /comes back/);
  assert.equal(keptWords(waiting({ kernel_id: null, checkpoint: null, saved: null })), 'no kernel');
});

void test('a run that does not wait says nothing of it', () => {
  for (const status of ['running', 'succeeded', 'interrupted'] as const) {
    assert.equal(keptWords(waiting({ status, kernel_id: null })), '');
    assert.equal(keptDetail(waiting({ status, kernel_id: null })), '');
  }
});

void test('the state of a run that waits has it in its detail', () => {
  assert.equal(runState(documentRun(waiting())).detail, '14 variables saved (1.16 GB, 0.9 s).');
});

void test('figures and sizes are as the server writes them', () => {
  assert.equal(figures(checkpoint()), '14 variables, 1.16 GB in 0.9 s');
  assert.equal(size(950), '950 B');
  assert.equal(size(1000), '1 kB');
  assert.equal(size(999_600), '1 MB');
});

void test('what stands in the way is named with where it stands', () => {
  assert.equal(obstacle(con), 'sqlite3.Connection');
  const job = { ...con, name: 'job', path: 'job.g', type: 'generator' };
  assert.equal(obstacle(job), 'generator, at job.g');
});
