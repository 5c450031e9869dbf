/** From a run's step to its cell in a notebook. */

import { NotebookPanel } from '@jupyterlab/notebook';

/** Shows the cell of this id, and makes it the active one. A cell that has gone is not looked for. */
export async function reveal(panel: NotebookPanel, cell: string): Promise<void> {
  await panel.context.ready;
  await panel.revealed;
  const notebook = panel.content;
  const place = notebook.widgets.findIndex(({ model }) => model.id === cell);
  if (place < 0) return;
  notebook.activeCellIndex = place;
  notebook.deselectAll();
  await notebook.scrollToItem(place, 'center');
  notebook.activate();
}
