/** What this extension offers to its plugins, and to others'. */

import { NotebookPanel } from '@jupyterlab/notebook';
import { Token } from '@lumino/coreutils';
import { ISignal } from '@lumino/signaling';

import { Api } from './api';
import { DocumentRun } from './wire';

/** An open notebook, and the run that it shows. */
export interface IFlowDocument {
  readonly panel: NotebookPanel;
  /** As the server last told it; null: the notebook shows no run. */
  readonly run: DocumentRun | null;
  /** The cells' sources as the run has them, by cell id; null: not known (yet). */
  readonly sources: Readonly<Record<string, string>> | null;
  /** Whether the server can tell of changes now. */
  readonly connected: boolean;
  /** Told when any of these is another. */
  readonly changed: ISignal<IFlowDocument, void>;
}

export interface IFlows {
  readonly api: Api;
  /** Null: the panel is gone, or its notebook is not open yet. */
  runOf(panel: NotebookPanel): IFlowDocument | null;
  /** That of the notebook which the user looks at. */
  readonly current: IFlowDocument | null;
  readonly all: readonly IFlowDocument[];
  /** Told when `current` is another, or has changed. */
  readonly changed: ISignal<IFlows, void>;
  /** Told of each open notebook that has changed, the current one or not. */
  readonly documentChanged: ISignal<IFlows, IFlowDocument>;
}

export const IFlows = new Token<IFlows>(
  'jupyter-flows:IFlows',
  'The runs that the open notebooks show, and the doors of their server.'
);
