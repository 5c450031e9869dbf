/** The store, and what has it look again: the server's events, and the user's coming back. */

import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

import { Api } from '../api';
import { runEvent } from '../model/news';
import { Store } from '../panel/store';
import { IFlowsStore } from '../panel/tokens';

export const storePlugin: JupyterFrontEndPlugin<IFlowsStore> = {
  id: 'jupyter-flows:store',
  description: 'Keeps the lists of runs and open gates up to date.',
  autoStart: true,
  requires: [INotebookTracker],
  provides: IFlowsStore,
  activate: (app: JupyterFrontEnd, tracker: INotebookTracker): IFlowsStore => {
    const store = new Store(new Api(app.serviceManager.serverSettings));
    app.serviceManager.events.stream.connect((_, said) => {
      if (runEvent(said)) store.refresh();
    });
    followPath(store, tracker);
    window.addEventListener('focus', () => {
      store.refresh();
    });
    void app.started.then(() => {
      store.refresh();
    });
    return { store };
  }
};

/** The store knows which notebook the user looks at, also when it is renamed. */
function followPath(store: Store, tracker: INotebookTracker): void {
  let followed: NotebookPanel | null = null;
  const tell = (): void => {
    const current = tracker.currentWidget;
    store.setPath(current && !current.isDisposed ? current.context.localPath : null);
  };
  tracker.currentChanged.connect((_, panel) => {
    if (followed && !followed.isDisposed) followed.context.pathChanged.disconnect(tell);
    followed = panel;
    panel?.context.pathChanged.connect(tell);
    tell();
  });
}
