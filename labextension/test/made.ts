/** Runs, steps and gates for the tests, with as little said as can be. */

import { GateView, RunView } from '../src/api.js';
import { Step } from '../src/wire.js';

/** A moment, some seconds into the run. */
export function at(seconds: number): string {
  return new Date(Date.UTC(2026, 10, 22, 12, 0, seconds)).toISOString();
}

export function step(id: string, from: number | null, to: number | null, more: Partial<Step> = {}): Step {
  return {
    id,
    index: 0,
    cell: id,
    summary: id,
    status: to === null ? (from === null ? 'pending' : 'running') : 'succeeded',
    attempts: from === null ? 0 : 1,
    started_at: from === null ? null : at(from),
    finished_at: to === null ? null : at(to),
    notice: null,
    error: null,
    progress: null,
    ...more
  };
}

export function gate(of: string, more: Partial<GateView> = {}): GateView {
  return {
    id: `run_1.${of}.${more.generation ?? 1}`,
    step: of,
    generation: 1,
    status: 'open',
    required_events: 1,
    votes: [],
    opened_at: at(0),
    closed_at: null,
    deadline: null,
    hide_cancel: false,
    require_reason: false,
    self_approval_disabled: false,
    digest: null,
    may_vote: true,
    links: null,
    user_auth_required: false,
    approvers: [],
    user_groups_required: [],
    groups: [],
    ...more
  };
}

export function run(more: Partial<RunView> = {}): RunView {
  return {
    id: 'run_1',
    status: 'running',
    path: 'work/report.ipynb',
    name: null,
    owner: 'ann',
    mine: true,
    parameters: {},
    created_at: at(0),
    started_at: at(0),
    finished_at: null,
    deadline: null,
    wake_at: null,
    result: null,
    error: null,
    checkpoint: null,
    saved: null,
    released_at: null,
    choices: [],
    steps: [],
    gates: [],
    links_base: '',
    ...more
  };
}
