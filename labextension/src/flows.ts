/** All open notebooks with the runs that they show: IFlows. */

import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { Contents } from '@jupyterlab/services';
import { ISignal, Signal } from '@lumino/signaling';

import { Api } from './api';
import { FlowDocument } from './document';
import { IFlowDocument, IFlows } from './tokens';

export class Flows implements IFlows {
  constructor(
    readonly api: Api,
    private readonly _tracker: INotebookTracker,
    private readonly _contents: Contents.IManager
  ) {
    _tracker.forEach(this._adopt);
    _tracker.widgetAdded.connect((_, panel) => {
      this._adopt(panel);
    });
    _tracker.currentChanged.connect(() => {
      this._changed.emit();
    });
  }

  runOf(panel: NotebookPanel): IFlowDocument | null {
    return this._documents.get(panel) ?? null;
  }

  get current(): IFlowDocument | null {
    const panel = this._tracker.currentWidget;
    return panel && this.runOf(panel);
  }

  get all(): readonly IFlowDocument[] {
    return [...this._documents.values()];
  }

  get changed(): ISignal<IFlows, void> {
    return this._changed;
  }

  get documentChanged(): ISignal<IFlows, IFlowDocument> {
    return this._documentChanged;
  }

  private readonly _adopt = (panel: NotebookPanel): void => {
    void panel.context.ready.then(() => {
      if (panel.isDisposed) return;
      const document = new FlowDocument(panel, this.api, this._contents);
      this._documents.set(panel, document);
      document.changed.connect(this._onChanged);
      panel.disposed.connect(() => this._documents.delete(panel));
      this._onChanged(document);
    });
  };

  private readonly _onChanged = (document: IFlowDocument): void => {
    this._documentChanged.emit(document);
    if (document === this.current) this._changed.emit();
  };

  private readonly _documents = new Map<NotebookPanel, IFlowDocument>();
  private readonly _changed = new Signal<IFlows, void>(this);
  private readonly _documentChanged = new Signal<IFlows, IFlowDocument>(this);
}
