/** The server's doors, typed: one function each, and every refusal as a Problem. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { answerOf, Mistake, Problem, wordsOf } from './problem.js';
import { Checkpoint, Choice, DocumentRun, Gate, Json, RunStatus } from './wire';

const BASE = 'jupyter-flows';

/** A gate as its run's door shows it, with since when it asks. */
export interface GateView extends Gate {
  opened_at: string | null;
  closed_at: string | null;
}

/** A run as its own door shows it. */
export interface RunView extends Omit<DocumentRun, 'resumable' | 'kernel_id'> {
  gates: GateView[];
  parameters: Record<string, Json>;
  /** The newest. */
  checkpoint: Checkpoint | null;
  result: Json;
  links_base: string;
}

export interface RunSummary {
  id: string;
  status: RunStatus;
  path: string;
  name: string | null;
  owner: string;
  created_at: string;
  finished_at: string | null;
  deadline: string | null;
  schedule: string | null;
}

export interface RunPage {
  runs: RunSummary[];
  /** Asks for the runs behind these; null is the end. */
  cursor: string | null;
}

export interface GateSummary {
  id: string;
  run: string;
  step: string;
  generation: number;
  path: string;
  name: string | null;
  owner: string;
  /** The step's title, perhaps empty. */
  summary: string;
  cell: string;
  required_events: number;
  approvals: number;
  status: string;
  opened_at: string;
  deadline: string;
}

export interface GatePage {
  gates: GateSummary[];
  cursor: string | null;
}

export interface LinkView {
  id: string;
  run: string;
  gate: string | null;
  generation: number;
  approver: string | null;
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
}

export interface MintedLink {
  id: string;
  approvalPage: string;
  resume: string;
  cancel: string;
}

export interface Voted {
  gate: Gate | null;
  run: { id: string; status: RunStatus };
}

export interface AuditLine {
  seq: number;
  at: string;
  kind: string;
  who: {
    name: string | null;
    verified: boolean | null;
    route: string | null;
    link: string | null;
    claimed: string | null;
    groups: string[];
  } | null;
  what: string;
  digest: string | null;
}

export interface AuditView {
  run: string;
  good: boolean;
  rows: number;
  head: { seq: number; hash: string } | null;
  findings: { row: number | null; message: string }[];
  trail: AuditLine[];
}

/** A parameter that the notebook's cell tagged `parameters` sets. */
export interface Parameter {
  name: string;
  /** The default as source text in the notebook's language. */
  default: string;
  /** The default as a value; null where it is no plain literal. */
  value: Json;
  type: string | null;
  help: string;
}

/** What a notebook would be as a flow. With mistakes it can't run. */
export interface Inspection {
  name: string | null;
  parameters: Parameter[];
  gates: { step: string; summary: string }[];
  mistakes: Mistake[];
}

export interface StartRun {
  path: string;
  /** As it is on the screen; else as the file has it. */
  notebook?: object;
  kernel_id?: string;
  parameters?: Record<string, Json>;
  in_place?: boolean;
}

export interface ResumeRun {
  /** As it is now; else the cells as the run has them. What has run must stand in it as it was. */
  notebook?: object;
  kernel_id?: string;
  /** Where a person has to choose. */
  choice?: Choice;
}

export interface SentVote {
  approved: boolean;
  payload?: Json;
  /** What was typed into the form, by the names of its controls; in place of a payload. */
  entries?: Record<string, string[]>;
  reason?: string | null;
  digest?: string | null;
  inline?: boolean;
}

type Query = Record<string, string | number | null | undefined>;

/** The doors of one server. */
export class Api {
  constructor(readonly settings: ServerConnection.ISettings) {}

  /** What this notebook (nbformat) would be as a flow; its outputs are not needed. */
  inspect(notebook: object): Promise<Inspection> {
    return this._ask('POST', 'api/inspect', { notebook });
  }

  startRun(asked: StartRun): Promise<RunView> {
    return this._ask('POST', 'api/runs', asked);
  }

  getRun(run: string): Promise<RunView> {
    return this._ask('GET', at('api/runs', run));
  }

  listRuns(
    wanted: { path?: string; status?: RunStatus; cursor?: string | null; limit?: number } = {}
  ): Promise<RunPage> {
    return this._ask('GET', `api/runs${query(wanted)}`);
  }

  cancelRun(run: string, reason: string | null = null): Promise<RunView> {
    return this._ask('POST', at('api/runs', run, 'cancel'), { reason });
  }

  resumeRun(run: string, asked: ResumeRun = {}): Promise<RunView> {
    return this._ask('POST', at('api/runs', run, 'resume'), asked);
  }

  /** `gate` is a gate's id, or its step's. */
  vote(run: string, gate: string, vote: SentVote): Promise<Voted> {
    return this._ask('POST', at('api/runs', run, 'gates', gate, 'votes'), vote);
  }

  withdraw(run: string, gate: string): Promise<Voted> {
    return this._ask('DELETE', at('api/runs', run, 'gates', gate, 'votes'));
  }

  /** The open gates that wait for my vote, oldest first. */
  gates(cursor: string | null = null, limit?: number): Promise<GatePage> {
    return this._ask('GET', `api/gates${query({ awaiting: 'me', cursor, limit })}`);
  }

  async links(run: string): Promise<LinkView[]> {
    const page: { links: LinkView[] } = await this._ask('GET', `api/links${query({ run })}`);
    return page.links;
  }

  /** `gate` null: a link for the whole run. */
  mintLink(run: string, gate: string | null, approver: string | null = null): Promise<MintedLink> {
    return this._ask('POST', 'api/links', { run, gate, approver, flow_level: gate === null });
  }

  async revokeLink(link: string): Promise<void> {
    await this._ask('DELETE', at('api/links', link));
  }

  audit(run: string): Promise<AuditView> {
    return this._ask('GET', at('api/runs', run, 'audit'));
  }

  /** The executed notebook so far, as nbformat. */
  notebookOf(run: string): Promise<Json> {
    return this._ask('GET', at('api/runs', run, 'notebook'));
  }

  /** Where a browser gets the executed notebook, to download it. */
  notebookUrl(run: string): string {
    return this._url(at('api/runs', run, 'notebook'));
  }

  /** The approval page of a gate, for who is logged in. */
  pageUrl(gate: string): string {
    return this._url(at('page', gate));
  }

  inboxUrl(): string {
    return this._url('inbox');
  }

  documentSocketUrl(path: string, run: string | null = null, since: number | null = null): string {
    const token = this.settings.appendToken && this.settings.token ? this.settings.token : null;
    const asked = query({ path, run, since, token });
    return URLExt.join(this.settings.wsUrl, BASE, 'api/documents/ws') + asked;
  }

  private _url(path: string): string {
    return URLExt.join(this.settings.baseUrl, BASE, path);
  }

  private async _ask<T>(method: string, path: string, body?: object): Promise<T> {
    const init: RequestInit = { method };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
    }
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(this._url(path), init, this.settings);
    } catch (error) {
      throw new Problem('The server does not answer', wordsOf(error), 0);
    }
    return answerOf(response, await response.text()) as T;
  }
}

function at(...parts: [string, ...string[]]): string {
  const [first, ...rest] = parts;
  return [first, ...rest.map(encodeURIComponent)].join('/');
}

function query(wanted: Query): string {
  const pairs = Object.entries(wanted).filter(([, value]) => value !== null && value !== undefined);
  return pairs.length
    ? '?' + new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])).toString()
    : '';
}
