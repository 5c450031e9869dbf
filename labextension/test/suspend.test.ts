import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isGate, said, taggedOff, taggedOn, withoutGate } from '../src/model/suspend.js';

void test('a cell is a gate by its tag, its options or its lines', () => {
  assert.equal(isGate({}, 'x = 1'), false);
  assert.equal(isGate({ tags: ['suspend'] }, ''), true);
  assert.equal(isGate({ flow: { suspend: true } }, ''), true);
  assert.equal(isGate({ flow: { suspend: {} } }, ''), true);
  assert.equal(isGate({}, '#| suspend: true\nx'), true);
  assert.equal(isGate({}, '#| summary: Pay?\n#| suspend: {required_events: 2}'), true);
});

void test('a later place says the last word', () => {
  assert.equal(isGate({ tags: ['suspend'], flow: { suspend: false } }, ''), false);
  assert.equal(isGate({ tags: ['suspend'] }, '#| suspend: false'), false);
  assert.equal(isGate({ flow: { suspend: false } }, '#| suspend: true'), true);
});

void test('only leading lines count', () => {
  assert.equal(isGate({}, 'x = 1\n#| suspend: true'), false);
});

void test('the tag comes and goes, and other tags stay', () => {
  assert.deepEqual(taggedOn({ tags: ['evidence'] }), ['evidence', 'suspend']);
  assert.deepEqual(taggedOn({ tags: ['suspend'] }), ['suspend']);
  assert.deepEqual(taggedOff({ tags: ['suspend', 'evidence'] }), ['evidence']);
  assert.deepEqual(taggedOn({ tags: 'no list' }), ['suspend']);
});

void test('options that would be lost with the gate are told apart', () => {
  assert.equal(said({ flow: { suspend: {} } }, '').details, false);
  assert.equal(said({ flow: { suspend: { approvers: ['ann'] } } }, '').details, true);
});

void test('without its gate a cell keeps its other options', () => {
  assert.deepEqual(withoutGate({ flow: { summary: 'x', suspend: {} } }), { summary: 'x' });
  assert.equal(withoutGate({ flow: { suspend: true } }), null);
});
