/** What the panel's buttons do. */

import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { CommandRegistry } from '@lumino/commands';

import { LinkView, RunView } from '../api';
import { wordsOf } from '../problem.js';
import { savedName, title } from '../model/runs';
import { ask, asked, resume } from '../resuming';
import { IFlows } from '../tokens';
import { PanelProps } from '../view/panel';
import { reveal } from './cells';
import { copy, save } from './copy';
import { Store } from './store';

export function deedsOf(
  store: Store,
  commands: CommandRegistry,
  tracker: INotebookTracker,
  flows: IFlows
): PanelProps['deeds'] {
  const { api } = store;
  const openNotebook = async (path: string): Promise<NotebookPanel | null> => {
    // the server knows no drives, as of collaboration; the lab opens by them
    const open = tracker.find(panel => panel.context.localPath === path);
    const known = open?.context.path ?? path;
    const panel: unknown = await commands.execute('docmanager:open', { path: known });
    return open ?? (panel instanceof NotebookPanel ? panel : null);
  };
  const openCell = async (path: string, cell: string): Promise<void> => {
    const panel = await openNotebook(path);
    if (panel) await reveal(panel, cell);
  };
  return {
    show: change => {
      store.show(change);
    },
    more: () => {
      store.showMore();
    },
    openGate: gate => {
      told(openCell(gate.path, gate.cell));
    },
    openNotebook: path => {
      told(openNotebook(path));
    },
    openCell: (path, cell) => {
      told(openCell(path, cell));
    },
    review: gate => {
      window.open(api.pageUrl(gate), '_blank', 'noopener');
    },
    saveExecuted: run => {
      told(
        api.notebookOf(run.id).then(notebook => {
          const text = JSON.stringify(notebook, null, 1) + '\n';
          save(savedName(run.path, run.id), text, 'application/x-ipynb+json');
        })
      );
    },
    cancel: run => {
      told(cancel(store, run));
    },
    resume: run => {
      const open = flows.all.find(each => each.run?.id === run.id);
      told(open ? resume(open, api) : goOn(store, run));
    },
    mint: (run, gate, approver) => {
      told(store.mint(run, gate, approver));
    },
    copy: (url, field) => {
      told(copied(url, field));
    },
    revoke: link => {
      told(revoke(store, link));
    },
    showAudit: (run, shown) => {
      told(store.showAudit(run, shown));
    }
  };
}

/** What goes wrong is said, and nothing is left to fail unheard. */
function told(deed: Promise<unknown>): void {
  deed.catch((error: unknown) => {
    Notification.error(wordsOf(error));
  });
}

async function cancel(store: Store, run: RunView): Promise<void> {
  const body =
    'The cell that runs is interrupted, open gates are closed, and nothing after them runs.';
  if (await sure(`Cancel this run of ${title(run)}?`, body, 'Cancel run')) {
    await store.act(() => store.api.cancelRun(run.id));
  }
}

/** No open notebook shows it: there are no cells that could be others than the run's. */
async function goOn(store: Store, run: RunView): Promise<void> {
  const how = await ask(run, false);
  if (how) await store.act(() => store.api.resumeRun(run.id, asked(how)));
}

async function revoke(store: Store, link: LinkView): Promise<void> {
  const who = link.approver ?? 'whoever has it';
  const body = 'Nothing can be answered by it any more. Votes already given stay.';
  if (await sure(`Revoke the link for ${who}?`, body, 'Revoke')) {
    await store.act(() => store.api.revokeLink(link.id));
  }
}

async function sure(title: string, body: string, label: string): Promise<boolean> {
  const buttons = [Dialog.cancelButton({ label: 'Back' }), Dialog.warnButton({ label })];
  const asked = await showDialog({ title, body, buttons, defaultButton: 0 });
  return asked.button.accept;
}

async function copied(url: string, field: HTMLInputElement | null): Promise<void> {
  if (await copy(url, field)) Notification.success('Link copied', { autoClose: 2000 });
  else if (field) Notification.info('The link is selected: copy it with Ctrl+C.', { autoClose: 5000 });
  else Notification.info(`Copy it from here: ${url}`, { autoClose: false });
}
