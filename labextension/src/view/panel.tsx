/** The whole panel: two lists, and in the place of the list of runs the details of one. */

import React from 'react';

import { GateSummary } from '../api';
import { Scope, State, Tab } from '../panel/store';
import { Deeds, DetailsView } from './details';
import { Inbox } from './inbox';
import { Button, Choice, Empty } from './parts';
import { Runs } from './runs';

export interface PanelProps {
  state: State;
  now: number;
  deeds: Deeds & {
    show: (change: { tab?: Tab; scope?: Scope; chosen?: string | null }) => void;
    more: () => void;
    openGate: (gate: GateSummary) => void;
  };
}

const BODY = 'jfp-body';

export function Panel(props: PanelProps): React.JSX.Element {
  const { state, deeds } = props;
  const waiting = state.inbox?.length ?? 0;
  const body = useFocusOn(state.chosen);
  return (
    <div className="jfp-Panel">
      <Choice<Tab>
        label="Flows"
        role="tablist"
        chosen={state.tab}
        choices={[
          { id: 'runs', text: 'Runs', controls: BODY },
          { id: 'inbox', text: waiting ? `Inbox (${waiting})` : 'Inbox', controls: BODY }
        ]}
        onChoose={tab => {
          deeds.show({ tab });
        }}
      />
      {state.trouble !== null && (
        <p className="jfp-Error" role="alert">
          {state.trouble}
        </p>
      )}
      <div
        id={BODY}
        ref={body}
        className="jfp-Body"
        role="tabpanel"
        aria-labelledby={`jfp-tablist-${state.tab}`}
        tabIndex={-1}
      >
        {state.tab === 'inbox' ? <InboxBody {...props} /> : <RunsBody {...props} />}
      </div>
    </div>
  );
}

/** What was pressed to choose a run, or to go back, is gone then: the focus goes to what came. */
function useFocusOn(chosen: string | null): React.RefObject<HTMLDivElement> {
  const body = React.useRef<HTMLDivElement>(null);
  const before = React.useRef(chosen);
  React.useEffect(() => {
    if (before.current === chosen) return;
    before.current = chosen;
    const { activeElement } = document;
    const isLost = activeElement === null || activeElement === document.body;
    if (isLost || body.current?.contains(activeElement)) body.current?.focus();
  }, [chosen]);
  return body;
}

function InboxBody({ state, now, deeds }: PanelProps): React.JSX.Element {
  return (
    <Inbox
      gates={state.inbox}
      now={now}
      onReview={gate => {
        deeds.review(gate.id);
      }}
      onCell={deeds.openGate}
      onRun={run => {
        deeds.show({ tab: 'runs', chosen: run });
      }}
    />
  );
}

function RunsBody(props: PanelProps): React.JSX.Element {
  const { state, deeds } = props;
  if (state.chosen === null) return <RunList {...props} />;
  return (
    <>
      <Button
        onPress={() => {
          deeds.show({ chosen: null });
        }}
      >
        ← Runs
      </Button>
      {state.details ? (
        <DetailsView details={state.details} now={props.now} deeds={deeds} />
      ) : (
        <Empty>Loading…</Empty>
      )}
    </>
  );
}

function RunList({ state, now, deeds }: PanelProps): React.JSX.Element {
  const isNotebook = state.scope === 'notebook';
  return (
    <>
      <Choice<Scope>
        label="Runs of"
        role="radiogroup"
        chosen={state.scope}
        choices={[
          { id: 'notebook', text: 'This notebook' },
          { id: 'all', text: 'All notebooks' }
        ]}
        onChoose={scope => {
          deeds.show({ scope });
        }}
      />
      <Runs
        runs={state.runs}
        more={state.more}
        named={!isNotebook}
        empty={emptyWords(state)}
        now={now}
        onOpen={run => {
          deeds.show({ chosen: run });
        }}
        onMore={deeds.more}
      />
    </>
  );
}

function emptyWords(state: State): string {
  if (state.scope === 'all') return 'No runs yet.';
  return state.path === null
    ? 'Open a notebook to see its runs.'
    : 'This notebook has not been run as a flow yet.';
}
