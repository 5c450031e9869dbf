/** Going on after a failure: with the notebook as it was, or as it is now. */

import { Dialog, showDialog } from '@jupyterlab/apputils';

import { Api } from './api';
import { explain, notebookOf } from './starting';
import { IFlowDocument } from './tokens';
import { hasEdits } from './words';

/** Resume the run that the notebook shows. Where cells were edited since, the user says which. */
export async function resume({ panel, run, sources }: IFlowDocument, api: Api): Promise<void> {
  if (!run) return;
  const cells = [...panel.context.model.cells]
    .filter(cell => cell.type === 'code')
    .map(cell => [cell.id, cell.sharedModel.getSource()] as const);
  const which = hasEdits(sources, cells) ? await ask() : 'as it was';
  if (which === null) return;
  try {
    const kernel = panel.sessionContext.session?.kernel?.id ?? null;
    await api.resumeRun(run.id, which === 'as it is' ? notebookOf(panel) : null, kernel);
  } catch (error) {
    await explain(error);
  }
}

async function ask(): Promise<'as it is' | 'as it was' | null> {
  const { button } = await showDialog({
    title: 'Resume the run',
    body: 'The notebook was edited since the run began. What has run already must still stand in it as it was.',
    buttons: [
      Dialog.cancelButton(),
      Dialog.okButton({ label: 'With the cells as they were', actions: ['as it was'] }),
      Dialog.okButton({ label: 'With the notebook as it is now', actions: ['as it is'] })
    ],
    defaultButton: 2
  });
  if (!button.accept) return null;
  return button.actions.includes('as it is') ? 'as it is' : 'as it was';
}
