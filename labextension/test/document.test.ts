/** One open notebook and its run: when the notebook shows what the run shows, and when no more. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Contents } from '@jupyterlab/services';

import { Api } from '../src/api.js';
import { FlowDocument } from '../src/document.js';
import { WIDGET_VIEW } from '../src/mirror.js';
import { DocumentRun, Output, Told } from '../src/wire.js';
import {
  documentRun,
  FakeCell,
  FakeNotebook,
  FakePanel,
  FakeSocket,
  FakeWindow,
  freshWindow,
  stream
} from './lab.js';
import { step } from './made.js';

const api = {
  documentSocketUrl: (path: string, run: string | null, seq: number | null) =>
    `${path} ${String(run)} ${String(seq)}`,
  settings: { WebSocket: FakeSocket }
} as unknown as Api;

interface Opened {
  cell: FakeCell;
  notebook: FakeNotebook;
  panel: FakePanel;
  window: FakeWindow;
  document: FlowDocument;
  tell: (...told: Told[]) => void;
}

function opened(): Opened {
  const window = freshWindow();
  FakeSocket.made = [];
  const cell = new FakeCell('a');
  const notebook = new FakeNotebook(cell);
  const panel = new FakePanel(notebook);
  const document = new FlowDocument(panel.panel, api, {} as unknown as Contents.IManager);
  FakeSocket.last.open();
  const tell = (...told: Told[]): void => {
    FakeSocket.last.tell(...told);
    window.frame();
  };
  return { cell, notebook, panel, window, document, tell };
}

function reconnect(window: FakeWindow): void {
  FakeSocket.last.end();
  window.pass(90_000);
  FakeSocket.last.open();
}

function run(more: Partial<DocumentRun> = {}): Told {
  return { type: 'run', run: documentRun(more) };
}

function outputs(seq: number, output: Output | string, id = 'run_1', shared = false): Told {
  const shown = typeof output === 'string' ? stream(output) : output;
  const cells = { a: { outputs: [shown], execution_count: 1 } };
  return { type: 'outputs', run: id, seq, shared, cells };
}

const form: Output = {
  output_type: 'display_data',
  data: { [WIDGET_VIEW]: { model_id: 'm' }, 'text/plain': 'form' },
  metadata: {}
};

void test('a run at work is shown, and what is told of it since', () => {
  const { cell, tell } = opened();
  tell(run(), outputs(1, 'one'));
  assert.deepEqual(cell.texts, ['one']);
  const ops: Told = {
    type: 'ops',
    run: 'run_1',
    seq: 2,
    ops: [{ cell: 'a', op: 'append', index: 0, text: ' two' }]
  };
  tell(ops);
  assert.deepEqual(cell.texts, ['one two']);
});

void test('a run that was over when the notebook was opened is not shown, at any reconnect', () => {
  const { cell, window, tell } = opened();
  cell.outputs.add(stream('of the file'));
  tell(run({ status: 'succeeded' }), outputs(1, 'of the run'));
  reconnect(window);
  tell(run({ status: 'succeeded' }), outputs(2, 'of the run'));
  assert.deepEqual(cell.texts, ['of the file']);
});

void test('a run that ended while the line was down is shown when it is back', () => {
  const { cell, window, tell } = opened();
  tell(run(), outputs(1, 'one'));
  reconnect(window);
  tell(run({ status: 'succeeded' }), outputs(9, 'all'));
  assert.deepEqual(cell.texts, ['all']);
});

void test('a run that began and ended while the line was down is shown when it is back', () => {
  const { cell, window, tell } = opened();
  tell({ type: 'run', run: null });
  reconnect(window);
  tell(run({ status: 'succeeded' }), outputs(9, 'all'));
  assert.deepEqual(cell.texts, ['all']);
});

void test('what the user did in a cell since stays at a reconnect', () => {
  const { cell, window, tell } = opened();
  tell(run(), outputs(1, 'one'), run({ status: 'succeeded' }));
  cell.outputs.clear();
  cell.outputs.add(stream('mine'));
  reconnect(window);
  tell(run({ status: 'succeeded' }), outputs(9, 'one'));
  assert.deepEqual(cell.texts, ['mine']);
});

void test('a kernel that is restarted brings nothing back that the user has cleared', () => {
  const { cell, panel, window, tell } = opened();
  tell(run(), outputs(1, form));
  cell.outputs.clear();
  panel.sessionContext.kernelChanged.emit();
  window.frame();
  assert.deepEqual(cell.outputs.toJSON(), []);
});

void test('another kernel takes the views of widgets away, and nothing else', () => {
  const { cell, panel, window, tell } = opened();
  tell(run(), outputs(1, form));
  panel.sessionContext.session.kernel.id = 'k2';
  panel.sessionContext.kernelChanged.emit();
  window.frame();
  const [shown] = cell.outputs.toJSON();
  assert.deepEqual(shown?.['data'], { 'text/plain': 'form' });
});

void test('a cell that comes back shows what the run shows, unless the user had changed it', () => {
  for (const touched of [false, true]) {
    const { cell, notebook, window, tell } = opened();
    tell(run(), outputs(1, 'one'));
    if (touched) cell.outputs.clear();
    const back = new FakeCell('a');
    back.outputs.add(stream('as it was'));
    notebook.putBack(back);
    window.frame();
    assert.deepEqual(back.texts, touched ? ['as it was'] : ['one']);
  }
});

void test('in a shared document a cell is trusted when nothing of before is in it any more', () => {
  const { cell, tell } = opened();
  cell.trusted = false;
  cell.outputs.add(stream('of before'));
  tell(run({ steps: [step('a', null, null)] }), outputs(1, 'new', 'run_1', true));
  assert.equal(cell.trusted, false);
  tell(run({ steps: [step('a', 1, null)] }));
  assert.equal(cell.trusted, false, 'the server has not cleared it yet');
  cell.outputs.clear();
  assert.equal(cell.trusted, true);
  assert.deepEqual(cell.texts, [], 'the server writes it');
});

void test('in a shared document that is opened later, what the run has put out is trusted', () => {
  const { cell, tell } = opened();
  cell.trusted = false;
  cell.outputs.add(stream('of the run'));
  tell(run({ steps: [step('a', 1, null)] }), outputs(1, 'of the run', 'run_1', true));
  assert.equal(cell.trusted, true);
});

void test('a view that was closed connects no more', () => {
  const { cell, panel, window, document } = opened();
  panel.disposed.emit();
  assert(document.isDisposed);
  panel.context.pathChanged.emit();
  panel.sessionContext.kernelChanged.emit();
  window.dispatchEvent(new Event('online'));
  window.frame();
  assert.equal(FakeSocket.made.length, 1);
  assert.deepEqual(cell.texts, []);
});
