/** What comes before a run: a kernel, no mistakes, the parameters, and the file as it is typed. */

import { Dialog, ISessionContextDialogs, showDialog } from '@jupyterlab/apputils';
import { NotebookPanel } from '@jupyterlab/notebook';
import { Widget } from '@lumino/widgets';

import { Api, Inspection } from './api';
import { Problem, wordsOf } from './problem.js';
import { mistakeList, RunForm, Wanted } from './asking';
import { Staying } from './staying';

const TITLE = 'Run as Flow';

/** Start a run of this notebook, shown in it. With `quick` nothing is asked. */
export async function start(
  panel: NotebookPanel,
  api: Api,
  dialogs: ISessionContextDialogs,
  quick = false
): Promise<void> {
  try {
    const wanted = await ask(await inspect(panel, api), quick);
    if (wanted && (await ready(panel, dialogs, wanted))) await begin(panel, api, wanted);
  } catch (error) {
    await explain(error);
  }
}

function inspect(panel: NotebookPanel, api: Api): Promise<Inspection> {
  return api.inspect(notebookOf(panel));
}

/** The notebook as it is on the screen, without its outputs. */
export function notebookOf(panel: NotebookPanel): object {
  const notebook = panel.context.model.sharedModel.toJSON();
  const cells = notebook.cells.map(cell => ('outputs' in cell ? { ...cell, outputs: [] } : cell));
  return { ...notebook, cells };
}

/** Null: the user went back, or can't go on. */
async function ask(inspected: Inspection, quick: boolean): Promise<Wanted | null> {
  const isWrong = inspected.mistakes.length > 0;
  if (quick && !isWrong) return { parameters: {}, restart: false, mistakes: [] };
  const body = new RunForm(inspected);
  const accept = isWrong ? [] : [Dialog.okButton({ label: 'Run' })];
  const buttons = [Dialog.cancelButton({ label: isWrong ? 'Close' : 'Cancel' }), ...accept];
  for (;;) {
    const options = { title: inspected.name ?? TITLE, body, buttons, defaultButton: buttons.length - 1 };
    const dialog = new Staying(options);
    const { button, value } = await dialog.launch();
    if (!button.accept || !value) return null;
    if (value.mistakes.length === 0) return value;
  }
}

async function ready(
  panel: NotebookPanel,
  dialogs: ISessionContextDialogs,
  { restart }: Wanted
): Promise<boolean> {
  const { context, sessionContext } = panel;
  await sessionContext.ready;
  if (!sessionContext.session?.kernel) await dialogs.selectKernel(sessionContext);
  const kernel = sessionContext.session?.kernel;
  if (!kernel) return false;
  if (restart) await kernel.restart();
  // A document that several people have open is saved by the server. Any other is saved also where
  // nothing was typed: the cells of an old file get their ids when it is opened.
  // What is typed meanwhile needs no other save: the run gets the notebook as it is on the screen.
  if (!context.model.collaborative && (context.canSave || context.model.dirty)) {
    await save(context);
  }
  return true;
}

async function save(context: NotebookPanel['context']): Promise<void> {
  try {
    await context.save();
  } catch (error) {
    throw new Problem('The run was not started', `The notebook is not saved. ${wordsOf(error)}`, 0);
  }
}

async function begin(panel: NotebookPanel, api: Api, { parameters }: Wanted): Promise<void> {
  const path = panel.context.localPath;
  const kernel = panel.sessionContext.session?.kernel;
  if (!kernel) return;
  const notebook = notebookOf(panel);
  await api.startRun({ path, notebook, kernel_id: kernel.id, parameters, in_place: true });
}

/** A refusal in words, with each mistake's place. */
export async function explain(error: unknown): Promise<void> {
  const mistakes = error instanceof Problem ? error.mistakes : [];
  const body = new Widget();
  const line = document.createElement('p');
  line.textContent = mistakes.length ? '' : wordsOf(error);
  body.node.append(line, mistakeList(mistakes));
  body.addClass('jupyter-flows-form');
  const title = error instanceof Problem ? error.title : 'This did not work';
  await showDialog({ title, body, buttons: [Dialog.okButton({ label: 'Close' })] });
}
