/** Provides IFlows: the runs that the open notebooks show. */

import { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';

import { Api } from '../api';
import { Flows } from '../flows';
import { IFlows } from '../tokens';

export const flows: JupyterFrontEndPlugin<IFlows> = {
  id: 'jupyter-flows:flows',
  description: 'Provides the runs that the open notebooks show, and brings their outputs there.',
  autoStart: true,
  requires: [INotebookTracker],
  provides: IFlows,
  activate: ({ serviceManager }, tracker: INotebookTracker) =>
    new Flows(new Api(serviceManager.serverSettings), tracker, serviceManager.contents)
};
