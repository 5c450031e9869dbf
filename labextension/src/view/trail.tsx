/** The audit trail: what the log tells, and whether it stands as it was written. */

import React from 'react';

import { AuditLine, AuditView } from '../api';
import { Empty, Time } from './parts';

export interface TrailProps {
  /** Null: not asked for; a text: why it can't be shown. */
  audit: AuditView | string | null;
  now: number;
  onShow: (shown: boolean) => void;
}

export function Trail(props: TrailProps): React.JSX.Element {
  return (
    <details
      className="jfp-Section"
      open={props.audit !== null}
      onToggle={event => {
        const { open } = event.currentTarget;
        if (open !== (props.audit !== null)) props.onShow(open);
      }}
    >
      <summary>Audit trail</summary>
      {props.audit !== null && <TrailBody audit={props.audit} now={props.now} />}
    </details>
  );
}

function TrailBody(props: { audit: AuditView | string; now: number }): React.JSX.Element {
  const { audit, now } = props;
  if (typeof audit === 'string') return <Empty>{audit}</Empty>;
  return (
    <>
      <p className={audit.good ? 'jfp-good' : 'jfp-bad'} title={audit.head?.hash}>
        {audit.good
          ? `The log stands as it was written: ${audit.rows} rows, each chained to the one before.`
          : 'The log does not stand as it was written.'}
      </p>
      {audit.findings.map((found, place) => (
        <p key={place} className="jfp-Error">
          {found.row === null ? '' : `Row ${found.row}: `}
          {found.message}
        </p>
      ))}
      <ol className="jfp-Trail">
        {audit.trail.map(line => (
          <li key={line.seq} value={line.seq}>
            {line.what}
            {whoOf(line)} <Time at={line.at} now={now} />
          </li>
        ))}
      </ol>
    </>
  );
}

function whoOf({ who }: AuditLine): string {
  if (who === null) return '';
  const name = who.name ?? 'somebody';
  if (who.verified === null) return `, by ${name}`;
  return `, by ${name} (${who.verified ? 'logged in' : 'claimed'})`;
}
