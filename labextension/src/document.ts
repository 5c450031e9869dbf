/** One open notebook and the run that it shows: what the server tells of it, kept and brought into
 * the cells.
 */

import { ICellModel } from '@jupyterlab/cells';
import { NotebookPanel } from '@jupyterlab/notebook';
import { Contents, Kernel } from '@jupyterlab/services';
import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import { Api } from './api';
import { Cells } from './cells.js';
import { applied, plain, widgetModels } from './mirror.js';
import { remember } from './saved.js';
import { DocumentSocket } from './socket.js';
import { IFlowDocument } from './tokens';
import { atWork, hasEnded, isEdited } from './words.js';
import { DocumentRun, ShownCell, Told } from './wire';

type Of<T extends Told['type']> = Extract<Told, { type: T }>;

export class FlowDocument implements IFlowDocument, IDisposable {
  constructor(
    readonly panel: NotebookPanel,
    private readonly _api: Api,
    private readonly _contents: Contents.IManager
  ) {
    const { context, sessionContext } = panel;
    this._path = context.localPath;
    this._cells = new Cells(context.model, {
      sameKernel: () => this._sameKernel,
      hasModel: id => this._kernel?.hasComm(id) ?? false,
      isEdited: (id, source) => isEdited(this._sources, id, source)
    });
    this._socket = new DocumentSocket({
      url: () => this._api.documentSocketUrl(this._path, this._shows, this._seq),
      socket: this._api.settings.WebSocket,
      hello: () => ({ type: 'hello', kernel_client: this._kernel?.clientId ?? null }),
      told: told => {
        this._told(told);
      },
      connected: is => {
        this._connected = is;
        this._changed.emit();
      }
    });
    // with `this`, so that Signal.clearData ends them
    context.pathChanged.connect(this._onPath, this);
    context.model.cells.changed.connect(this._onCells, this);
    sessionContext.kernelChanged.connect(this._onKernel, this);
    panel.disposed.connect(this._onDisposed, this);
  }

  get run(): DocumentRun | null {
    return this._run;
  }

  get sources(): Readonly<Record<string, string>> | null {
    return this._sources;
  }

  get connected(): boolean {
    return this._connected;
  }

  get changed(): ISignal<IFlowDocument, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) return;
    this._isDisposed = true;
    this._socket.dispose();
    this._cells.dispose();
    Signal.clearData(this);
  }

  private _told(told: Told): void {
    switch (told.type) {
      case 'run':
        this._onRun(told);
        break;
      case 'sources':
        this._sources = told.cells;
        this._changed.emit();
        break;
      case 'outputs':
        this._onOutputs(told);
        break;
      case 'ops':
        this._onOps(told);
        break;
      case 'saved':
        void remember(this.panel.context, this._contents, told);
        break;
      case 'moved':
        this._path = told.path;
    }
  }

  private _onRun({ run }: Of<'run'>): void {
    const isOther = run?.id !== this._run?.id;
    if (isOther) this._begin(run);
    this._run = run;
    this._isLive ||= (isOther && this._hasHeard) || (run !== null && atWork(run));
    this._hasHeard = true;
    if (this._isShared) this._trust();
    else this._cells.running(runningCells(run));
    this._changed.emit();
  }

  /** Another run than before: nothing of that one is shown any more. */
  private _begin(run: DocumentRun | null): void {
    this._sources = null;
    this._isLive = false;
    this._shows = run?.id ?? null;
    this._seq = null;
    this._shown = new Map();
    this._cells.forget();
  }

  /** The truth of how it stands. A run that was over when the notebook was opened is in the file,
   * with whatever its reader has done since: that stays.
   */
  private _onOutputs({ run, seq, shared, cells }: Of<'outputs'>): void {
    const isKnown = run === this._shows && seq === this._seq;
    this._place(run, seq);
    this._saidShared = shared;
    this._shown = new Map(
      Object.entries(cells).map(([id, cell]) => [
        id,
        { ...cell, outputs: cell.outputs.map(plain) }
      ])
    );
    if (isKnown) return;
    if (this._isShared) this._trust();
    else if (this._isLive) this._cells.show(this._shown);
  }

  private _onOps({ run, seq, ops }: Of<'ops'>): void {
    if (run !== this._shows) return;
    this._place(run, seq);
    this._shown = applied(this._shown, ops);
    const touched = new Set(ops.map(op => op.cell));
    if (this._isShared) this._trust();
    else this._cells.tell([...this._shown].filter(([id]) => touched.has(id)));
  }

  private _place(run: string, seq: number): void {
    this._shows = run;
    this._seq = seq;
  }

  /** A shared document is written by the server; here its cells are only trusted. */
  private _trust(): void {
    if (!this._isLive) return;
    const begun = this._run?.steps.filter(step => step.started_at !== null) ?? [];
    this._cells.trust(this._shown.keys(), new Set(begun.map(step => step.cell)));
  }

  /** Nobody but the server writes into a document that several people have open. */
  private get _isShared(): boolean {
    return this._saidShared || (this.panel.context.model.collaborative ?? false);
  }

  private get _kernel(): Kernel.IKernelConnection | null {
    return this.panel.sessionContext.session?.kernel ?? null;
  }

  /** A run that has ended names no kernel any more; the tab's has what it left. */
  private get _sameKernel(): boolean {
    const ran = this._run?.kernel_id ?? null;
    return ran === null ? hasEnded(this._run) : ran === this._kernel?.id;
  }

  private readonly _onPath = (): void => {
    this._path = this.panel.context.localPath;
    this._socket.restart();
  };

  /** Views of widgets come or go with the kernel that has their models. */
  private readonly _onKernel = (): void => {
    this._socket.greet();
    this._showAgain(cell => widgetModels(cell.outputs).length > 0);
  };

  /** A cell that comes back (undo, reload from disk) has outputs of some time before. */
  private readonly _onCells = (_: unknown, { newValues }: { newValues: readonly ICellModel[] }): void => {
    const added = new Set(newValues.map(cell => cell.id));
    this._showAgain((_cell, id) => added.has(id));
  };

  private readonly _onDisposed = (): void => {
    this.dispose();
  };

  private _showAgain(which: (cell: ShownCell, id: string) => boolean): void {
    if (!this._isLive || this._isShared) return;
    this._cells.show([...this._shown].filter(([id, cell]) => which(cell, id)));
  }

  private readonly _cells: Cells;
  private readonly _socket: DocumentSocket;
  private readonly _changed = new Signal<IFlowDocument, void>(this);
  private _path: string;
  private _run: DocumentRun | null = null;
  private _sources: Readonly<Record<string, string>> | null = null;
  private _shown: Map<string, ShownCell> = new Map();
  private _shows: string | null = null;
  private _seq: number | null = null;
  private _saidShared = false;
  private _hasHeard = false;
  private _connected = false;
  /** Whether the run was at work, or began, while this notebook was open. */
  private _isLive = false;
  private _isDisposed = false;
}

function runningCells(run: DocumentRun | null): ReadonlySet<string> {
  const steps = run && atWork(run) ? run.steps : [];
  return new Set(steps.filter(step => step.status === 'running').map(step => step.cell));
}
