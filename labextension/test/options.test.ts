import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { Control, read, shown, tick, ticked, write } from '../src/model/options.js';

interface Form {
  metadataSchema: { properties: { '/flow': { 'x-controls': Control[] } } };
}

const forms = (
  JSON.parse(readFileSync('schema/options.json', 'utf8')) as Record<string, Form[]>
)['jupyter.lab.metadataforms'];
const flat = (controls: Control[]): Control[] =>
  controls.flatMap(control => [control, ...flat(control.controls ?? [])]);
const all = new Map(
  flat(forms?.[0]?.metadataSchema.properties['/flow']['x-controls'] ?? []).map(control => [
    control.path.join('.'),
    control
  ])
);

function the(path: string): Control {
  const control = all.get(path);
  assert.ok(control, path);
  return control;
}

const value = (path: string, text: string): unknown => {
  const meant = read(the(path), text);
  return 'value' in meant ? meant.value : 'a mistake';
};

void test('an empty entry means nothing, whatever the field', () => {
  for (const [path, control] of all) {
    if (!control.controls && control.kind !== 'check') assert.equal(value(path, ' '), undefined);
  }
});

void test('names are a list', () => {
  assert.deepEqual(value('suspend.approvers', 'ann, bob,'), ['ann', 'bob']);
  assert.equal(value('suspend.approvers', ' , '), undefined);
  assert.equal(value('suspend.approvers', 'ann, ann'), 'a mistake');
});

void test('approvals are a number, or a number of each group', () => {
  const path = 'suspend.required_events';
  assert.equal(value(path, '2'), 2);
  assert.equal(value(path, '0'), 'a mistake');
  assert.equal(value(path, '-1'), 'a mistake');
  const groups = [{ group: 'finance team', required: 2 }, { group: 'legal' }];
  assert.deepEqual(value(path, 'finance team 2, legal'), groups);
  assert.equal(shown(the(path), { suspend: { required_events: groups } }), 'finance team 2, legal');
});

void test('a duration is what the server takes for one', () => {
  assert.deepEqual(['90s', '1.5h', '30'].map(text => value('timeout', text)), ['90s', '1.5h', '30s']);
  assert.deepEqual(
    ['0s', '3 days', 'soon', '0'].map(text => value('timeout', text)),
    Array(4).fill('a mistake')
  );
});

void test('whole numbers stay within their limits', () => {
  const path = 'retry.constant.attempts';
  assert.deepEqual(['3', '0', '1001', '1.5', 'x'].map(text => value(path, text)), [
    3,
    ...(Array(4).fill('a mistake') as string[])
  ]);
});

void test('what is chosen by default is not written', () => {
  assert.equal(value('suspend.order', 'any'), undefined);
  assert.equal(value('suspend.order', 'sequential'), 'sequential');
  assert.equal(tick(the('suspend.pre_approvals'), true), undefined);
  assert.equal(tick(the('suspend.pre_approvals'), false), false);
  assert.equal(ticked(the('suspend.pre_approvals'), {}), true);
});

void test('nothing is written but what was filled in', () => {
  const flow = write({}, ['retry', 'constant', 'attempts'], 3);
  assert.deepEqual(flow, { retry: { constant: { attempts: 3 } } });
  assert.deepEqual(write(flow, ['retry', 'constant', 'attempts'], undefined), {});
  assert.deepEqual(write({}, ['suspend', 'approvers'], undefined), {});
});

void test('a gate without options stays a gate', () => {
  const flow = { suspend: { approvers: ['ann'] } };
  assert.deepEqual(write(flow, ['suspend', 'approvers'], undefined), { suspend: {} });
  assert.deepEqual(write({ suspend: true }, ['suspend', 'approvers'], undefined), { suspend: true });
  assert.deepEqual(write({ suspend: true }, ['suspend', 'approvers'], ['ann']), flow);
});

void test('the options of others are left as they are', () => {
  const flow = { suspend: { resume_form: { schema: {} } }, test: { resume: null } };
  const changed = write(flow, ['suspend', 'timeout'], '3d');
  assert.deepEqual(changed, {
    suspend: { resume_form: { schema: {} }, timeout: '3d' },
    test: { resume: null }
  });
  assert.deepEqual(flow.suspend, { resume_form: { schema: {} } });
});

void test('what only JSON can say is not shown as text', () => {
  assert.equal(shown(the('suspend.description'), { suspend: { description: { md: 'x' } } }), null);
  assert.equal(shown(the('skip_if'), { skip_if: { expr: 'x > 1' } }), 'x > 1');
});
