/** "Run as Flow" in the toolbar of notebooks, in Lab and in Notebook. */

import { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import { NotebookPanel } from '@jupyterlab/notebook';

import { Controls } from '../controls';
import { IFlows } from '../tokens';

const FACTORY = 'Notebook';
const ITEM = 'jupyter-flows';

export const toolbar: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-flows:plugin',
  description: 'Shows in the toolbar of a notebook how its run stands and what can be done.',
  autoStart: true,
  requires: [IFlows, IToolbarWidgetRegistry],
  activate: ({ commands }, flows: IFlows, registry: IToolbarWidgetRegistry) => {
    registry.addFactory<NotebookPanel>(
      FACTORY,
      ITEM,
      panel => new Controls(flows, panel, commands)
    );
  }
};
