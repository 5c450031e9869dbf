/** The plugins of the panel and of what belongs to it. */

import { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { notifyPlugin } from './notify';
import { optionsPlugin } from './options';
import { panelPlugin } from './panel';
import { statusPlugin } from './status';
import { storePlugin } from './store';
import { suspendPlugin } from './suspend';

export const panelPlugins: JupyterFrontEndPlugin<unknown>[] = [
  storePlugin,
  panelPlugin,
  statusPlugin,
  notifyPlugin,
  suspendPlugin,
  optionsPlugin
];
