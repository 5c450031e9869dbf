/** Desktop notifications of the user's own runs; off until switched on in the settings. */

import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification as Toast } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';

import { marksIn, News, newsOf, runEvent } from '../model/news';
import { IFlowsStore, PanelCommands } from '../panel/tokens';

const ID = 'jupyter-flows:notify';
const LATELY = 60_000;

export const notifyPlugin: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Desktop notifications when a run of yours waits for approval or ends.',
  autoStart: true,
  requires: [IFlowsStore, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    { store }: IFlowsStore,
    registry: ISettingRegistry
  ): void => {
    let isOn = false;
    void registry.load(ID).then(settings => {
      const look = (): void => {
        const wanted = settings.get('desktop').composite === true;
        if (wanted && !isOn) askPermission();
        isOn = wanted;
      };
      settings.changed.connect(look);
      look();
    });
    const told = new Set<string>();
    app.serviceManager.events.stream.connect((_, said) => {
      const event = isOn ? runEvent(said) : null;
      if (!event || !hasPermission()) return;
      void store.api.getRun(event.run).then(
        async run => {
          const news = newsOf(run);
          if (!news || told.has(news.tag)) return;
          // before it is known which tab tells it: the others need not ask again
          told.add(news.tag);
          if (await isOurs(news.tag)) show(app, news, run);
        },
        () => undefined
      );
    });
  }
};

function hasPermission(): boolean {
  return 'Notification' in window && Notification.permission === 'granted';
}

/** A browser lets pages ask only when the user has just pressed something: so there is a button. */
function askPermission(): void {
  if (!('Notification' in window)) {
    Toast.warning('This browser shows no desktop notifications here (they need https).');
    return;
  }
  if (Notification.permission === 'denied') {
    Toast.warning('Your browser blocks notifications of this site: allow them in its settings.');
  }
  if (Notification.permission !== 'default') return;
  void Notification.requestPermission().then(answer => {
    if (answer !== 'default') return;
    Toast.info('Notifications of flows need your browser’s permission.', {
      autoClose: false,
      actions: [{ label: 'Allow', callback: () => void Notification.requestPermission() }]
    });
  });
}

/**
 * Whether this tab is the one that shows it: whoever gets the lock first, and marks it for those
 * that come later. Without locks (no https) the browser itself joins those of one tag.
 */
async function isOurs(tag: string): Promise<boolean> {
  const locks = navigator.locks as LockManager | undefined;
  if (!locks) return marked(tag);
  let first = false;
  await locks.request('jupyter-flows:notify', () => {
    first = marked(tag);
  });
  return first;
}

function marked(tag: string): boolean {
  const key = 'jupyter-flows:notified';
  const now = Date.now();
  const recent = marksIn(localStorage.getItem(key)).filter(([, at]) => now - at < LATELY);
  if (recent.some(([name]) => name === tag)) return false;
  localStorage.setItem(key, JSON.stringify(Object.fromEntries([...recent, [tag, now]])));
  return true;
}

function show(app: JupyterFrontEnd, news: News, run: { id: string; path: string }): void {
  const notification = new Notification(news.title, { body: news.body, tag: news.tag });
  notification.onclick = () => {
    window.focus();
    notification.close();
    const opened = run.path
      ? app.commands.execute('docmanager:open', { path: run.path })
      : app.commands.execute(PanelCommands.showRuns, { run: run.id });
    void opened.catch(() => undefined);
  };
}
