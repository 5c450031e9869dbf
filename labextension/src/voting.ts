/** How JupyterLab asks, warns and refuses where the form in a notebook is answered. */

import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { NotebookPanel } from '@jupyterlab/notebook';
import { Widget } from '@lumino/widgets';

import { Problem, wordsOf } from './problem.js';
import { Asked, readable } from './votes';

const FORM_INVALID = 422;
const UNPRESSED =
  'A form in this notebook says that you have answered, but no press of its button is known here. ' +
  'Nothing was sent: press the button again, or answer on the approval page.';

/** Outside of the notebook, where its code can't change what is said. */
export async function confirm({ run, gate, answer }: Asked, user: string): Promise<boolean> {
  const word = answer.approved ? 'Approve' : 'Reject';
  const step = run.steps.find(each => each.id === gate.step);
  const of = run.name ?? run.path;
  const asker = step?.summary ? `${step.summary} (${of})` : of;
  const body = new Widget();
  body.addClass('jupyter-flows-form');
  body.node.append(
    line(`You ${word.toLowerCase()}: ${asker}`),
    line(`This is recorded as the answer of ${user}.`),
    said([...readable(answer.entries), ...(answer.reason ? [['Reason', answer.reason]] : [])])
  );
  const { button } = await showDialog({
    title: `${word} this?`,
    body,
    buttons: [
      Dialog.cancelButton({ label: 'Back' }),
      answer.approved ? Dialog.okButton({ label: word }) : Dialog.warnButton({ label: word })
    ],
    defaultButton: 0
  });
  return button.accept;
}

function line(text: string): HTMLElement {
  const made = document.createElement('p');
  made.textContent = text;
  return made;
}

function said(rows: readonly (readonly string[])[]): HTMLElement {
  const list = document.createElement('ul');
  list.hidden = rows.length === 0;
  for (const [name, text] of rows) {
    const item = document.createElement('li');
    item.textContent = `${name ?? ''}: ${text ?? ''}`;
    list.append(item);
  }
  return list;
}

let warned = '';

/** Once on the screen, however often the notebook says so. */
export function unpressed(): void {
  if (warned && Notification.update({ id: warned, message: UNPRESSED })) return;
  warned = Notification.warning(UNPRESSED, { autoClose: 20_000 });
}

/** What is wrong in the fields, the form says itself, beside them. */
export function refused(error: unknown): void {
  const isForms = error instanceof Problem && error.status === FORM_INVALID;
  if (!isForms) Notification.error(`Your answer was not counted. ${wordsOf(error)}`);
}

/** The cell of this notebook whose outputs the element is in: in the panel, or, as "New View for
 * Output" makes it, anywhere else, where it has the cell's own model.
 */
export function cellAt(
  { content }: NotebookPanel,
  views: Iterable<Widget>,
  target: Element
): string | null {
  const cell = content.widgets.find(each => each.node.contains(target));
  if (cell) return cell.model.id;
  const around = [...views].flatMap(view => [...holding(view, target)]);
  const models = new Set(around.map(each => (each as { model?: unknown }).model));
  const viewed = content.widgets.find(
    ({ model }) => 'outputs' in model && models.has(model.outputs)
  );
  return viewed?.model.id ?? null;
}

function* holding(widget: Widget, target: Element): Iterable<Widget> {
  if (!widget.node.contains(target)) return;
  yield widget;
  for (const child of widget.children()) yield* holding(child, target);
}
