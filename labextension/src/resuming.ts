/** Going on after a failure: with which variables, and with the notebook as it was or as it is. */

import { Dialog } from '@jupyterlab/apputils';

import { Api, ResumeRun } from './api';
import { ChoiceForm } from './choosing';
import { explain, notebookOf } from './starting';
import { Staying } from './staying';
import { IFlowDocument } from './tokens';
import { Choice, DocumentRun } from './wire';
import { hasEdits } from './words';

export interface How {
  /** Null: the server knows. */
  choice: Choice | null;
  /** Whether with the notebook as it is now. */
  asItIs: boolean;
}

const AS_IT_IS = 'as it is';
const WITH_EDITS = [
  Dialog.okButton({ label: 'With the cells as they were' }),
  Dialog.okButton({ label: 'With the notebook as it is now', actions: [AS_IT_IS] })
];

type Stopped = Pick<DocumentRun, 'status' | 'error' | 'choices'>;

/** Resume the run that the notebook shows. What is not clear the user is asked, once. */
export async function resume({ panel, run, sources }: IFlowDocument, api: Api): Promise<void> {
  if (!run) return;
  const cells = [...panel.context.model.cells]
    .filter(cell => cell.type === 'code')
    .map(cell => [cell.id, cell.sharedModel.getSource()] as const);
  const how = await ask(run, hasEdits(sources, cells));
  if (how === null) return;
  const kernel = panel.sessionContext.session?.kernel?.id;
  try {
    await api.resumeRun(run.id, {
      ...asked(how),
      ...(how.asItIs && { notebook: notebookOf(panel) }),
      ...(kernel !== undefined && { kernel_id: kernel })
    });
  } catch (error) {
    await explain(error);
  }
}

/** What the server is to be told of it. */
export function asked({ choice }: How): ResumeRun {
  return choice === null ? {} : { choice };
}

/** How the run is to go on; null: the user went back. */
export async function ask(run: Stopped, edited: boolean): Promise<How | null> {
  if (!edited && run.choices.length < 2) return { choice: null, asItIs: false };
  const body = new ChoiceForm({ why: whyOf(run), choices: run.choices, edited });
  const buttons = edited ? WITH_EDITS : [Dialog.okButton({ label: 'Resume' })];
  const dialog = new Staying<Choice | null>({
    title: 'Resume the run',
    body,
    buttons: [Dialog.cancelButton(), ...buttons],
    defaultButton: buttons.length
  });
  const { button, value } = await dialog.launch();
  if (!button.accept) return null;
  return { choice: value, asItIs: button.actions.includes(AS_IT_IS) };
}

function whyOf({ status, error }: Stopped): string | null {
  if (error === null) return null;
  return status === 'failed' ? `${error.name}: ${error.message}` : error.message;
}
