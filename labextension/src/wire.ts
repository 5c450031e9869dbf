/** What the server says and hears: the records of its doors, and nothing of a browser. */

export type Json = unknown;

/** A cell's output, as nbformat writes it. */
export interface Output {
  output_type: 'stream' | 'display_data' | 'execute_result' | 'error';
  [key: string]: Json;
}

export type RunStatus =
  | 'queued'
  | 'running'
  | 'suspended'
  | 'sleeping'
  | 'interrupted'
  | 'succeeded'
  | 'failed'
  | 'cancelled';

export type StepStatus = 'pending' | 'running' | 'succeeded' | 'failed' | 'skipped' | 'cancelled';

export type GateStatus = 'open' | 'approved' | 'rejected' | 'timed_out' | 'superseded';

/** What a person may choose for a run that can be resumed. */
export type Choice = 'checkpoint' | 'changed' | 'kernel' | 'rerun';

export interface Failure {
  name: string;
  message: string;
  reason?: string;
}

export interface Step {
  id: string;
  /** Its cell's own id: the author may have given the step another one. */
  cell: string;
  /** The cell's place in the run's snapshot. */
  index: number;
  summary: string;
  status: StepStatus;
  /** How often it was started. */
  attempts: number;
  started_at: string | null;
  finished_at: string | null;
  notice: string | null;
  error: Failure | null;
  /** While it runs: what its cell says of itself, if it says anything. */
  progress: Progress | null;
}

export interface Progress {
  /** From 0 to 100. */
  percent: number;
  message: string | null;
}

export interface Vote {
  approver: string | null;
  verified: boolean;
  claimed: string | null;
  approved: boolean;
  reason: string | null;
  at: string;
}

export interface Gate {
  /** run.step.generation: its name in addresses. */
  id: string;
  step: string;
  generation: number;
  status: GateStatus;
  required_events: number;
  votes: Vote[];
  deadline: string | null;
  hide_cancel: boolean;
  require_reason: boolean;
  self_approval_disabled: boolean;
  /** Whom it asks, where it names anybody. */
  user_auth_required: boolean;
  user_groups_required: string[];
  approvers: string[];
  groups: { group: string; required: number; missing: number }[];
  digest: string | null;
  may_vote: boolean;
  /** For the run's owner while the gate is open, else null. */
  links: { approvalPage: string; resume: string; cancel: string } | null;
}

/** A variable that could not be saved. */
export interface Unsaved {
  name: string;
  type: string;
  /** Leads to what stood in the way. */
  path: string;
  reason: string;
  /** The last that bound the name, as far as its source tells. */
  step: string | null;
  /** That one's cell, as a reader counts them. */
  cell: number | null;
}

/** The saved variables of a run's kernel. */
export interface Checkpoint {
  saved_at: string;
  variables: number;
  bytes: number;
  seconds: number;
  /** Whether the run can go on with it in the place of its kernel. */
  complete: boolean;
  /** Whether the unsaved ones are lost with the kernel, as the notebook says. */
  dropped: boolean;
  /** Why a trial of loading it failed. */
  doubt: string | null;
  unsaved: Unsaved[];
}

/** A run as a notebook shows it. Times are RFC 3339 in UTC. */
export interface DocumentRun {
  id: string;
  status: RunStatus;
  path: string;
  name: string | null;
  owner: string;
  /** Whether the reader is its owner, who may cancel and resume it. */
  mine: boolean;
  /** Whether `resume` would go on from the step that did not finish. */
  resumable: boolean;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  deadline: string | null;
  wake_at: string | null;
  error: Failure | null;
  /** The kernel that the run has now, if it has one. */
  kernel_id: string | null;
  /** While the run waits, of what its kernel holds; null as well for all but its owner. */
  checkpoint: Checkpoint | null;
  /** All that is to be said of a waiting run's variables. */
  saved: string | null;
  /** Since when a waiting run has no kernel, as all that was in it is saved. */
  released_at: string | null;
  choices: Choice[];
  steps: Step[];
  gates: Gate[];
}

export interface ShownCell {
  outputs: Output[];
  execution_count: number | null;
}

/**
 * A change of what one cell shows, to be applied in order.
 * - cut: only the first `index` outputs stay.
 * - add: `output` is put in at `index` (mostly at the end).
 * - set: `output` takes the place of the one at `index`.
 * - append: `text` comes to the end of the stream output at `index`.
 * - count: the cell's execution count is `count`.
 */
export interface Op {
  /** The cell's id. */
  cell: string;
  op: 'cut' | 'add' | 'set' | 'append' | 'count';
  index?: number;
  output?: Output;
  text?: string;
  count?: number | null;
}

/** What comes over the socket of one notebook (`api/documents/ws?path=`). */
export type Told =
  /** The run that the notebook shows; null is none. First of all, and when something changed. */
  | { type: 'run'; run: DocumentRun | null }
  /** The cells' sources as the run has them, once for each run. */
  | { type: 'sources'; run: string; cells: Record<string, string> }
  /** All that the cells show. `shared`: the server writes it into the shared document itself. */
  | { type: 'outputs'; run: string; seq: number; shared: boolean; cells: Record<string, ShownCell> }
  | { type: 'ops'; run: string; seq: number; ops: Op[] }
  /** The server has written the file. */
  | { type: 'saved'; path: string; hash: string; hash_algorithm: string; last_modified: string }
  | { type: 'moved'; path: string };

/** What the browser says there. `kernel_client` is its kernel connection's client id, if any. */
export interface Hello {
  type: 'hello';
  kernel_client: string | null;
}

/** What the form in the notebook has the kernel say to the server, over the comm `jupyter_flows`. */
export interface Answer {
  kind: 'answer';
  gate: string;
  approved: boolean;
  entries: Record<string, string[]>;
  reason: string;
  digest: string | null;
}
