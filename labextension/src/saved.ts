/** The file that the server wrote, made known to the notebook's context: it is no foreign change. */

import { DocumentRegistry } from '@jupyterlab/docregistry';
import { INotebookModel } from '@jupyterlab/notebook';
import { Contents } from '@jupyterlab/services';

import { Told } from './wire';

type Context = DocumentRegistry.IContext<INotebookModel>;
type Saved = Extract<Told, { type: 'saved' }>;

/** The part of Lab's context that remembers what the file was, and that its types keep private. */
interface Remembers {
  _updateContentsModel?: (model: Omit<Contents.IModel, 'content'>) => void;
}

/** So that the next save finds no file that "has changed on disk". */
export async function remember(
  context: Context,
  contents: Contents.IManager,
  saved: Saved
): Promise<void> {
  const known = context.contentsModel;
  if (!known || context.model.collaborative || !isNews(known, saved)) return;
  const { hash, hash_algorithm, last_modified } = saved;
  const remembers = context as unknown as Remembers;
  if (typeof remembers._updateContentsModel === 'function') {
    remembers._updateContentsModel({ ...known, hash, hash_algorithm, last_modified });
  } else {
    await reread(context, contents);
  }
}

/** An older word than the tab's own save is none. */
function isNews(known: Omit<Contents.IModel, 'content'>, saved: Saved): boolean {
  return (
    known.hash !== saved.hash && Date.parse(known.last_modified) <= Date.parse(saved.last_modified)
  );
}

/** For a Lab whose context remembers in another way: what the user has typed goes to the file. */
async function reread(context: Context, contents: Contents.IManager): Promise<void> {
  if (context.model.dirty) {
    await contents.save(context.path, {
      type: 'notebook',
      format: 'json',
      content: context.model.toJSON()
    });
  }
  await context.revert();
}
