#!/usr/bin/python3
"""Stands between a program and a swtpm like a bus with a bad contact.

usage: disturbed_bus.py LISTEN CONNECT answer|command|busy NUMBER

Carries commands and responses between the Unix sockets LISTEN and CONNECT, and the control channels LISTEN.ctrl and
CONNECT.ctrl. Prints "disturbed" each time it strikes.

answer   in response NUMBER to TPM2_Sign one bit is flipped, in the last byte of the session's HMAC
command  in command NUMBER of TPM2_Sign one bit is flipped, in a byte of the session's HMAC
busy     from the second TPM2_Sign on, NUMBER of them are answered with TPM_RC_RETRY and not carried on
"""

import socket
import sys
import threading

SIGN = 0x15D
RETRY = 0x922
disturbance = sys.argv[3]
number = int(sys.argv[4])
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


def flip(message, place):
    return message[:place] + bytes([message[place] ^ 1]) + message[place + 1 :]


def carry_data(program, tpm):
    global signatures
    while True:
        command = read_message(program)
        is_sign = int.from_bytes(command[6:10], "big") == SIGN
        if is_sign:
            signatures += 1
            if disturbance == "busy" and 2 <= signatures < 2 + number:
                print("disturbed", flush=True)
                program.sendall(bytes.fromhex("80010000000a") + RETRY.to_bytes(4, "big"))
                continue
            if disturbance == "command" and signatures == number:
                # Header (10), key (4), size of the authorization (4), which ends with the HMAC's last byte.
                print("disturbed", flush=True)
                size = int.from_bytes(command[14:18], "big")
                command = flip(command, 18 + size - 1)
        tpm.sendall(command)
        response = read_message(tpm)
        if is_sign and disturbance == "answer" and signatures == number:
            print("disturbed", flush=True)
            response = flip(response, len(response) - 1)
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
