/** What is typed into a parameter's field, as a value. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Parameter } from '../src/api.js';
import { Typed, valueOf } from '../src/model/parameters.js';
import { Json } from '../src/wire.js';

function read(type: string | null, value: Json, typed: string): object {
  const parameter: Parameter = { name: 'x', default: '', value, type, help: '' };
  const isNumber = type === 'int' || type === 'float';
  const input: Typed = {
    type: isNumber ? 'number' : 'text',
    value: typed,
    valueAsNumber: typed ? Number(typed) : NaN,
    checked: false,
    defaultChecked: false
  };
  return valueOf(parameter, input);
}

void test('a whole number is needed where the parameter says int', () => {
  assert.deepEqual(read('int', 3, '4'), { value: 4 });
  assert.deepEqual(read('int', 3, '1.5'), { mistake: 'A whole number is needed here.' });
  assert.deepEqual(read('float', 3, '1.5'), { value: 1.5 });
  assert.deepEqual(read('int', 3, ''), { mistake: 'A number is needed here.' });
});

void test('text is text, and anything else is JSON', () => {
  assert.deepEqual(read('str', 'a', '7'), { value: '7' });
  assert.deepEqual(read(null, [1], '[2]'), { value: [2] });
  assert('mistake' in read(null, [1], 'two'));
  assert.deepEqual(read(null, null, 'two'), { value: 'two' });
});
