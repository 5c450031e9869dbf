/** A run's outputs in the cells: what is brought there, and what is left to its author. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Cells } from '../src/cells.js';
import { ShownCell } from '../src/wire.js';
import { FakeCell, FakeNotebook, FakeWindow, freshWindow, stream } from './lab.js';

function made(...given: FakeCell[]): { cells: Cells; window: FakeWindow; notebook: FakeNotebook } {
  const window = freshWindow();
  const notebook = new FakeNotebook(...given);
  const cells = new Cells(notebook.model, {
    sameKernel: () => true,
    hasModel: () => true,
    isEdited: (_, source) => source === 'edited'
  });
  return { cells, window, notebook };
}

function says(text: string): [string, ShownCell][] {
  return [['a', { outputs: [stream(text)], execution_count: 1 }]];
}

void test('a cell shows what it is told, with the next frame, and is no edit', () => {
  const cell = new FakeCell('a');
  const { cells, window, notebook } = made(cell);
  cells.tell(says('one'));
  assert.deepEqual(cell.texts, []);
  window.frame();
  assert.deepEqual(cell.texts, ['one']);
  assert.equal(cell.executionCount, 1);
  assert.equal(notebook.dirty, false);
});

void test('a snapshot leaves alone what somebody else has changed since; news does not', () => {
  const cell = new FakeCell('a');
  const { cells, window } = made(cell);
  cells.tell(says('one'));
  window.frame();
  cell.outputs.clear();
  cells.show(says('one'));
  window.frame();
  assert.deepEqual(cell.texts, []);
  cells.tell(says('two'));
  cells.show(says('two'));
  window.frame();
  assert.deepEqual(cell.texts, ['two'], 'news that a snapshot came behind of is news still');
});

void test('what one run has shown is another’s to overwrite', () => {
  const cell = new FakeCell('a');
  const { cells, window } = made(cell);
  cells.tell(says('one'));
  window.frame();
  cell.outputs.clear();
  cells.forget();
  cells.show(says('new'));
  window.frame();
  assert.deepEqual(cell.texts, ['new']);
});

void test('a stream grows by what came; where Lab can’t do that it is set anew', () => {
  for (const old of [false, true]) {
    const cell = new FakeCell('a', '', old);
    const { cells, window } = made(cell);
    cells.tell(says('one'));
    window.frame();
    const before = cell.outputs.calls.length;
    cells.tell(says('one two'));
    window.frame();
    assert.deepEqual(cell.texts, ['one two']);
    assert.equal(cell.outputs.calls.length - before, old ? 1 : 0);
  }
});

void test('a cell that was edited is not called clean because the run’s own copy runs', () => {
  const [edited, same] = [new FakeCell('a', 'edited'), new FakeCell('b', 'same')];
  const { cells } = made(edited, same);
  cells.running(new Set(['a', 'b']));
  assert.deepEqual([edited.isDirty, same.isDirty], [true, false]);
  cells.running(new Set());
  assert.deepEqual([edited.isDirty, same.isDirty], [true, false]);
});

void test('after the end nothing is brought, and nothing is heard', () => {
  const cell = new FakeCell('a');
  const { cells, window } = made(cell);
  cells.tell(says('one'));
  window.frame();
  cells.dispose();
  cells.tell(says('two'));
  window.frame();
  assert.deepEqual(cell.texts, ['one']);
  assert.equal(window.timers.size, 0);
});
