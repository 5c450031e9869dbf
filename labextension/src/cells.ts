/** A run's outputs brought into the cells of one notebook: into their models, whether they are
 * rendered or not, and with the fewest calls.
 */

import { ICodeCellModel } from '@jupyterlab/cells';
import { IOutput } from '@jupyterlab/nbformat';
import { INotebookModel } from '@jupyterlab/notebook';
import { IOutputAreaModel } from '@jupyterlab/outputarea';
import { IDisposable } from '@lumino/disposable';

import { Call, drawn, plain, plan, sameStream, widgetModels, withoutWidgets } from './mirror';
import { Output, ShownCell } from './wire';

const WIDGET_PATIENCE = 5_000;
const WIDGET_POLL = 50;
const HIDDEN_FRAME = 250;

/** What must be known of the tab's kernel to show views of widgets. */
export interface WidgetHost {
  /** Whether the tab's kernel is the run's, or none is known to be. */
  sameKernel: () => boolean;
  hasModel: (id: string) => boolean;
}

export class Cells implements IDisposable {
  constructor(
    private readonly _notebook: INotebookModel,
    private readonly _widgets: WidgetHost
  ) {}

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    window.cancelAnimationFrame(this._frame);
    window.clearTimeout(this._timer);
    this._pending.clear();
    for (const outputs of this._watched) outputs.changed.disconnect(this._onChanged);
  }

  /** Let these cells show this, with the next frame. A later word on a cell replaces this one. */
  show(cells: Iterable<readonly [string, ShownCell]>): void {
    for (const [id, cell] of cells) this._pending.set(id, cell);
    if (this._pending.size) this._soon();
  }

  /** Forget what was shown and what is still to be shown: it is another run's. */
  forget(): void {
    this._pending.clear();
    this._shown = new WeakMap();
  }

  /** Show these cells as running, and no others that we showed so. */
  running(ids: ReadonlySet<string>): void {
    const models = this._models();
    this._silently(() => {
      for (const id of this._busy) if (!ids.has(id)) setBusy(models.get(id), false);
      for (const id of ids) setBusy(models.get(id), true);
    });
    this._busy = ids;
  }

  /** Trust what these cells show: the user's own run made it. */
  trust(ids: Iterable<string>): void {
    const models = this._models();
    this._silently(() => {
      for (const id of ids) {
        const model = models.get(id);
        if (model) model.trusted = true;
      }
    });
  }

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
    const late: [string, ShownCell][] = [];
    this._silently(() => {
      for (const [id, cell] of this._pending) {
        const model = models.get(id);
        if (!model) continue;
        if (this._awaitsWidget(cell)) late.push([id, cell]);
        else this._bring(model, cell);
      }
    });
    this._pending = new Map(late);
    if (late.length) this._timer = window.setTimeout(this._flush, WIDGET_POLL);
  };

  /** A view that comes before its model says "model not found" for good. */
  private _awaitsWidget(cell: ShownCell): boolean {
    if (!this._widgets.sameKernel()) return false;
    return widgetModels(cell.outputs).some(id => {
      if (this._widgets.hasModel(id)) return false;
      const since = this._awaited.get(id) ?? performance.now();
      this._awaited.set(id, since);
      return performance.now() - since < WIDGET_PATIENCE;
    });
  }

  private _bring(model: ICodeCellModel, cell: ShownCell): void {
    const { outputs } = model;
    const views = this._widgets.sameKernel() ? cell.outputs : withoutWidgets(cell.outputs);
    const wanted = views.map(drawn);
    if (!model.trusted) {
      // what was there before is not trusted along with ours
      outputs.clear();
      model.trusted = true;
    }
    const before = this._shown.get(outputs) ?? (outputs.toJSON() as Output[]).map(plain);
    for (const call of plan(before, wanted)) make(outputs, call);
    model.executionCount = cell.execution_count;
    this._watch(outputs, wanted);
  }

  /** Remember what is there, until somebody else changes it. */
  private _watch(outputs: IOutputAreaModel, wanted: readonly Output[]): void {
    this._shown.set(outputs, wanted);
    if (this._watched.has(outputs)) return;
    this._watched.add(outputs);
    outputs.changed.connect(this._onChanged);
  }

  private readonly _onChanged = (outputs: IOutputAreaModel): void => {
    if (!this._isOurs) this._shown.delete(outputs);
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

  private _pending = new Map<string, ShownCell>();
  private _shown = new WeakMap<IOutputAreaModel, readonly Output[]>();
  private readonly _watched = new Set<IOutputAreaModel>();
  private readonly _awaited = new Map<string, number>();
  private _busy: ReadonlySet<string> = new Set();
  private _isOurs = false;
  private _isDisposed = false;
  private _frame = 0;
  private _timer = 0;
}

function setBusy(model: ICodeCellModel | undefined, busy: boolean): void {
  if (!model) return;
  if (busy) model.executionCount = null;
  model.executionState = busy ? 'running' : 'idle';
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
      text?.insert(text.text.length, call.text);
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
