/** The panel's store: whose trouble is told, and for how long. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Api } from '../src/api.js';
import { Store } from '../src/panel/store.js';
import { Problem } from '../src/problem.js';
import { run } from './made.js';

const away = new Problem('The server does not answer', '', 0);

interface Doors {
  gates: () => Promise<object>;
  listRuns: () => Promise<object>;
  getRun: (id: string) => Promise<object>;
  links: () => Promise<object[]>;
}

/** A store whose server answers so, once it has looked. */
async function looked(given: Partial<Doors>, chosen: string | null = null): Promise<Store> {
  const doors: Doors = {
    gates: () => Promise.resolve({ gates: [] }),
    listRuns: () => Promise.resolve({ runs: [], cursor: null }),
    getRun: () => Promise.resolve(run()),
    links: () => Promise.resolve([]),
    ...given
  };
  const store = new Store(doors as unknown as Api);
  store.show({ scope: 'all', chosen });
  store.watched = true;
  await settled();
  return store;
}

function settled(): Promise<void> {
  return new Promise(done => setImmediate(done));
}

void test('a list that came does not hide that the inbox did not', async () => {
  const store = await looked({ gates: () => Promise.reject(away) });
  assert.deepEqual(store.state.runs, []);
  assert.equal(store.state.trouble, 'The server does not answer');
  store.dispose();
});

void test('trouble with a run’s details is over when they came', async () => {
  let isAway = true;
  const getRun = (): Promise<object> => (isAway ? Promise.reject(away) : Promise.resolve(run()));
  const store = await looked({ getRun }, 'run_1');
  assert.equal(store.state.trouble, 'The server does not answer');
  isAway = false;
  const changed = new Promise<void>(done => {
    store.changed.connect(() => {
      if (store.state.details) setImmediate(done);
    });
  });
  store.refresh();
  await changed;
  assert.equal(store.state.trouble, null);
  store.dispose();
});

void test('a chosen run that is gone leads back to the list, and is said', async () => {
  const gone = new Problem('Not found', 'There is no such run.', 404);
  const store = await looked({ getRun: () => Promise.reject(gone) }, 'run_1');
  assert.equal(store.state.chosen, null);
  assert.equal(store.state.trouble, 'There is no such run.');
  store.dispose();
});

void test('what a deed failed of is said until the next one', async () => {
  const store = await looked({});
  await store.act(() => Promise.reject(new Error('no')));
  assert.equal(store.state.trouble, 'no');
  await store.act(() => Promise.resolve());
  assert.equal(store.state.trouble, null);
  store.dispose();
});
