/** A run's outputs brought into the cells of one notebook: into their models, whether they are
 * rendered or not, and with the fewest calls.
 */

import { ICodeCellModel } from '@jupyterlab/cells';
import { IOutput } from '@jupyterlab/nbformat';
import { INotebookModel } from '@jupyterlab/notebook';
import { IOutputAreaModel } from '@jupyterlab/outputarea';
import { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';

import { Call, drawn, plain, plan, sameStream, widgetModels, withoutWidgets } from './mirror.js';
import { Output, ShownCell } from './wire';

const WIDGET_PATIENCE = 5_000;
const WIDGET_POLL = 50;
const HIDDEN_FRAME = 250;

/** What must be known of the tab's kernel to show views of widgets, and of the run's sources. */
export interface CellsHost {
  /** Whether the tab's kernel is the run's, or none is known to be. */
  sameKernel: () => boolean;
  hasModel: (id: string) => boolean;
  /** Whether the run has another source for this cell. */
  isEdited: (id: string, source: string) => boolean;
}

interface Pending {
  cell: ShownCell;
  /** Whether the run itself has just put this out; a mere snapshot is not. */
  isNews: boolean;
}

export class Cells implements IDisposable {
  constructor(
    private readonly _notebook: INotebookModel,
    private readonly _host: CellsHost
  ) {}

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    window.cancelAnimationFrame(this._frame);
    window.clearTimeout(this._timer);
    this._pending.clear();
    Signal.clearData(this);
  }

  /** What the run has put out just now: the cells show it, whatever they showed before. */
  tell(cells: Iterable<readonly [string, ShownCell]>): void {
    this._await(cells, true);
  }

  /** How it stands. Cells that somebody else has changed since stay as they are. */
  show(cells: Iterable<readonly [string, ShownCell]>): void {
    this._await(cells, false);
  }

  /** With the next frame. A later word on a cell replaces an earlier one. */
  private _await(cells: Iterable<readonly [string, ShownCell]>, isNews: boolean): void {
    if (this._isDisposed) return;
    for (const [id, cell] of cells) {
      this._pending.set(id, { cell, isNews: isNews || this._pending.get(id)?.isNews === true });
    }
    if (this._pending.size) this._soon();
  }

  /** Forget what was shown and what is still to be shown: it is another run's. */
  forget(): void {
    this._pending.clear();
    this._shown = new WeakMap();
    this._theirs.clear();
    this._counts.clear();
  }

  /** Show these cells as running, and no others that we showed so. */
  running(ids: ReadonlySet<string>): void {
    const models = this._models();
    this._silently(() => {
      for (const id of this._busy) if (!ids.has(id)) this._rest(models.get(id));
      for (const id of ids) this._begin(models.get(id));
    });
    this._busy = ids;
  }

  private _begin(model: ICodeCellModel | undefined): void {
    if (!model) return;
    model.executionCount = null;
    model.executionState = 'running';
    this._mark(model);
  }

  private _rest(model: ICodeCellModel | undefined): void {
    if (!model) return;
    model.executionState = 'idle';
    model.executionCount = this._counts.get(model.id) ?? null;
    this._mark(model);
  }

  /** For Lab, what runs is what the cell says now; the run has its own copy. */
  private _mark(model: ICodeCellModel): void {
    const isEdited = this._host.isEdited(model.id, model.sharedModel.getSource());
    // by Reflect: JupyterLab 4.2 can't be told
    if (isEdited) Reflect.set(model, 'isDirty', true);
  }

  /** Trust what these cells show, if their step has begun; else once they show nothing, as nothing
   * of before is the run's. Not later than that: Lab writes outputs anew when they are trusted, and
   * in a document that several have open each would write them.
   */
  trust(ids: Iterable<string>, begun: ReadonlySet<string>): void {
    const models = this._models();
    this._silently(() => {
      for (const id of ids) {
        const model = models.get(id);
        if (model && !model.trusted) this._trust(model, begun.has(id));
      }
    });
  }

  private _trust(model: ICodeCellModel, isRuns: boolean): void {
    const { outputs } = model;
    if (!outputs.length || (isRuns && !this._old.has(outputs))) {
      model.trusted = true;
      return;
    }
    this._old.add(outputs);
    this._cellOf.set(outputs, model.id);
    outputs.changed.connect(this._onEmptied, this);
  }

  private readonly _onEmptied = (outputs: IOutputAreaModel): void => {
    if (outputs.length) return;
    outputs.changed.disconnect(this._onEmptied, this);
    this._old.delete(outputs);
    const model = this._models().get(this._cellOf.get(outputs) ?? '');
    if (model) model.trusted = true;
  };

  /** A tab in the background has no frames; it is brought up to date all the same. */
  private _soon(): void {
    if (this._frame) return;
    this._frame = window.requestAnimationFrame(this._flush);
    this._timer = window.setTimeout(this._flush, HIDDEN_FRAME);
  }

  private readonly _flush = (): void => {
    window.cancelAnimationFrame(this._frame);
    window.clearTimeout(this._timer);
    this._frame = 0;
    const models = this._models();
    const late: [string, Pending][] = [];
    this._silently(() => {
      for (const [id, pending] of this._pending) {
        const model = models.get(id);
        if (!model || (this._theirs.has(id) && !pending.isNews)) continue;
        if (this._awaitsWidget(pending.cell)) late.push([id, pending]);
        else this._bring(model, pending.cell);
      }
    });
    this._pending = new Map(late);
    if (late.length) this._timer = window.setTimeout(this._flush, WIDGET_POLL);
  };

  /** A view that comes before its model says "model not found" for good. */
  private _awaitsWidget(cell: ShownCell): boolean {
    if (!this._host.sameKernel()) return false;
    return widgetModels(cell.outputs).some(id => {
      if (this._host.hasModel(id)) return false;
      const since = this._awaited.get(id) ?? performance.now();
      this._awaited.set(id, since);
      return performance.now() - since < WIDGET_PATIENCE;
    });
  }

  private _bring(model: ICodeCellModel, cell: ShownCell): void {
    const { outputs } = model;
    const views = this._host.sameKernel() ? cell.outputs : withoutWidgets(cell.outputs);
    const wanted = views.map(drawn);
    if (!model.trusted) {
      // what was there before is not trusted along with ours
      outputs.clear();
      model.trusted = true;
    }
    const before = this._shown.get(outputs) ?? (outputs.toJSON() as Output[]).map(plain);
    for (const call of plan(before, wanted)) make(outputs, call);
    this._counts.set(model.id, cell.execution_count);
    // for Lab a cell with a count has been executed
    if (!this._busy.has(model.id)) model.executionCount = cell.execution_count;
    this._mark(model);
    this._watch(model, wanted);
  }

  /** Remember what is there, until somebody else changes it. */
  private _watch({ id, outputs }: ICodeCellModel, wanted: readonly Output[]): void {
    this._shown.set(outputs, wanted);
    this._theirs.delete(id);
    this._cellOf.set(outputs, id);
    outputs.changed.connect(this._onChanged, this);
  }

  private readonly _onChanged = (outputs: IOutputAreaModel): void => {
    if (this._isOurs) return;
    this._shown.delete(outputs);
    const id = this._cellOf.get(outputs);
    if (id !== undefined) this._theirs.add(id);
  };

  /** Our changes are no edits: the notebook is as dirty as it was. */
  private _silently(change: () => void): void {
    const { dirty } = this._notebook;
    this._isOurs = true;
    try {
      change();
    } finally {
      this._isOurs = false;
      if (this._notebook.dirty !== dirty) this._notebook.dirty = dirty;
    }
  }

  private _models(): Map<string, ICodeCellModel> {
    const found = new Map<string, ICodeCellModel>();
    for (const cell of this._notebook.cells) {
      if (cell.type === 'code') found.set(cell.id, cell as ICodeCellModel);
    }
    return found;
  }

  private _pending = new Map<string, Pending>();
  private _shown = new WeakMap<IOutputAreaModel, readonly Output[]>();
  /** Those that had outputs of before when their run began. */
  private readonly _old = new WeakSet<IOutputAreaModel>();
  private readonly _cellOf = new WeakMap<IOutputAreaModel, string>();
  /** The cells whose outputs somebody else has changed since: run them, say, or clear them. By
   * their ids, for a cell that is deleted and comes back has another model.
   */
  private readonly _theirs = new Set<string>();
  private readonly _counts = new Map<string, number | null>();
  private readonly _awaited = new Map<string, number>();
  private _busy: ReadonlySet<string> = new Set();
  private _isOurs = false;
  private _isDisposed = false;
  private _frame = 0;
  private _timer = 0;
}

function make(outputs: IOutputAreaModel, call: Call): void {
  switch (call.call) {
    case 'clear':
      outputs.clear();
      break;
    case 'set':
      outputs.set(call.index, call.output as IOutput);
      break;
    case 'append': {
      const text = outputs.get(call.index).streamText;
      if (text) text.insert(text.text.length, call.text);
      // JupyterLab 4.2 has none
      else outputs.set(call.index, call.output as IOutput);
      break;
    }
    case 'add':
      add(outputs, call.output);
  }
}

/** Lab joins a stream with the one before it; ours stays apart, so that places stay the same. */
function add(outputs: IOutputAreaModel, output: Output): void {
  const last = outputs.length ? (outputs.get(outputs.length - 1).toJSON() as Output) : undefined;
  if (sameStream(last, output)) {
    outputs.add({ output_type: 'display_data', data: {}, metadata: {} });
    outputs.set(outputs.length - 1, output as IOutput);
  } else {
    outputs.add(output as IOutput);
  }
}
