/** The list of this extension's plugins. */

import { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { panelPlugins } from './plugins';
import { cells } from './plugins/cells';
import { commands } from './plugins/commands';
import { flows } from './plugins/flows';
import { toolbar } from './plugins/toolbar';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  flows,
  commands,
  toolbar,
  cells,
  ...panelPlugins
];

export default plugins;
