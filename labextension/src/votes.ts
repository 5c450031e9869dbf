/** Votes from the form in the notebook: sent with the user's own cookies, if the user clicked. */

import { Notification } from '@jupyterlab/apputils';
import { ISessionContext } from '@jupyterlab/apputils';
import { KernelMessage } from '@jupyterlab/services';
import { IDisposable } from '@lumino/disposable';

import { Api, Problem, wordsOf } from './api';
import { IFlowDocument } from './tokens';
import { Answer } from './wire';
import { cellOf } from './words';

const COMM = 'jupyter_flows';
const BUTTON = '.jupyter-flows-vote';
const CLICK_COUNTS_FOR = 10_000;
const FORM_INVALID = 422;

/** Watches one notebook's forms. Code in the kernel can say that somebody voted; it can't click. */
export class InlineVotes implements IDisposable {
  constructor(
    private readonly _document: IFlowDocument,
    private readonly _api: Api
  ) {
    const { panel } = _document;
    panel.content.node.addEventListener('click', this._onClick, true);
    panel.sessionContext.iopubMessage.connect(this._onMessage);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) return;
    this._isDisposed = true;
    const { panel } = this._document;
    panel.content.node.removeEventListener('click', this._onClick, true);
    panel.sessionContext.iopubMessage.disconnect(this._onMessage);
  }

  private readonly _onClick = (event: MouseEvent): void => {
    const { target } = event;
    if (!event.isTrusted || !(target instanceof Element) || !target.closest(BUTTON)) return;
    const cell = this._document.panel.content.widgets.find(each => each.node.contains(target));
    if (cell) this._clicked = { cell: cell.model.id, at: performance.now() };
  };

  private readonly _onMessage = (context: ISessionContext, message: KernelMessage.IMessage): void => {
    if (!KernelMessage.isCommMsgMsg(message) || message.content.comm_id !== COMM) return;
    const mine = context.session?.kernel?.clientId;
    if (!mine || session(message) !== mine) return;
    const answer = message.content.data as unknown as Partial<Answer>;
    if (answer.kind === 'answer') void this._send(answer as Answer);
  };

  private async _send(answer: Answer): Promise<void> {
    const { run } = this._document;
    const gate = run?.gates.find(each => each.id === answer.gate);
    if (!run || !gate || !this._spend(cellOf(run, gate.step))) return;
    const { approved, entries, reason, digest } = answer;
    try {
      const vote = { approved, entries, reason: reason || null, digest, inline: true };
      await this._api.vote(run.id, gate.id, vote);
    } catch (error) {
      complain(error);
    }
  }

  /** One click is one vote. */
  private _spend(cell: string | null): boolean {
    const clicked = this._clicked;
    const counts =
      clicked?.cell === cell && performance.now() - clicked.at <= CLICK_COUNTS_FOR;
    if (counts) this._clicked = null;
    return counts;
  }

  private _clicked: { cell: string; at: number } | null = null;
  private _isDisposed = false;
}

function session(message: KernelMessage.IMessage): string | null {
  return 'session' in message.parent_header ? message.parent_header.session : null;
}

/** What is wrong in the fields, the form says itself, beside them. */
function complain(error: unknown): void {
  const isForms = error instanceof Problem && error.status === FORM_INVALID;
  if (!isForms) Notification.error(`Your answer was not counted. ${wordsOf(error)}`);
}
