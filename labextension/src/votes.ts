/** Votes from the form in the notebook: sent with the user's own cookies, if the user pressed. */

import { ISessionContext } from '@jupyterlab/apputils';
import { KernelMessage } from '@jupyterlab/services';
import { IDisposable } from '@lumino/disposable';

import { SentVote } from './api';
import { IFlowDocument } from './tokens';
import { Answer, DocumentRun, Gate } from './wire';
import { cellOf } from './words.js';

const COMM = 'jupyter_flows';
const BUTTON = '.jupyter-flows-vote';
const APPROVE = 'jupyter-flows-approve';
const REJECT = 'jupyter-flows-reject';

/** What the user is asked once more, outside of the notebook, where the gate names who may answer. */
export interface Asked {
  run: DocumentRun;
  gate: Gate;
  answer: Answer;
}

export interface VoteHost {
  /** The cell whose outputs this element is in, in the notebook or in a view of its own. */
  cellAt: (target: Element) => string | null;
  send: (run: string, gate: string, vote: SentVote) => Promise<unknown>;
  confirm: (asked: Asked) => Promise<boolean>;
  /** An answer came that nobody here has pressed a button for. */
  unpressed: () => void;
  refused: (error: unknown) => void;
}

/** What the user has pressed, and which gate the browser was told of then. */
interface Press {
  gate: string;
  digest: string | null;
  approved: boolean;
}

/** By the notebook: it may be open in several panels, and is answered once. */
const presses = new WeakMap<object, Press>();
const heard = new WeakSet<KernelMessage.IMessage>();

/** Watches one notebook's forms. Code in the kernel can say that somebody voted; it can't press. */
export class InlineVotes implements IDisposable {
  constructor(
    private readonly _document: IFlowDocument,
    private readonly _host: VoteHost
  ) {
    // outputs can have views outside of the notebook
    document.addEventListener('click', this._onClick, true);
    _document.panel.sessionContext.iopubMessage.connect(this._onMessage);
    _document.changed.connect(this._onChanged);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) return;
    this._isDisposed = true;
    document.removeEventListener('click', this._onClick, true);
    this._document.panel.sessionContext.iopubMessage.disconnect(this._onMessage);
    this._document.changed.disconnect(this._onChanged);
  }

  private readonly _onClick = (event: MouseEvent): void => {
    const button = event.isTrusted && event.target instanceof Element && event.target.closest(BUTTON);
    const cell = button ? this._host.cellAt(button) : null;
    if (!button || cell === null) return;
    const press = pressed(button, this._gateOf(cell));
    if (press) presses.set(this._notebook, press);
    else presses.delete(this._notebook);
  };

  /** The press is good until its gate closes, however long the kernel takes. */
  private readonly _onChanged = (): void => {
    const press = presses.get(this._notebook);
    if (press && !this._open(press.gate)) presses.delete(this._notebook);
  };

  private readonly _onMessage = (context: ISessionContext, message: KernelMessage.IMessage): void => {
    const answer = answerIn(message);
    const mine = context.session?.kernel?.clientId;
    if (!answer || !mine || session(message) !== mine || heard.has(message)) return;
    heard.add(message);
    void this._send(answer);
  };

  private async _send(answer: Answer): Promise<void> {
    const { run } = this._document;
    const gate = run?.gates.find(each => each.id === answer.gate);
    if (gate && gate.status !== 'open') return;
    const press = this._spend(answer);
    if (!run || !gate?.may_vote || !press) {
      this._host.unpressed();
      return;
    }
    if (namesAnybody(gate) && !(await this._host.confirm({ run, gate, answer }))) return;
    const { approved, digest } = press;
    const { entries, reason } = answer;
    const vote = { approved, entries, reason: reason || null, digest, inline: true };
    await this._host.send(run.id, gate.id, vote).catch(this._host.refused);
  }

  /** One press is one vote, of its gate, and the one that it says. */
  private _spend(answer: Answer): Press | null {
    const press = presses.get(this._notebook);
    if (press?.gate !== answer.gate) return null;
    presses.delete(this._notebook);
    return press.approved === answer.approved ? press : null;
  }

  private _gateOf(cell: string): Gate | null {
    const { run } = this._document;
    const isIts = (gate: Gate): boolean => run !== null && cellOf(run, gate.step) === cell;
    return run?.gates.find(gate => gate.status === 'open' && isIts(gate)) ?? null;
  }

  private _open(gate: string): boolean {
    const gates = this._document.run?.gates ?? [];
    return gates.some(each => each.id === gate && each.status === 'open');
  }

  private get _notebook(): object {
    return this._document.panel.context;
  }

  private _isDisposed = false;
}

function pressed({ classList }: Element, gate: Gate | null): Press | null {
  const approved = classList.contains(APPROVE);
  if (!gate?.may_vote || approved === classList.contains(REJECT)) return null;
  return { gate: gate.id, digest: gate.digest, approved };
}

function answerIn(message: KernelMessage.IMessage): Answer | null {
  if (message.header.msg_type !== 'comm_msg') return null;
  const { comm_id, data } = message.content as KernelMessage.ICommMsgMsg['content'];
  const answer = data as unknown as Partial<Answer> | undefined;
  return comm_id === COMM && answer?.kind === 'answer' ? (answer as Answer) : null;
}

function session(message: KernelMessage.IMessage): string | null {
  return 'session' in message.parent_header ? message.parent_header.session : null;
}

/** Whether the answer counts as somebody's, and so must not be the notebook's word alone. */
export function namesAnybody(gate: Gate): boolean {
  const { approvers, groups, user_groups_required, user_auth_required } = gate;
  return user_auth_required || [approvers, groups, user_groups_required].some(each => each.length);
}

const SECRET = /passw|passphrase|secret|token|credential|api_?key/i;
const MOST = 200;

/** What was typed, by the fields' names: the browser knows no labels. */
export function readable(entries: Readonly<Record<string, readonly string[]>>): [string, string][] {
  return Object.entries(entries)
    .filter(([name]) => !/[?#]$/.test(name)) // those are the form's own
    .map(([name, values]) => {
      const field = name.replace(/^f\//, '').replace(/@$/, '');
      return [field, SECRET.test(field) ? '••••' : brief(values.join(', '))];
    });
}

function brief(text: string): string {
  if (!text) return '(empty)';
  return text.length > MOST ? `${text.slice(0, MOST)}… (${text.length} characters)` : text;
}
