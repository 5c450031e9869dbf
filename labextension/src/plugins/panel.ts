/** The side panel and the commands that show it. */

import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';

import { deedsOf } from '../panel/deeds';
import { IFlowsStore, PanelCommands } from '../panel/tokens';
import { FlowsPanel } from '../panel/widget';
import { IFlows } from '../tokens';
import { flowsIcon } from '../view/icon';

export const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-flows:panel',
  description: 'The side panel: runs, the inbox, and the details of a run.',
  autoStart: true,
  requires: [IFlowsStore, INotebookTracker, IFlows],
  optional: [ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    { store }: IFlowsStore,
    tracker: INotebookTracker,
    flows: IFlows,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ): void => {
    const panel = new FlowsPanel(store, deedsOf(store, app.commands, tracker, flows));
    panel.title.icon = flowsIcon;
    panel.title.caption = 'Flows';
    if (!isLab(app)) panel.title.label = 'Flows';
    panel.node.setAttribute('role', 'region');
    panel.node.setAttribute('aria-label', 'Flows');
    app.shell.add(panel, 'left', { rank: 450, type: 'Flows' });
    restorer?.add(panel, 'jupyter-flows-panel');

    app.commands.addCommand(PanelCommands.showRuns, {
      label: 'Show Runs',
      caption: 'The runs of this notebook and of this server, in the side panel',
      icon: flowsIcon,
      describedBy: { args: { type: 'object', properties: { run: { type: 'string' } } } },
      execute: args => {
        const run = args['run'];
        store.show({ tab: 'runs', ...(typeof run === 'string' ? { chosen: run } : {}) });
        app.shell.activateById(panel.id);
      }
    });
    app.commands.addCommand(PanelCommands.showInbox, {
      label: 'Show Inbox',
      caption: 'The gates that wait for you, in the side panel',
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => {
        store.show({ tab: 'inbox' });
        app.shell.activateById(panel.id);
      }
    });
    for (const command of [PanelCommands.showRuns, PanelCommands.showInbox]) {
      palette?.addItem({ command, category: 'Flows' });
    }
  }
};

/** Notebook 7 lists its sidebars by their titles; the lab's bar shows only icons. */
function isLab(app: JupyterFrontEnd): boolean {
  return app.name === 'JupyterLab';
}
