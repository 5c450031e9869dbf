/** The form in the notebook: what must come together until the browser votes. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Signal } from '@lumino/signaling';

import { SentVote } from '../src/api.js';
import { IFlowDocument } from '../src/tokens.js';
import { Asked, InlineVotes, readable } from '../src/votes.js';
import { Gate } from '../src/wire.js';
import { documentRun, FakeNotebook, FakePanel } from './lab.js';
import { gate, step } from './made.js';

class FakeElement {
  constructor(
    readonly cell: string | null,
    ...names: string[]
  ) {
    this.classList = { contains: (name: string) => names.includes(name) };
  }

  closest(): this {
    return this;
  }

  readonly classList: { contains: (name: string) => boolean };
}

interface Place {
  click: (which: 'approve' | 'reject' | 'neither', more?: { cell?: string; trusted?: boolean }) => void;
  answer: (more?: object, session?: string) => Promise<void>;
  told: (more: Partial<Gate>) => void;
  sent: SentVote[];
  asked: Asked[];
  warned: () => number;
  panel: FakePanel;
  document: IFlowDocument;
}

/** A notebook whose run waits in its cell `a`. */
function waiting(given: Partial<Gate> = {}, sure = true): Place {
  const listeners: ((event: object) => void)[] = [];
  const listens = {
    addEventListener: (_: string, heard: (event: object) => void) => listeners.push(heard)
  };
  Object.assign(globalThis, { Element: FakeElement, document: listens });
  const panel = new FakePanel(new FakeNotebook());
  const changed = new Signal<IFlowDocument, void>({} as unknown as IFlowDocument);
  const known = (more: Partial<Gate>): ReturnType<typeof documentRun> =>
    documentRun({ steps: [step('a', 1, 2), step('b', 1, 2)], gates: [gate('a', more)] });
  const document = { panel: panel.panel, run: known(given), changed, sources: null, connected: true };
  const [sent, asked]: [SentVote[], Asked[]] = [[], []];
  let warned = 0;
  new InlineVotes(document, {
    cellAt: target => (target as unknown as FakeElement).cell,
    send: (_run, _gate, vote) => Promise.resolve(sent.push(vote)),
    confirm: what => Promise.resolve(asked.push(what) > 0 && sure),
    unpressed: () => warned++,
    refused: () => undefined
  });
  return {
    click: (which, { cell = 'a', trusted = true } = {}) => {
      const target = new FakeElement(cell, 'jupyter-flows-vote', `jupyter-flows-${which}`);
      for (const hear of listeners) hear({ isTrusted: trusted, target });
    },
    answer: async (more = {}, session = 'me') => {
      const said = { kind: 'answer', gate: 'run_1.a.1', approved: true, entries: {}, reason: '' };
      panel.sessionContext.iopubMessage.emit({
        header: { msg_type: 'comm_msg' },
        parent_header: { session },
        content: { comm_id: 'jupyter_flows', data: { ...said, digest: 'the kernel’s', ...more } }
      });
      await new Promise(setImmediate);
    },
    told: more => {
      document.run = known({ ...given, ...more });
      changed.emit();
    },
    warned: () => warned,
    sent,
    asked,
    panel,
    document
  };
}

void test('a press and the kernel’s word make a vote, of what the browser was told', async () => {
  const { click, answer, sent, warned } = waiting({ digest: 'sha256:1' });
  click('approve');
  await answer({ entries: { 'f/n': ['3'] } });
  assert.deepEqual(sent, [
    { approved: true, entries: { 'f/n': ['3'] }, reason: null, digest: 'sha256:1', inline: true }
  ]);
  assert.equal(warned(), 0);
  await answer();
  assert.equal(sent.length, 1, 'one press is one vote');
  assert.equal(warned(), 1);
});

void test('the kernel can’t make an approval of a press of Reject', async () => {
  const { click, answer, sent, warned } = waiting();
  click('reject');
  await answer({ approved: true });
  await answer({ approved: false });
  assert.deepEqual(sent, []);
  assert.equal(warned(), 2);
});

void test('no vote without a press of this gate’s own button by a hand', async () => {
  const cases: ((place: Place) => void)[] = [
    () => undefined,
    ({ click }) => {
      click('approve', { trusted: false });
    },
    ({ click }) => {
      click('neither');
    },
    ({ click }) => {
      click('approve', { cell: 'b' });
    }
  ];
  for (const prepare of cases) {
    const place = waiting();
    prepare(place);
    await place.answer();
    assert.deepEqual(place.sent, []);
    assert.equal(place.warned(), 1);
  }
});

void test('what another browser has pressed is that one’s to send', async () => {
  const { click, answer, sent, warned } = waiting();
  click('approve');
  await answer({}, 'another');
  assert.deepEqual(sent, []);
  assert.equal(warned(), 0);
});

void test('who may not vote does not', async () => {
  const { click, answer, sent } = waiting({ may_vote: false });
  click('approve');
  await answer();
  assert.deepEqual(sent, []);
});

void test('a press is good until its gate closes', async () => {
  const { click, answer, told, sent, warned } = waiting();
  click('approve');
  told({ status: 'timed_out' });
  await answer();
  told({ status: 'open' });
  await answer();
  assert.deepEqual(sent, []);
  assert.equal(warned(), 1, 'a gate that is closed says so itself');
});

void test('the digest is the one that the browser knew when the button was pressed', async () => {
  const { click, answer, told, sent } = waiting({ digest: 'before' });
  click('approve');
  told({ digest: 'after' });
  await answer();
  assert.equal(sent[0]?.digest, 'before');
});

void test('a notebook that is open twice votes once', async () => {
  const place = waiting();
  new InlineVotes(place.document, {
    cellAt: () => null,
    send: (_run, _gate, vote) => Promise.resolve(place.sent.push(vote)),
    confirm: () => Promise.resolve(true),
    unpressed: () => assert.fail(),
    refused: () => assert.fail()
  });
  place.click('approve');
  await place.answer();
  assert.equal(place.sent.length, 1);
});

void test('where the gate names who may answer, the user is asked outside of the notebook', async () => {
  for (const naming of [
    { approvers: ['ann'] },
    { user_groups_required: ['qa'] },
    { groups: [{ group: 'qa', required: 1, missing: 1 }] },
    { user_auth_required: true }
  ]) {
    for (const sure of [true, false]) {
      const { click, answer, sent, asked } = waiting(naming, sure);
      click('approve');
      await answer();
      assert.equal(asked.length, 1);
      assert.equal(sent.length, sure ? 1 : 0);
    }
  }
  const plain = waiting();
  plain.click('approve');
  await plain.answer();
  assert.equal(plain.asked.length, 0);
});

void test('what was typed is told by the fields’ names, without the form’s own and what is secret', () => {
  const entries = {
    'f/limit': ['7'],
    'f/limit?': ['number'],
    'f/rows#': ['1', '2'],
    'f/kind@': ['1'],
    'f/db/password': ['hunter2'],
    'f/note': [''],
    'f/file': ['x'.repeat(500)]
  };
  assert.deepEqual(readable(entries), [
    ['limit', '7'],
    ['kind', '1'],
    ['db/password', '••••'],
    ['note', '(empty)'],
    ['file', `${'x'.repeat(200)}… (500 characters)`]
  ]);
});
