/** What the panel knows: fetched by REST, and told on. It draws nothing. */

import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import { Api, AuditView, GateSummary, LinkView, RunSummary, RunView } from '../api';
import { Problem, wordsOf } from '../problem.js';
import { Coalesced } from '../model/coalesce.js';

export type Tab = 'runs' | 'inbox';
export type Scope = 'notebook' | 'all';

const PAGE = 30;
const AT_MOST = 1000;
const GAP = 500;
const NOT_FOUND = 404;

/** A link that has just been made. Its address is not told again. */
export interface Minted {
  approver: string;
  url: string;
}

export interface Details {
  run: RunView;
  /** Null: they are the owner's to see. */
  links: readonly LinkView[] | null;
  /** Null: not asked for. */
  audit: AuditView | string | null;
  minted: Minted | null;
}

export interface State {
  tab: Tab;
  scope: Scope;
  /** The notebook that the user looks at. */
  path: string | null;
  /** Null: not fetched yet. */
  runs: readonly RunSummary[] | null;
  more: boolean;
  inbox: readonly GateSummary[] | null;
  /** The run whose details are shown. */
  chosen: string | null;
  details: Details | null;
  trouble: string | null;
}

/** What went wrong at last, by where. */
type Troubles = Record<'deed' | 'runs' | 'inbox', string | null>;

export class Store implements IDisposable {
  constructor(readonly api: Api) {
    this._runs = new Coalesced(() => this._lookAtRuns(), GAP);
    this._inbox = new Coalesced(() => this._lookAtInbox(), GAP);
  }

  get state(): State {
    return this._state;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) return;
    this._isDisposed = true;
    this._runs.dispose();
    this._inbox.dispose();
    Signal.clearData(this);
  }

  /** Whether the panel is to be seen: the runs are fetched only then, the inbox always. */
  set watched(watched: boolean) {
    this._watched = watched;
    if (watched) this.refresh();
  }

  get watched(): boolean {
    return this._watched;
  }

  /** Something may have changed. */
  refresh(): void {
    this._inbox.ask();
    if (this._watched) this._runs.ask();
  }

  show(change: Partial<Pick<State, 'tab' | 'scope' | 'chosen'>>): void {
    const other = 'chosen' in change && change.chosen !== this._state.chosen;
    if ('scope' in change && change.scope !== this._state.scope) this._forgetRuns();
    if (other) this._trouble({ runs: null, deed: null });
    this._set(other ? { ...change, details: null } : change);
    this.refresh();
  }

  setPath(path: string | null): void {
    if (path === this._state.path) return;
    if (this._state.scope === 'notebook') this._forgetRuns();
    this._set({ path });
    this.refresh();
  }

  showMore(): void {
    this._wanted = Math.min(AT_MOST, this._wanted + PAGE);
    this._runs.ask();
  }

  async showAudit(run: string, shown: boolean): Promise<void> {
    this._detail(run, { audit: shown ? 'Loading…' : null });
    if (shown) this._detail(run, { audit: await this.api.audit(run).catch(wordsOf) });
  }

  /** Does what was asked for, tells what goes wrong, and looks again. */
  async act(deed: () => Promise<unknown>): Promise<void> {
    this._trouble({ deed: null });
    try {
      await deed();
    } catch (error) {
      this._trouble({ deed: wordsOf(error) });
    }
    this.refresh();
  }

  mint(run: string, gate: string | null, approver: string): Promise<void> {
    return this.act(async () => {
      const minted = await this.api.mintLink(run, gate, approver);
      this._detail(run, { minted: { approver, url: minted.approvalPage } });
    });
  }

  private async _lookAtInbox(): Promise<void> {
    try {
      this._set({ inbox: (await this.api.gates(null, 100)).gates });
      this._trouble({ inbox: null });
    } catch (error) {
      this._trouble({ inbox: wordsOf(error) });
    }
  }

  private async _lookAtRuns(): Promise<void> {
    const { chosen } = this._state;
    try {
      await (chosen === null ? this._lookAtList() : this._lookAtDetails(chosen));
      this._trouble({ runs: null });
    } catch (error) {
      if (chosen !== null && isGone(error)) this._leave(chosen, wordsOf(error));
      else this._trouble({ runs: wordsOf(error) });
    }
  }

  /** There is no such run any more: back to the list. */
  private _leave(run: string, words: string): void {
    if (this._state.chosen !== run) return;
    this.show({ chosen: null });
    this._trouble({ deed: words });
  }

  private async _lookAtList(): Promise<void> {
    const { scope, path } = this._state;
    if (scope === 'notebook' && path === null) {
      this._set({ runs: [], more: false });
      return;
    }
    const wanted = scope === 'notebook' && path !== null ? { path } : {};
    const page = await this.api.listRuns({ ...wanted, limit: this._wanted });
    if (scope !== this._state.scope || path !== this._state.path) {
      this._runs.ask();
      return;
    }
    this._set({
      runs: page.runs,
      more: page.cursor !== null && this._wanted < AT_MOST
    });
  }

  private async _lookAtDetails(id: string): Promise<void> {
    const run = await this.api.getRun(id);
    const links = run.mine ? await this.api.links(id) : null;
    const before = this._state.details;
    const asked = before?.run.id === id && before.audit !== null;
    const audit = asked ? await this.api.audit(id).catch(wordsOf) : null;
    if (this._state.chosen !== id) return;
    this._set({ details: { run, links, audit, minted: before?.minted ?? null } });
  }

  /** Each look and deed says and takes back its own trouble. */
  private _trouble(change: Partial<Troubles>): void {
    this._troubles = { ...this._troubles, ...change };
    const { deed, runs, inbox } = this._troubles;
    const trouble = deed ?? runs ?? inbox;
    if (trouble !== this._state.trouble) this._set({ trouble });
  }

  private _detail(run: string, change: Partial<Details>): void {
    const { details } = this._state;
    if (details?.run.id === run) this._set({ details: { ...details, ...change } });
  }

  private _forgetRuns(): void {
    this._wanted = PAGE;
    this._set({ runs: null, more: false });
  }

  private _set(change: Partial<State>): void {
    if (this._isDisposed) return;
    this._state = { ...this._state, ...change };
    this._changed.emit();
  }

  private _state: State = {
    tab: 'runs',
    scope: 'notebook',
    path: null,
    runs: null,
    more: false,
    inbox: null,
    chosen: null,
    details: null,
    trouble: null
  };
  private _troubles: Troubles = { deed: null, runs: null, inbox: null };
  private _isDisposed = false;
  private _watched = false;
  private _wanted = PAGE;
  private readonly _runs: Coalesced;
  private readonly _inbox: Coalesced;
  private readonly _changed = new Signal<this, void>(this);
}

function isGone(error: unknown): boolean {
  return error instanceof Problem && error.status === NOT_FOUND;
}
