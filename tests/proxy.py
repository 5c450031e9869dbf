"""What stands between a server and what it is connected to: a network that can be lost any moment.

One that is lost without a word is not quite this: what the proxy swallows, the machine has still
acknowledged. `tests/chaos/network.py` loses a real one.
"""

import contextlib
import socket
import threading

PIECE = 1 << 16


class Proxy:
    """Listens on `host`, for connections to `target`: a port of this machine, or a Unix socket.
    `cut_after` is what a client says last: it still arrives, and its answer is lost with the
    connection.
    """

    def __init__(self, target, host="127.0.0.1"):
        self._target = target
        self._host = host
        self._listener = None
        self._pairs = set()
        self._flows = threading.Event()
        self.port = 0
        self.cut_after = None
        self.up()

    def up(self):
        """All gets through, also what was swallowed."""
        self._flows.set()
        if self._listener is None:
            self._listener = socket.create_server((self._host, self.port), backlog=128)
            self.port = self._listener.getsockname()[1]
            accept = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
            accept.start()

    def _accept(self, listener):
        with contextlib.suppress(OSError):  # it is closed
            while True:
                near, _ = listener.accept()
                threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near):
        self._flows.wait()
        try:
            far = self._connected()
        except OSError:
            _end(near)
            return
        pair, said_last = (near, far), threading.Event()
        self._pairs.add(pair)
        if self._listener is None:
            _end(*pair)
        answering = threading.Thread(target=self._answer, args=(*pair, said_last), daemon=True)
        answering.start()
        self._ask(*pair, said_last)
        answering.join()
        self._pairs.discard(pair)
        for each in pair:
            each.close()

    def _connected(self):
        if isinstance(self._target, int):
            return socket.create_connection(("127.0.0.1", self._target))
        far = socket.socket(socket.AF_UNIX)
        far.connect(str(self._target))
        return far

    def _ask(self, near, far, said_last):
        with contextlib.suppress(OSError):
            while data := near.recv(PIECE):
                if self.cut_after is not None and self.cut_after in data:
                    self.cut_after = None
                    said_last.set()
                self._flows.wait()
                far.sendall(data)
        _end(near, far)

    def _answer(self, near, far, said_last):
        with contextlib.suppress(OSError):
            while (data := far.recv(PIECE)) and not said_last.is_set():
                self._flows.wait()
                near.sendall(data)
        _end(near, far)

    def swallow(self):
        """Nothing gets through from now on, and nobody is told."""
        self._flows.clear()

    def cut(self):
        """The connections that there are; others can be made."""
        for pair in tuple(self._pairs):
            _end(*pair)

    def refuse(self):
        """Whoever comes; those that are connected stay so."""
        listener, self._listener = self._listener, None
        if listener is not None:
            _end(listener)
            listener.close()

    def down(self):
        """Refuse whoever comes, and cut what there is."""
        self.refuse()
        self.cut()


def _end(*sockets):
    for each in sockets:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
