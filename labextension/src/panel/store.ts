/** What the panel knows: fetched by REST, and told on. It draws nothing. */

import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import { Api, AuditView, GateSummary, LinkView, RunSummary, RunView } from '../api';
import { wordsOf } from '../problem.js';
import { Coalesced } from '../model/coalesce';

export type Tab = 'runs' | 'inbox';
export type Scope = 'notebook' | 'all';

const PAGE = 30;
const AT_MOST = 1000;
const GAP = 500;

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
    this._set(other ? { ...change, details: null, trouble: null } : change);
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
    this._set({ trouble: null });
    try {
      await deed();
    } catch (error) {
      this._set({ trouble: wordsOf(error) });
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
    } catch (error) {
      if (this._watched) this._set({ trouble: wordsOf(error) });
    }
  }

  private async _lookAtRuns(): Promise<void> {
    try {
      await (this._state.chosen === null
        ? this._lookAtList()
        : this._lookAtDetails(this._state.chosen));
    } catch (error) {
      this._set({ trouble: wordsOf(error) });
    }
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
      more: page.cursor !== null && this._wanted < AT_MOST,
      trouble: null
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
  private _isDisposed = false;
  private _watched = false;
  private _wanted = PAGE;
  private readonly _runs: Coalesced;
  private readonly _inbox: Coalesced;
  private readonly _changed = new Signal<this, void>(this);
}
