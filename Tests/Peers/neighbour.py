#!/usr/bin/python3
"""Does to a sink what a bad neighbour on a source's address can do: holds connections that say hardly anything, and sends junk.

usage: neighbour.py PORT IDLE RATE

Holds IDLE connections, with a byte each, and opens another for each that the sink closes. Sends RATE frames a second of a
packet's length with random bytes. May be started before the sink. Once a second prints how many frames the sink has taken so
far and how many connections are open. Ends with standard input.
"""

import os
import select
import socket
import sys
import time

port, most, rate = (int(argument) for argument in sys.argv[1:])
LENGTH = 1401
idle = []
taken = 0


def connect():
    connection = socket.socket()
    connection.settimeout(5)
    connection.connect(("127.0.0.1", port))
    return connection


def send_junk():
    """Returns true once the sink has closed as after a packet by nobody who is known."""
    with connect() as connection:
        body = bytearray(os.urandom(LENGTH))
        body[31] &= 0x7F  # where a public key never has a bit, and junk with one would cost the sink nothing
        connection.sendall(LENGTH.to_bytes(2, "big") + body)
        return connection.recv(1) == b""


def is_open(connection):
    readable, _, _ = select.select([connection], [], [], 0)
    return not readable


print("ready", flush=True)
report = due = time.monotonic()
while not select.select([sys.stdin], [], [], max(0, due - time.monotonic()))[0]:
    due = max(due + 1 / rate, time.monotonic() - 1)
    try:
        taken += send_junk()
        if len(idle) < most:
            idle.append(connect())
            idle[-1].send(b"\x05")
    except OSError:
        pass
    if time.monotonic() - report > 0.5:
        report = time.monotonic()
        idle = [connection for connection in idle if is_open(connection)]
        print("taken", taken, "open", len(idle), flush=True)
