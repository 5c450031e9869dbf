/** The commands, each a row of one table. */

import { JupyterFrontEndPlugin } from '@jupyterlab/application';
import {
  Dialog,
  ICommandPalette,
  ISessionContextDialogs,
  SessionContextDialogs,
  showDialog
} from '@jupyterlab/apputils';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { refreshIcon, runIcon, stopIcon } from '@jupyterlab/ui-components';
import { CommandRegistry } from '@lumino/commands';
import { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { CommandIDs } from '../commands';
import { Once } from '../model/once.js';
import { resume } from '../resuming';
import { explain, start } from '../starting';
import { IFlowDocument, IFlows } from '../tokens';
import { atWork, placeOf } from '../words';

type Command = Omit<CommandRegistry.ICommandOptions, 'execute' | 'isVisible'> & {
  execute: (document: IFlowDocument, args: ReadonlyPartialJSONObject) => unknown;
  applies: (document: IFlowDocument) => boolean;
  /** Whether it can be begun now; always, where it does not say. */
  isFree?: (document: IFlowDocument) => boolean;
};

/** The panels whose runs are being started: the dialog is open, or the server is asked. */
const starting = new Once<NotebookPanel>();

function table(flows: IFlows, dialogs: ISessionContextDialogs): Record<string, Command> {
  return {
    [CommandIDs.run]: {
      label: 'Run as Flow',
      caption: 'Run this notebook as a flow that waits where approval is needed',
      icon: runIcon,
      applies: ({ run }) => run === null || !atWork(run),
      isFree: ({ panel }) => !starting.isBusy(panel),
      execute: ({ panel }, { quick }) =>
        starting.do(panel, () => start(panel, flows.api, dialogs, quick === true))
    },
    [CommandIDs.resume]: {
      label: 'Resume Flow',
      caption: 'Go on with the step that did not finish',
      icon: refreshIcon,
      applies: ({ run }) => run !== null && run.mine && run.resumable,
      execute: document => resume(document, flows.api)
    },
    [CommandIDs.cancel]: {
      label: 'Cancel Flow',
      caption: 'Cancel the run that this notebook shows',
      icon: stopIcon,
      applies: ({ run }) => run !== null && run.mine && atWork(run),
      execute: document => cancel(flows, document)
    },
    [CommandIDs.reveal]: {
      label: 'Go to the Cell That the Flow Is At',
      applies: ({ run }) => run !== null && placeOf(run) !== null,
      execute: reveal
    }
  };
}

async function cancel(flows: IFlows, { run }: IFlowDocument): Promise<void> {
  if (!run) return;
  const { button } = await showDialog({
    title: 'Cancel the run?',
    body: 'The cell that runs now is interrupted, and nobody is asked for approval any more.',
    buttons: [
      Dialog.cancelButton({ label: 'Keep it' }),
      Dialog.warnButton({ label: 'Cancel the run' })
    ]
  });
  if (button.accept) await tried(flows.api.cancelRun(run.id));
}

async function reveal({ panel, run }: IFlowDocument): Promise<void> {
  const place = run && placeOf(run);
  const index = panel.content.widgets.findIndex(cell => cell.model.id === place);
  if (index < 0) return;
  panel.content.activeCellIndex = index;
  await panel.content.scrollToItem(index, 'smart');
}

async function tried(asked: Promise<unknown>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    await explain(error);
  }
}

export const commands: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-flows:commands',
  description: 'Commands to run the current notebook as a flow, and to cancel and resume it.',
  autoStart: true,
  requires: [IFlows, INotebookTracker],
  optional: [ICommandPalette, ISessionContextDialogs],
  activate: (
    app,
    flows: IFlows,
    tracker: INotebookTracker,
    palette: ICommandPalette | null,
    dialogs: ISessionContextDialogs | null
  ) => {
    const meant = (args: ReadonlyPartialJSONObject): IFlowDocument | null => {
      const named = (panel: NotebookPanel): boolean => panel.id === args['panel'];
      const panel = tracker.find(named);
      return panel ? flows.runOf(panel) : flows.current;
    };
    const refresh = (): void => {
      for (const id of Object.keys(rows)) app.commands.notifyCommandChanged(id);
    };
    const rows = table(flows, dialogs ?? new SessionContextDialogs());
    for (const [id, { execute, applies, isFree, ...rest }] of Object.entries(rows)) {
      const isVisible = (args: ReadonlyPartialJSONObject): boolean => {
        const document = meant(args);
        return document !== null && applies(document);
      };
      app.commands.addCommand(id, {
        ...rest,
        isVisible,
        isEnabled: args => {
          const document = meant(args);
          return document !== null && applies(document) && (isFree?.(document) ?? true);
        },
        execute: async args => {
          const document = meant(args);
          if (!document) return;
          const done = execute(document, args);
          refresh();
          try {
            await done;
          } finally {
            refresh();
          }
        }
      });
      palette?.addItem({ command: id, category: 'Flows' });
    }
    flows.changed.connect(refresh);
    flows.documentChanged.connect(refresh);
  }
};
