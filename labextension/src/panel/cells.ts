/** From a run's step to its cell in a notebook. */

import { Notebook, NotebookPanel } from '@jupyterlab/notebook';

/** Where the step's cell is: by its id, by the name that its options give it, or by its place. */
function placeOf(notebook: Notebook, step: string, index: number | null): number | null {
  const cells = notebook.widgets;
  const byId = cells.findIndex(cell => cell.model.id === step);
  if (byId >= 0) return byId;
  const named = cells.findIndex(({ model }) => {
    const flow = model.getMetadata('flow') as { id?: unknown } | null | undefined;
    return flow?.id === step || hasLine(model.sharedModel.getSource(), step);
  });
  if (named >= 0) return named;
  return index !== null && index < cells.length ? index : null;
}

function hasLine(source: string, step: string): boolean {
  return source.split('\n').some(line => {
    const name = /^(?:#|\/\/|--)\|\s*id\s*:\s*["']?([\w-]+)/.exec(line)?.[1];
    return name === step;
  });
}

/** Shows the step's cell, and makes it the active one. */
export async function reveal(
  panel: NotebookPanel,
  step: string,
  index: number | null
): Promise<void> {
  await panel.context.ready;
  await panel.revealed;
  const notebook = panel.content;
  const place = placeOf(notebook, step, index);
  if (place === null) return;
  notebook.activeCellIndex = place;
  notebook.deselectAll();
  await notebook.scrollToItem(place, 'center');
  notebook.activate();
}
