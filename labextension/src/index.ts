/** The list of this extension's plugins. */

import { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { panelPlugins } from './plugins';

const plugins: JupyterFrontEndPlugin<unknown>[] = [...panelPlugins];

export default plugins;
