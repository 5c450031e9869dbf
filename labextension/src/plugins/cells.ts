/** In each open notebook: its cells' states, the line at its top, and votes from its forms. */

import { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { Badges } from '../badges';
import { Banner } from '../banner';
import { CommandIDs } from '../commands';
import { IFlowDocument, IFlows } from '../tokens';
import { InlineVotes } from '../votes';

export const cells: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-flows:cells',
  description: 'Shows the states of cells in a notebook, and sends the votes of its forms.',
  autoStart: true,
  requires: [IFlows],
  activate: ({ commands }, flows: IFlows) => {
    const dressed = new WeakSet<IFlowDocument>();
    const dress = (document: IFlowDocument): void => {
      if (dressed.has(document)) return;
      dressed.add(document);
      const { panel } = document;
      const badges = new Badges(document);
      const votes = new InlineVotes(document, flows.api);
      const banner = new Banner(document, {
        reveal: () => void commands.execute(CommandIDs.reveal, { panel: panel.id }),
        dismiss: run => {
          badges.dismiss(run);
        }
      });
      panel.contentHeader.addWidget(banner);
      panel.disposed.connect(() => {
        badges.dispose();
        votes.dispose();
      });
    };
    flows.all.forEach(dress);
    flows.documentChanged.connect((_, document) => {
      dress(document);
    });
  }
};
