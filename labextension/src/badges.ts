/** Each cell's state at its side. Nothing of it is saved in the notebook. */

import { Cell } from '@jupyterlab/cells';
import { IDisposable } from '@lumino/disposable';
import { ISignal } from '@lumino/signaling';

import { IFlowDocument } from './tokens';
import { cellStates, isEdited, State } from './words';

const CELL = 'jupyter-flows-cell';
const BADGE = 'jupyter-flows-badge';
const TYPING_PAUSE = 300;
const EDITED = 'Edited since the run started';

export class Badges implements IDisposable {
  constructor(private readonly _document: IFlowDocument) {
    const { model } = _document.panel.context;
    this._signals = [model.contentChanged, model.cells.changed];
    _document.changed.connect(this._refresh);
    for (const signal of this._signals) signal.connect(this._later);
    this._refresh();
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) return;
    this._isDisposed = true;
    window.clearTimeout(this._timer);
    this._document.changed.disconnect(this._refresh);
    for (const signal of this._signals) signal.disconnect(this._later);
  }

  /** Say no more of this run. */
  dismiss(run: string): void {
    this._dismissed = run;
    this._refresh();
  }

  private readonly _later = (): void => {
    if (this._timer || !this._document.run) return;
    this._timer = window.setTimeout(this._refresh, TYPING_PAUSE);
  };

  private readonly _refresh = (): void => {
    window.clearTimeout(this._timer);
    this._timer = 0;
    const { run, sources, panel } = this._document;
    const states = run && run.id !== this._dismissed ? cellStates(run) : new Map<string, State>();
    for (const cell of panel.content.widgets) {
      const { id, sharedModel } = cell.model;
      const state = states.get(id);
      const edited = !!state && isEdited(sources, id, sharedModel.getSource());
      draw(cell, state, edited);
    }
  };

  private readonly _signals: readonly ISignal<unknown, unknown>[];
  private _timer = 0;
  private _dismissed: string | null = null;
  private _isDisposed = false;
}

function draw(cell: Cell, state: State | undefined, edited: boolean): void {
  const there = cell.node.querySelector<HTMLElement>(`:scope > .${BADGE}`);
  if (!state) {
    there?.remove();
    cell.node.classList.remove(CELL);
    return;
  }
  const words = edited ? `${state.text} · ${EDITED}` : state.text;
  const brief = state.isUsual === true && !edited;
  const key = [words, state.detail, state.tone, brief].join('\n');
  if (there?.dataset['key'] === key) return;
  const badge = there ?? document.createElement('div');
  badge.dataset['key'] = key;
  fill(badge, words, state, brief);
  if (there) return;
  place(cell, badge);
  // a cell that was not in sight yet gets its parts later
  void cell.ready.then(() => {
    if (badge.parentElement === cell.node) place(cell, badge);
  });
}

function fill(badge: HTMLElement, words: string, state: State, brief: boolean): void {
  badge.className = BADGE;
  badge.dataset['tone'] = state.tone;
  badge.dataset['brief'] = String(brief);
  badge.setAttribute('role', 'note');
  badge.setAttribute('aria-label', [words, state.detail].filter(Boolean).join('. '));
  badge.title = state.detail ? `${words}\n${state.detail}` : words;
  const sign = document.createElement('span');
  sign.className = 'jupyter-flows-sign';
  sign.dataset['sign'] = brief ? state.text.toLowerCase() : state.tone;
  sign.setAttribute('aria-hidden', 'true');
  const text = document.createElement('span');
  text.className = 'jupyter-flows-words';
  text.textContent = words;
  badge.replaceChildren(sign, text);
}

/** Between what the cell says and what it puts out. */
function place(cell: Cell, badge: HTMLElement): void {
  cell.node.classList.add(CELL);
  const outputs = cell.node.querySelector(':scope > .jp-Cell-outputWrapper');
  cell.node.insertBefore(badge, outputs);
}
