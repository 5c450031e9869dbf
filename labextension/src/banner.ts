/** The line at a notebook's top: which run it shows, and how that one stands. */

import { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import { keptDetail, keptWords } from './model/kept.js';
import { IFlowDocument } from './tokens';
import { DocumentRun } from './wire';
import { atWork, clock, placeOf, runState } from './words';

const HIDE = 'Hide what this notebook shows of the run';
const OWN_COPY = 'The run has its own copy of the cells, as they were when it started.';

export interface BannerActions {
  reveal: () => void;
  dismiss: (run: string) => void;
}

export class Banner extends Widget {
  constructor(
    private readonly _document: IFlowDocument,
    private readonly _actions: BannerActions
  ) {
    super();
    this.addClass('jupyter-flows-banner');
    this._close.setAttribute('aria-label', HIDE);
    this._close.title = HIDE;
    this.node.append(this._sign, this._words, this._kept, this._go, this._close);
    this._sign.className = 'jupyter-flows-sign';
    this._sign.setAttribute('aria-hidden', 'true');
    this._words.className = 'jupyter-flows-words';
    this._kept.className = 'jupyter-flows-kept';
    this._kept.setAttribute('role', 'note');
    _document.changed.connect(this._refresh);
    this._refresh();
  }

  override dispose(): void {
    this._document.changed.disconnect(this._refresh);
    super.dispose();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._refresh();
  }

  private readonly _refresh = (): void => {
    const { run, connected } = this._document;
    const hidden = run === null || run.id === this._dismissed;
    this.setHidden(hidden);
    if (hidden) return;
    const state = runState(run);
    this.node.dataset['tone'] = state.tone;
    this._sign.dataset['sign'] = state.tone;
    const words = bannerWords(run, state.text, connected);
    if (this._words.textContent !== words) this._words.textContent = words;
    this.node.title = [words, state.detail, OWN_COPY].filter(Boolean).join('\n');
    this._refreshKept(run);
    this._go.hidden = placeOf(run) === null;
  };

  private _refreshKept(run: DocumentRun): void {
    const words = keptWords(run);
    const detail = keptDetail(run);
    this._kept.hidden = !words;
    if (this._kept.textContent !== words) this._kept.textContent = words;
    this._kept.title = detail;
    this._kept.setAttribute('aria-label', detail || words);
  }

  private readonly _dismiss = (): void => {
    const { run } = this._document;
    if (!run) return;
    this._dismissed = run.id;
    this._actions.dismiss(run.id);
    this._refresh();
    // the button that had the focus is gone
    this._document.panel.content.activate();
  };

  private readonly _sign = document.createElement('span');
  private readonly _words = document.createElement('span');
  /** What was saved of the variables while it waits. */
  private readonly _kept = document.createElement('span');
  private readonly _go = button('Go to cell', () => {
    this._actions.reveal();
  });
  private readonly _close = button('Hide', this._dismiss);
  private _dismissed: string | null = null;
}

function bannerWords(run: DocumentRun, state: string, connected: boolean): string {
  const name = run.name ?? run.id.slice(-6);
  const words = `${state}. This notebook shows run ${name} of ${clock(run.created_at)}.`;
  if (atWork(run) && !connected) return `Not connected; last known: ${words}`;
  return atWork(run) ? `${words} ${OWN_COPY}` : words;
}

function button(label: string, click: () => void): HTMLButtonElement {
  const made = document.createElement('button');
  made.type = 'button';
  made.className = 'jupyter-flows-link';
  made.textContent = label;
  made.addEventListener('click', click);
  return made;
}
