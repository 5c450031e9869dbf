/** What the panel's plugins share, and the names of its commands. */

import { Token } from '@lumino/coreutils';

import { Store } from './store';

export interface IFlowsStore {
  readonly store: Store;
}

export const IFlowsStore = new Token<IFlowsStore>(
  'jupyter-flows:IFlowsStore',
  'The runs of this server and the gates that wait for the user, kept up to date.'
);

export const PanelCommands = {
  showInbox: 'jupyter-flows:show-inbox',
  /** With `run`: the details of that run. */
  showRuns: 'jupyter-flows:show-runs',
  toggleGate: 'jupyter-flows:toggle-gate'
} as const;
