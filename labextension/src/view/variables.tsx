/** What was saved of a run's variables, and what was not and why. */

import React from 'react';

import { RunView } from '../api';
import { figures, obstacle } from '../model/kept';
import { Unsaved } from '../wire';
import { Section, Time } from './parts';

export interface VariablesProps {
  run: RunView;
  now: number;
  onCell: ((cell: string) => void) | null;
}

export function Variables({ run, now, onCell }: VariablesProps): React.JSX.Element | null {
  const { checkpoint, saved } = run;
  if (!checkpoint && !saved) return null;
  return (
    <Section title="Saved variables">
      {checkpoint && (
        <div className="jfp-Line">
          <span>{figures(checkpoint)}</span>
          <Time at={checkpoint.saved_at} now={now} />
        </div>
      )}
      {saved && <p className="jfp-Small">{saved}</p>}
      {!saved && checkpoint?.doubt && (
        <p className="jfp-Error">They can’t be loaded: {checkpoint.doubt}</p>
      )}
      {checkpoint && checkpoint.unsaved.length > 0 && (
        <ul className="jfp-List" aria-label="Variables that are not saved">
          {checkpoint.unsaved.map(each => (
            <li key={each.name} className="jfp-Card">
              <UnsavedItem unsaved={each} cell={cellOf(run, each)} onCell={onCell} />
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function UnsavedItem(props: {
  unsaved: Unsaved;
  cell: string | null;
  onCell: VariablesProps['onCell'];
}): React.JSX.Element {
  const { unsaved, cell, onCell } = props;
  const place = unsaved.cell === null ? '' : `cell ${unsaved.cell}`;
  return (
    <>
      <div className="jfp-Line">
        <span className="jfp-Name">{unsaved.name} is not saved</span>
        {onCell && cell !== null ? (
          <button
            type="button"
            className="jfp-Link jfp-Small"
            title="Go to the cell"
            onClick={() => {
              onCell(cell);
            }}
          >
            {place}
          </button>
        ) : (
          <span className="jfp-Small">{place}</span>
        )}
      </div>
      <div className="jfp-Small">{obstacle(unsaved)}</div>
      <div className="jfp-Small">{unsaved.reason}</div>
    </>
  );
}

/** The id of the cell that made it. */
function cellOf(run: RunView, { step }: Unsaved): string | null {
  return run.steps.find(each => each.id === step)?.cell ?? null;
}
