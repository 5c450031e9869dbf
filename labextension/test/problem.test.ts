/** The server's answers, and its refusals in words. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { answerOf, Problem } from '../src/problem.js';

const good = { ok: true, status: 200, statusText: 'OK' };

function problemOf(response: typeof good, text: string): Problem {
  try {
    answerOf(response, text);
  } catch (error) {
    assert(error instanceof Problem);
    return error;
  }
  return assert.fail('it is no problem');
}

void test('what a door says is read, and nothing is null', () => {
  assert.deepEqual(answerOf(good, '{"a": 1}'), { a: 1 });
  assert.equal(answerOf(good, ''), null);
});

void test('a page to log in at, in place of an answer, is no answer', () => {
  const { title, message, status } = problemOf(good, '<!doctype html><title>Sign in</title>');
  assert.deepEqual([title, message, status], ['You are logged out', 'Reload the page.', 401]);
});

void test('a refusal has the server’s words and mistakes, or its status’s', () => {
  const bad = { ok: false, status: 422, statusText: 'Unprocessable Entity' };
  const errors = [{ where: 'limit', message: 'must be a number' }];
  const told = problemOf(bad, JSON.stringify({ title: 'Wrong', detail: 'See below', errors }));
  assert.deepEqual([told.title, told.message, told.mistakes], ['Wrong', 'See below', errors]);
  assert.equal(problemOf(bad, '<html>').message, 'Unprocessable Entity');
});
