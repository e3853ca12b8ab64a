"""Sinks that take a packet and close, as the original's does: so little that what is measured is the source."""

import json
import os
import select
import socket
import threading
import time


class Sinks:
    """As many sinks as are asked for, all of them behind one listener: each has an address of its own in 127.0.0.0/16."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("0.0.0.0", 0))
        self.listener.listen(1024)
        # When each packet was there, by time.monotonic().
        self.arrivals = []
        self.has_ended = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def write_list(self, path, public, count):
        """Writes a source's list of so many of them. `public` is their key, in base64."""
        port = self.listener.getsockname()[1]
        places = [f"127.0.{number // 250}.{number % 250 + 1}:{port}" for number in range(count)]
        with open(path, "w") as file:
            json.dump([{"Address": place, "Public": public, "Receipts": False} for place in places], file)

    def wait(self, count, seconds):
        """Returns when so many packets have arrived."""
        deadline = time.monotonic() + seconds
        while len(self.arrivals) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self.arrivals)} of {count} packets arrived")
            time.sleep(0.01)

    def close(self):
        self.has_ended = True
        self.thread.join()
        self.listener.close()

    def _serve(self):
        poll = select.epoll()
        poll.register(self.listener, select.EPOLLIN)
        frames = {}
        while not self.has_ended:
            for number, _ in poll.poll(0.2):
                if number == self.listener.fileno():
                    connection, _ = self.listener.accept()
                    frames[connection.fileno()] = (connection, bytearray())
                    poll.register(connection, select.EPOLLIN)
                    continue
                connection, frame = frames[number]
                data = connection.recv(4096)
                frame += data
                if data and (len(frame) < 2 or len(frame) < 2 + int.from_bytes(frame[:2], "big")):
                    continue
                if data:
                    self.arrivals.append(time.monotonic())
                connection.close()
                del frames[number]


def tail(path):
    """The end of a log, for whoever has to know why."""
    with open(path, errors="replace") as file:
        return file.read()[-2000:] if os.path.exists(path) else ""
