/** The status bar's item: how many gates wait for the user. There is none while nothing waits. */

import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';

import { IFlowsStore, PanelCommands } from '../panel/tokens';

class Waiting extends ReactWidget {
  constructor(
    private readonly _count: () => number,
    private readonly _open: () => void
  ) {
    super();
    this.addClass('jp-mod-highlighted');
  }

  protected override render(): React.JSX.Element {
    const count = this._count();
    const words = count === 1 ? '1 gate waits for you' : `${count} gates wait for you`;
    return (
      <button
        type="button"
        className="jfp-Status"
        title={`${words}. Open the inbox.`}
        onClick={this._open}
      >
        {words}
      </button>
    );
  }
}

export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-flows:status',
  description: 'Says in the status bar how many gates wait for you.',
  autoStart: true,
  requires: [IFlowsStore],
  optional: [IStatusBar],
  activate: (app: JupyterFrontEnd, { store }: IFlowsStore, bar: IStatusBar | null): void => {
    if (!bar) return;
    const count = (): number => store.state.inbox?.length ?? 0;
    const item = new Waiting(count, () => {
      void app.commands.execute(PanelCommands.showInbox);
    });
    let shown = count();
    store.changed.connect(() => {
      if (count() === shown) return;
      shown = count();
      item.update();
    });
    bar.registerStatusItem('jupyter-flows:waiting', {
      item,
      align: 'left',
      rank: 100,
      isActive: () => count() > 0,
      activeStateChanged: store.changed
    });
  }
};
