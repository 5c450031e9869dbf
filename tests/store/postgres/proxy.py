"""What stands between a store and its database: a network that can be cut at any moment."""

import contextlib
import socket
import threading


class Proxy:
    """Forwards a port of this machine to a Unix socket. `cut_after` is what the client says last:
    the database still gets it, and its answer is lost with the connection. While `silent`, what is
    connected gets no answer at all.
    """

    def __init__(self, path):
        self._path = str(path)
        self._listener = None
        self._pairs = []
        self.cut_after = None
        self.silent = False
        self.up()

    def up(self):
        self._listener = socket.create_server(("127.0.0.1", getattr(self, "port", 0)))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._path)
                self._pairs.append((near, far))
                said_last = threading.Event()
                for work in (self._ask, self._answer):
                    args = (near, far, said_last)
                    threading.Thread(target=work, args=args, daemon=True).start()

    def _ask(self, near, far, said_last):
        with contextlib.suppress(OSError):
            while data := near.recv(1 << 16):
                if self.cut_after is not None and self.cut_after in data:
                    self.cut_after = None
                    said_last.set()
                if not self.silent:
                    far.sendall(data)
        _end(near, far)

    def _answer(self, near, far, said_last):
        with contextlib.suppress(OSError):
            while (data := far.recv(1 << 16)) and not said_last.is_set():
                near.sendall(data)
        _end(near, far)

    def refuse(self):
        """Whoever comes; those that are connected stay so."""
        listener, self._listener = self._listener, None
        if listener is not None:
            _end(listener)
            listener.close()

    def down(self):
        """Refuse whoever comes, and cut what there is."""
        self.refuse()
        for pair in self._pairs:
            _end(*pair)
        self._pairs.clear()


def _end(*sockets):
    for each in sockets:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
