/** The links of a run: which there are, a new one for somebody, and taking one back. */

import React from 'react';

import { LinkView, RunView } from '../api';
import { labelOf } from '../model/timeline';
import { Badge, Button, Empty, Time } from './parts';

export interface LinksProps {
  run: RunView;
  links: readonly LinkView[];
  minted: { approver: string; url: string } | null;
  now: number;
  /** `gate` null: for the whole run. */
  onMint: (gate: string | null, approver: string) => void;
  onCopy: (url: string, field: HTMLInputElement | null) => void;
  onRevoke: (link: LinkView) => void;
}

export function Links(props: LinksProps): React.JSX.Element {
  const { links } = props;
  return (
    <>
      {canMint(props.run) && <MintForm {...props} />}
      {props.minted && <Minted key={props.minted.url} minted={props.minted} onCopy={props.onCopy} />}
      {links.length ? (
        <ul className="jfp-List">
          {links.map(link => (
            <li key={link.id} className="jfp-Card">
              <LinkItem link={link} {...props} />
            </li>
          ))}
        </ul>
      ) : (
        <Empty>No links yet.</Empty>
      )}
    </>
  );
}

function canMint(run: RunView): boolean {
  return !['succeeded', 'failed', 'cancelled'].includes(run.status);
}

function MintForm(props: LinksProps): React.JSX.Element {
  const open = props.run.gates.filter(gate => gate.status === 'open');
  const [approver, setApprover] = React.useState('');
  const [chosen, setChosen] = React.useState('');
  const gate = open.some(each => each.step === chosen) ? chosen : (open[0]?.step ?? '');
  return (
    <form
      className="jfp-Form"
      onSubmit={event => {
        event.preventDefault();
        if (approver.trim()) props.onMint(gate || null, approver.trim());
      }}
    >
      <label>
        Link for
        <input
          type="text"
          value={approver}
          maxLength={200}
          placeholder="the approver’s name"
          required
          onChange={event => {
            setApprover(event.target.value);
          }}
        />
      </label>
      {open.length > 1 && (
        <label>
          Gate
          <select
            value={gate}
            onChange={event => {
              setChosen(event.target.value);
            }}
          >
            {open.map(each => (
              <option key={each.id} value={each.step}>
                {nameOf(props.run, each.step)}
              </option>
            ))}
          </select>
        </label>
      )}
      <button type="submit" className="jfp-Button">
        Make link
      </button>
    </form>
  );
}

function Minted(props: {
  minted: { approver: string; url: string };
  onCopy: LinksProps['onCopy'];
}): React.JSX.Element {
  const field = React.useRef<HTMLInputElement>(null);
  const { minted } = props;
  return (
    <div className="jfp-Card jfp-Minted" role="status">
      <label>
        The link for {minted.approver}. Send it to nobody else: who has it may answer.
        <input
          ref={field}
          type="text"
          readOnly
          value={minted.url}
          onFocus={event => {
            event.target.select();
          }}
        />
      </label>
      <Button
        label={`Copy the link for ${minted.approver}`}
        onPress={() => {
          props.onCopy(minted.url, field.current);
        }}
      >
        Copy
      </Button>
    </div>
  );
}

function LinkItem(props: LinksProps & { link: LinkView }): React.JSX.Element {
  const { link, now } = props;
  const who = link.approver ?? 'Anybody who has it';
  return (
    <>
      <div className="jfp-Line">
        <span className="jfp-Name">{who}</span>
        {link.revoked_at === null ? (
          <Button
            danger
            label={`Revoke the link for ${who}`}
            onPress={() => {
              props.onRevoke(link);
            }}
          >
            Revoke
          </Button>
        ) : (
          <Badge word={{ text: 'Revoked', tone: 'quiet' }} />
        )}
      </div>
      <div className="jfp-Small">
        {link.gate === null ? 'Whole run' : nameOf(props.run, link.gate)} · made{' '}
        <Time at={link.created_at} now={now} />
      </div>
    </>
  );
}

function nameOf(run: RunView, step: string): string {
  const found = run.steps.find(each => each.id === step);
  return found ? labelOf(found) : step;
}
