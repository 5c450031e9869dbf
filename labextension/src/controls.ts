/** The flow's place in a notebook's toolbar: what can be done now, and the run's state in words. */

import { CommandToolbarButton } from '@jupyterlab/ui-components';
import { NotebookPanel } from '@jupyterlab/notebook';
import { CommandRegistry } from '@lumino/commands';
import { Panel, Widget } from '@lumino/widgets';

import { CommandIDs } from './commands';
import { IFlows } from './tokens';
import { runState, statusWords } from './words';

const SHOWN = [CommandIDs.run, CommandIDs.resume, CommandIDs.cancel];

export class Controls extends Panel {
  constructor(
    private readonly _flows: IFlows,
    private readonly _panel: NotebookPanel,
    commands: CommandRegistry
  ) {
    super();
    this.addClass('jupyter-flows-controls');
    const args = { panel: _panel.id };
    for (const id of SHOWN) this.addWidget(new CommandToolbarButton({ commands, id, args }));
    this._state.addClass('jupyter-flows-state');
    this.addWidget(this._state);
    this._heard.addClass('jupyter-flows-heard');
    this._heard.node.setAttribute('role', 'status');
    this.addWidget(this._heard);
    _flows.documentChanged.connect(this._refresh);
    this._refresh();
  }

  override dispose(): void {
    this._flows.documentChanged.disconnect(this._refresh);
    super.dispose();
  }

  private readonly _refresh = (): void => {
    const run = this._flows.runOf(this._panel)?.run ?? null;
    const state = run && runState(run);
    const { node } = this._state;
    this._state.setHidden(state === null);
    if (state && node.textContent !== state.text) node.textContent = state.text;
    node.title = state?.detail ?? '';
    node.dataset['tone'] = state?.tone ?? '';
    const heard = run ? statusWords(run) : '';
    if (this._heard.node.textContent !== heard) this._heard.node.textContent = heard;
  };

  private readonly _state = new Widget();
  /** For who listens: the run's status when it is another, and not every step. */
  private readonly _heard = new Widget();
}
