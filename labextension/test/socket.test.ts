/** The line to the server: when it comes back, and when it does not. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { DocumentSocket } from '../src/socket.js';
import { Told } from '../src/wire.js';
import { FakeSocket, FakeWindow, freshWindow } from './lab.js';

const LONG = 90_000;

function connected(): { socket: DocumentSocket; window: FakeWindow; told: Told[] } {
  const window = freshWindow();
  FakeSocket.made = [];
  const told: Told[] = [];
  const socket = new DocumentSocket({
    url: () => 'ws://here',
    socket: FakeSocket as unknown as new (url: string) => WebSocket,
    hello: () => ({ type: 'hello', kernel_client: 'me' }),
    told: what => told.push(what),
    connected: () => undefined
  });
  return { socket, window, told };
}

function waits(window: FakeWindow): number[] {
  return [...window.timers.values()].map(({ after }) => after);
}

void test('it says who it is, and passes on what it is told', () => {
  const { told } = connected();
  FakeSocket.last.open();
  FakeSocket.last.tell({ type: 'moved', path: 'b' });
  assert.deepEqual(FakeSocket.last.sent, ['{"type":"hello","kernel_client":"me"}']);
  assert.deepEqual(told, [{ type: 'moved', path: 'b' }]);
});

void test('a server that lets it in and closes at once is asked less and less often', () => {
  const { window } = connected();
  for (let time = 0; time < 8; time++) {
    FakeSocket.last.open();
    FakeSocket.last.end();
    assert.equal(window.timers.size, 1);
    if (time < 7) window.pass(LONG);
  }
  assert(waits(window).every(wait => wait >= 30_000));
});

void test('once something has come, or after a while, it comes back soon again', () => {
  for (const proven of [
    (): void => {
      FakeSocket.last.tell({ type: 'moved', path: 'b' });
    },
    (window: FakeWindow): void => {
      window.pass(10_000);
    }
  ]) {
    const { window } = connected();
    for (let time = 0; time < 5; time++) {
      FakeSocket.last.end();
      window.pass(LONG);
    }
    FakeSocket.last.open();
    proven(window);
    FakeSocket.last.end();
    assert(waits(window).every(wait => wait <= 1_500));
  }
});

void test('when the network is back it connects anew, though the old line looks open', () => {
  const { window } = connected();
  const old = FakeSocket.last;
  old.open();
  window.dispatchEvent(new Event('online'));
  assert.equal(FakeSocket.made.length, 2);
  assert.equal(old.readyState, 3);
});

void test('one that was closed for good stays so', () => {
  const { socket, window } = connected();
  socket.dispose();
  socket.restart();
  window.dispatchEvent(new Event('online'));
  assert.equal(FakeSocket.made.length, 1);
  assert.equal(window.timers.size, 0);
});
