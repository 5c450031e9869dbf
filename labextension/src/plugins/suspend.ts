/** A cell becomes a gate, or none: a button of the cell's toolbar, a command and its keys. */

import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, Notification, showDialog } from '@jupyterlab/apputils';
import { Cell, ICellModel } from '@jupyterlab/cells';
import { INotebookTracker } from '@jupyterlab/notebook';

import { isGate, said, taggedOff, taggedOn, withoutGate } from '../model/suspend';
import { PanelCommands } from '../panel/tokens';
import { gateIcon } from '../view/icon';

export const suspendPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-flows:suspend',
  description: 'A button in the cell toolbar that makes the cell a gate.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    palette: ICommandPalette | null
  ): void => {
    const { commands } = app;
    const command = PanelCommands.toggleGate;
    const active = (): Cell | null => {
      const cell = tracker.activeCell;
      return cell?.model.type === 'code' ? cell : null;
    };
    const isOn = (): boolean => {
      const cell = active();
      return cell !== null && isGate(cell.model.metadata, cell.model.sharedModel.getSource());
    };
    commands.addCommand(command, {
      label: 'Wait for Approval Behind This Cell',
      caption: () =>
        isOn() ? 'The run waits for approval behind this cell' : 'Wait for approval behind this cell',
      icon: gateIcon,
      isToggleable: true,
      isToggled: isOn,
      isEnabled: () => active() !== null,
      isVisible: () => active() !== null,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: async () => {
        const cell = active();
        if (cell && !cell.model.isDisposed) await toggle(cell.model);
        commands.notifyCommandChanged(command);
      }
    });
    const look = (): void => {
      commands.notifyCommandChanged(command);
    };
    let watched: ICellModel | null = null;
    tracker.activeCellChanged.connect((_, cell) => {
      if (watched && !watched.isDisposed) {
        watched.metadataChanged.disconnect(look);
        watched.contentChanged.disconnect(look);
      }
      watched = cell?.model ?? null;
      watched?.metadataChanged.connect(look);
      watched?.contentChanged.connect(look);
      look();
    });
    palette?.addItem({ command, category: 'Flows' });
  }
};

async function toggle(model: ICellModel): Promise<void> {
  const { metadata } = model;
  const source = model.sharedModel.getSource();
  const before = said(metadata, source);
  if (before.lines || (before.denied && source.match(/^\S*\|\s*suspend/m))) {
    Notification.info('This cell’s #| lines say whether it waits: change them there.');
    return;
  }
  if (!isGate(metadata, source)) {
    if (before.denied) setFlow(model, withoutGate(metadata));
    model.setMetadata('tags', taggedOn(metadata));
    return;
  }
  if (before.details && !(await isSure())) return;
  if (before.options) setFlow(model, withoutGate(metadata));
  setTags(model, taggedOff(metadata));
}

async function isSure(): Promise<boolean> {
  const asked = await showDialog({
    title: 'Remove this gate?',
    body: 'Its options go with it: who may approve, until when, the form.',
    buttons: [Dialog.cancelButton({ label: 'Keep' }), Dialog.warnButton({ label: 'Remove' })],
    defaultButton: 0
  });
  return asked.button.accept;
}

function setTags(model: ICellModel, tags: string[]): void {
  if (tags.length) model.setMetadata('tags', tags);
  else model.deleteMetadata('tags');
}

function setFlow(model: ICellModel, flow: Record<string, unknown> | null): void {
  if (flow) model.setMetadata('flow', flow);
  else model.deleteMetadata('flow');
}
