/** In each open notebook: its cells' states, the line at its top, and votes from its forms. */

import { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { Badges } from '../badges';
import { Banner } from '../banner';
import { CommandIDs } from '../commands';
import { IFlowDocument, IFlows } from '../tokens';
import { InlineVotes } from '../votes';
import { cellAt, confirm, refused, unpressed } from '../voting';
import { DocumentRun } from '../wire';

export const cells: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-flows:cells',
  description: 'Shows the states of cells in a notebook, and sends the votes of its forms.',
  autoStart: true,
  requires: [IFlows],
  activate: ({ commands, serviceManager, shell }, flows: IFlows) => {
    /** A server that all share a secret of has one user, whom only it can name. */
    const userOf = ({ mine, owner }: DocumentRun): string =>
      mine ? owner : (serviceManager.user.identity?.username ?? 'the user who is logged in');
    const dressed = new WeakSet<IFlowDocument>();
    const dress = (document: IFlowDocument): void => {
      if (dressed.has(document)) return;
      dressed.add(document);
      const { panel } = document;
      const badges = new Badges(document);
      const votes = new InlineVotes(document, {
        cellAt: target => cellAt(panel, shell.widgets('main'), target),
        send: (run, gate, vote) => flows.api.vote(run, gate, vote),
        confirm: asked => confirm(asked, userOf(asked.run)),
        unpressed,
        refused
      });
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
