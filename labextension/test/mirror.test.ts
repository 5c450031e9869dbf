/** Outputs as values: what ops make of them, and how few calls bring them on screen. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { applied, Call, drawn, plan, widgetModels, withoutWidgets } from '../src/mirror.js';
import { Op, Output, ShownCell } from '../src/wire.js';

function stream(text: string | string[], name = 'stdout'): Output {
  return { output_type: 'stream', name, text };
}

function shown(data: Record<string, unknown>): Output {
  return { output_type: 'display_data', data, metadata: {} };
}

function cellsOf(...outputs: Output[]): Map<string, ShownCell> {
  return new Map([['a', { outputs, execution_count: null }]]);
}

function after(cells: Map<string, ShownCell>, ...ops: Omit<Op, 'cell'>[]): Output[] {
  const made = applied(
    cells,
    ops.map(op => ({ ...op, cell: 'a' }))
  );
  return made.get('a')?.outputs ?? [];
}

/** What the calls make of a list, as an output area would. */
function called(before: Output[], calls: Call[]): Output[] {
  const list = [...before];
  for (const call of calls) {
    switch (call.call) {
      case 'clear':
        list.length = 0;
        break;
      case 'set':
        list[call.index] = call.output;
        break;
      case 'add':
        list.push(call.output);
        break;
      case 'append': {
        const there = list[call.index];
        assert(there);
        list[call.index] = { ...there, text: String(there['text']) + call.text };
      }
    }
  }
  return list;
}

void test('each kind of op does what its name says', () => {
  const two = cellsOf(stream('a'), shown({ x: 1 }));
  assert.deepEqual(after(two, { op: 'cut', index: 1 }), [stream('a')]);
  assert.deepEqual(after(two, { op: 'append', index: 0, text: 'b' })[0], stream('ab'));
  assert.deepEqual(after(two, { op: 'set', index: 1, output: shown({ x: 2 }) })[1], shown({ x: 2 }));
  assert.equal(after(two, { op: 'add', index: 1, output: stream('m', 'stderr') }).length, 3);
  const counted = applied(two, [{ cell: 'a', op: 'count', count: 7 }]);
  assert.equal(counted.get('a')?.execution_count, 7);
});

void test('an op on a cell that showed nothing begins it', () => {
  assert.deepEqual(after(new Map(), { op: 'add', index: 0, output: stream('a') }), [stream('a')]);
});

void test('ops leave what was shown before as it was', () => {
  const cells = cellsOf(stream('a'));
  after(cells, { op: 'append', index: 0, text: 'b' }, { op: 'cut', index: 0 });
  assert.deepEqual(cells.get('a')?.outputs, [stream('a')]);
});

void test('cells that no op names stay the same objects', () => {
  const cells = cellsOf(stream('a'));
  const made = applied(cells, [{ cell: 'b', op: 'add', index: 0, output: stream('b') }]);
  assert.equal(made.get('a'), cells.get('a'));
});

void test('an op at a place that is not there changes nothing', () => {
  assert.deepEqual(after(cellsOf(), { op: 'append', index: 3, text: 'x' }), []);
  assert.deepEqual(after(cellsOf(), { op: 'set', index: 0, output: stream('x') }), []);
});

void test('text in pieces becomes one text', () => {
  const op = { op: 'add', index: 0, output: stream(['a\n', 'b']) } as const;
  assert.deepEqual(after(cellsOf(), op), [stream('a\nb')]);
});

void test('what is the same needs no call', () => {
  assert.deepEqual(plan([shown({ a: 1, b: 2 })], [shown({ b: 2, a: 1 })]), []);
});

void test('text behind a stream is appended, and only the new text', () => {
  assert.deepEqual(plan([stream('one\n')], [stream('one\ntwo\n')]), [
    { call: 'append', index: 0, text: 'two\n', output: stream('one\ntwo\n') }
  ]);
});

void test('a stream whose text is another is set', () => {
  const [call] = plan([stream('10 %')], [stream('20 %')]);
  assert.equal(call?.call, 'set');
});

void test('a stream of another name is set', () => {
  const [call] = plan([stream('a')], [stream('ab', 'stderr')]);
  assert.equal(call?.call, 'set');
});

void test('ten thousand lines in one batch are one call', () => {
  const ops: Op[] = Array.from({ length: 10_000 }, (_, line) => ({
    cell: 'a',
    op: 'append',
    index: 0,
    text: `line ${line}\n`
  }));
  const before = [stream('')];
  const made = applied(new Map([['a', { outputs: before, execution_count: 1 }]]), ops);
  assert.equal(plan(before, made.get('a')?.outputs ?? []).length, 1);
});

void test('the calls of a plan make of any list any other', () => {
  const some = [stream('a'), stream('ab'), stream('x', 'stderr'), shown({ p: 1 }), shown({ p: 2 })];
  const lists = [[], ...some.map(one => [one]), ...some.flatMap(a => some.map(b => [a, b])), some];
  for (const before of lists) {
    for (const wanted of lists) {
      assert.deepEqual(called(before, plan(before, wanted)), wanted);
    }
  }
});

void test('what a progress bar wrote over is gone', () => {
  assert.deepEqual(drawn(stream('a\n10 %\r20 %\r')), stream('a\n20 %'));
  assert.deepEqual(drawn(stream('long\rab\n')), stream('abng\n'));
  assert.deepEqual(drawn(stream('ab\b\bxy')), stream('xy'));
  assert.deepEqual(drawn(stream('1\r\n2\r\n')), stream('1\n2\n'));
});

void test('views of widgets are found, and taken out with the rest left', () => {
  const view = shown({
    'application/vnd.jupyter.widget-view+json': { model_id: 'm1' },
    'text/plain': 'a form'
  });
  assert.deepEqual(widgetModels([stream('a'), view]), ['m1']);
  assert.deepEqual(withoutWidgets([stream('a'), view]), [
    stream('a'),
    shown({ 'text/plain': 'a form' })
  ]);
});
