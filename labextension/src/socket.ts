/** The line to the server about one notebook: it comes back by itself, and goes on where it was. */

import { IDisposable } from '@lumino/disposable';

import { Hello, Told } from './wire';

const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 60_000;
/** A line that was open for so long, or that something came over, is a good one. */
const STEADY = 10_000;
/** WebSocket.OPEN */
const OPEN = 1;
const KINDS: ReadonlySet<string> = new Set(['run', 'sources', 'outputs', 'ops', 'saved', 'moved']);

export interface SocketOptions {
  /** Asked at each connect, so that it can say where to go on. */
  url: () => string;
  socket: new (url: string) => WebSocket;
  /** Who we are; said after each connect. */
  hello: () => Hello;
  told: (what: Told) => void;
  connected: (is: boolean) => void;
}

export class DocumentSocket implements IDisposable {
  constructor(private readonly _options: SocketOptions) {
    window.addEventListener('online', this._onOnline);
    this._connect();
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    window.removeEventListener('online', this._onOnline);
    this._drop();
  }

  /** Say again who we are. */
  greet(): void {
    if (this._socket?.readyState === OPEN) {
      this._socket.send(JSON.stringify(this._options.hello()));
    }
  }

  /** Connect anew, as the address is another now. */
  restart(): void {
    if (this._isDisposed) return;
    this._isSteady();
    this._drop();
    this._connect();
  }

  /** A line from before the network was away may look open for minutes, and be dead. */
  private readonly _onOnline = (): void => {
    this.restart();
  };

  private readonly _isSteady = (): void => {
    this._wait = FIRST_WAIT;
  };

  private _connect(): void {
    const socket = new this._options.socket(this._options.url());
    this._socket = socket;
    socket.onopen = () => {
      // not at once: a server that is too busy lets us in, and closes
      this._timer = window.setTimeout(this._isSteady, STEADY);
      this.greet();
      this._options.connected(true);
    };
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      this._isSteady();
      const told = read(data);
      if (told) this._options.told(told);
    };
    socket.onclose = () => {
      this._drop();
      this._options.connected(false);
      this._later();
    };
  }

  /** Not all tabs of a server that was away come back in the same moment. */
  private _later(): void {
    this._timer = window.setTimeout(() => {
      this._connect();
    }, this._wait * (0.5 + Math.random()));
    this._wait = Math.min(this._wait * 2, LONGEST_WAIT);
  }

  private _drop(): void {
    window.clearTimeout(this._timer);
    const socket = this._socket;
    this._socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private _socket: WebSocket | null = null;
  private _timer = 0;
  private _wait = FIRST_WAIT;
  private _isDisposed = false;
}

/** A newer server may say what we do not know: that is passed over. */
function read(data: unknown): Told | null {
  if (typeof data !== 'string') return null;
  const said = JSON.parse(data) as { type?: string } | null;
  return said?.type && KINDS.has(said.type) ? (said as Told) : null;
}
