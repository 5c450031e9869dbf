/** As much of JupyterLab and of a browser as the parts under test touch. */

import { ICellModel, ICodeCellModel } from '@jupyterlab/cells';
import { INotebookModel, NotebookPanel } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';

import { DocumentRun, Output, Told } from '../src/wire.js';

/** A window whose frames and timers come when the test says. */
export class FakeWindow extends EventTarget {
  requestAnimationFrame(frame: () => void): number {
    this._frames.push(frame);
    return this._frames.length;
  }

  cancelAnimationFrame(): void {
    this._frames = [];
  }

  setTimeout(what: () => void, after: number): number {
    this.timers.set(++this._last, { what, after });
    return this._last;
  }

  clearTimeout(timer: number): void {
    this.timers.delete(timer);
  }

  /** The next frame. */
  frame(): void {
    for (const each of this._frames.splice(0)) each();
  }

  /** What was to come after so long at most comes. */
  pass(atMost: number): void {
    for (const [timer, { what, after }] of [...this.timers]) {
      if (after <= atMost && this.timers.delete(timer)) what();
    }
  }

  readonly timers = new Map<number, { what: () => void; after: number }>();
  private _frames: (() => void)[] = [];
  private _last = 0;
}

export function freshWindow(): FakeWindow {
  const made = new FakeWindow();
  Object.assign(globalThis, { window: made });
  return made;
}

/** A line whose other end is the test. */
export class FakeSocket {
  static made: FakeSocket[] = [];

  /** The newest. */
  static get last(): FakeSocket {
    const last = FakeSocket.made.at(-1);
    if (!last) throw new Error('none was made');
    return last;
  }

  constructor(readonly url: string) {
    FakeSocket.made.push(this);
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.readyState = 3;
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  tell(...told: Told[]): void {
    for (const each of told) this.onmessage?.({ data: JSON.stringify(each) });
  }

  /** By the server. */
  end(): void {
    this.readyState = 3;
    this.onclose?.();
  }

  readyState = 0;
  readonly sent: string[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
}

class FakeText {
  constructor(public text: string) {}

  insert(at: number, text: string): void {
    this.text = this.text.slice(0, at) + text + this.text.slice(at);
  }
}

/** An output area's model; `old` is JupyterLab 4.2's, whose streams can't be added to. */
export class FakeOutputs {
  constructor(private readonly _old = false) {}

  get length(): number {
    return this._list.length;
  }

  get(index: number): { streamText?: FakeText; toJSON: () => Output } {
    const item = this._list[index];
    if (!item) throw new Error(`no output ${index}`);
    const toJSON = (): Output => (item.text ? { ...item.output, text: item.text.text } : item.output);
    return item.text && !this._old ? { streamText: item.text, toJSON } : { toJSON };
  }

  add(output: Output): void {
    this.set(this._list.length, output);
  }

  set(index: number, output: Output): void {
    this.calls.push('set');
    const text = output.output_type === 'stream' ? new FakeText(String(output['text'])) : null;
    this._list[index] = { output, text };
    this.changed.emit();
  }

  clear(): void {
    this._list = [];
    this.changed.emit();
  }

  toJSON(): Output[] {
    return this._list.map((_, index) => this.get(index).toJSON());
  }

  readonly changed = new Signal<this, void>(this);
  readonly calls: string[] = [];
  private _list: { output: Output; text: FakeText | null }[] = [];
}

export class FakeCell {
  constructor(
    readonly id: string,
    public source = '',
    old = false
  ) {
    this.outputs = new FakeOutputs(old);
  }

  /** What is to be read. */
  get texts(): unknown[] {
    return this.outputs.toJSON().map(output => output['text']);
  }

  /** As Lab does: what runs is what the cell says. */
  set executionState(state: string) {
    if (state === 'running') this.isDirty = false;
  }

  readonly type = 'code';
  readonly outputs: FakeOutputs;
  readonly sharedModel = { getSource: (): string => this.source };
  executionCount: number | null = null;
  isDirty = false;
  trusted = true;
}

export class FakeNotebook {
  constructor(...cells: FakeCell[]) {
    this._list = cells;
    const signal = new Signal<FakeNotebook, { newValues: ICellModel[] }>(this);
    this.cells = { changed: signal, [Symbol.iterator]: () => this._list[Symbol.iterator]() };
  }

  /** Another model of the cell with its id takes its place. */
  putBack(cell: FakeCell): void {
    this._list = this._list.map(each => (each.id === cell.id ? cell : each));
    this.cells.changed.emit({ newValues: [cell as unknown as ICodeCellModel] });
  }

  get model(): INotebookModel {
    return this as unknown as INotebookModel;
  }

  readonly cells: {
    changed: Signal<FakeNotebook, { newValues: ICellModel[] }>;
    [Symbol.iterator]: () => IterableIterator<FakeCell>;
  };
  dirty = false;
  collaborative = false;
  private _list: FakeCell[];
}

export class FakePanel {
  constructor(readonly notebook: FakeNotebook) {
    this.context = {
      localPath: 'work/report.ipynb',
      model: notebook,
      pathChanged: new Signal<FakePanel, void>(this)
    };
    this.sessionContext = {
      session: { kernel: { id: 'k1', clientId: 'me', hasComm: () => true } },
      kernelChanged: new Signal<FakePanel, void>(this),
      iopubMessage: new Signal<object, unknown>(this)
    };
    this.sessionContext.iopubMessage = new Signal(this.sessionContext);
  }

  get panel(): NotebookPanel {
    return this as unknown as NotebookPanel;
  }

  readonly context: { localPath: string; model: FakeNotebook; pathChanged: Signal<FakePanel, void> };
  readonly sessionContext: {
    session: { kernel: { id: string; clientId: string; hasComm: () => boolean } };
    kernelChanged: Signal<FakePanel, void>;
    iopubMessage: Signal<object, unknown>;
  };
  readonly disposed = new Signal<FakePanel, void>(this);
}

export function stream(text: string): Output {
  return { output_type: 'stream', name: 'stdout', text };
}

export function documentRun(more: Partial<DocumentRun> = {}): DocumentRun {
  return {
    id: 'run_1',
    status: 'running',
    path: 'work/report.ipynb',
    name: null,
    owner: 'ann',
    mine: true,
    resumable: false,
    created_at: '2026-11-22T12:00:00Z',
    started_at: null,
    finished_at: null,
    deadline: null,
    wake_at: null,
    error: null,
    kernel_id: 'k1',
    checkpoint: null,
    saved: null,
    released_at: null,
    choices: [],
    steps: [],
    gates: [],
    ...more
  };
}
