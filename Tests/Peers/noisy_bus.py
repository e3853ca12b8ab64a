#!/usr/bin/python3
"""Stands between a program and a swtpm like a bus with a bad contact.

usage: noisy_bus.py LISTEN CONNECT

Carries commands and responses between the Unix sockets LISTEN and CONNECT, and the control channels LISTEN.ctrl and
CONNECT.ctrl. In the second response to TPM2_Sign one bit is flipped, in the last byte: the session's HMAC.
"""

import socket
import sys
import threading

SIGN = 0x15D
signatures = 0


def read_exactly(peer, count):
    data = b""
    while len(data) < count:
        part = peer.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def read_message(peer):
    """A command or a response: tag (2), size (4), code (4), and the rest."""
    header = read_exactly(peer, 10)
    return header + read_exactly(peer, int.from_bytes(header[2:6], "big") - 10)


def carry_data(program, tpm):
    global signatures
    while True:
        command = read_message(program)
        tpm.sendall(command)
        response = read_message(tpm)
        if int.from_bytes(command[6:10], "big") == SIGN:
            signatures += 1
            if signatures == 2:
                response = response[:-1] + bytes([response[-1] ^ 1])
        program.sendall(response)


def carry_control(program, tpm):
    while True:
        for source, sink in ((program, tpm), (tpm, program)):
            data = source.recv(4096)
            if not data:
                raise EOFError
            sink.sendall(data)


def carry(carrier, program, path):
    with program, socket.socket(socket.AF_UNIX) as tpm:
        tpm.connect(path)
        try:
            carrier(program, tpm)
        except (EOFError, OSError):
            pass


def serve(carrier, listen, connect):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(listen)
    listener.listen()
    while True:
        program, _ = listener.accept()
        threading.Thread(target=carry, args=(carrier, program, connect), daemon=True).start()


threading.Thread(target=serve, args=(carry_control, sys.argv[1] + ".ctrl", sys.argv[2] + ".ctrl"), daemon=True).start()
serve(carry_data, sys.argv[1], sys.argv[2])
