#!/usr/bin/python3
"""Stands between a program and a swtpm like a bus with a bad contact.

usage: disturbed_bus.py LISTEN CONNECT answer|command|busy|repeat|slow|flips|silent|dribble NUMBER

Carries commands and responses between the Unix sockets LISTEN and CONNECT, and the control channels LISTEN.ctrl and
CONNECT.ctrl. Prints "disturbed" each time it strikes or delays.

answer   in response NUMBER to TPM2_Sign one bit is flipped, in the last byte of the session's HMAC
command  in command NUMBER of TPM2_Sign one bit is flipped, in a byte of the session's HMAC
busy     from the second TPM2_Sign on, NUMBER of them are answered with TPM_RC_RETRY and not carried on
repeat   once the file LISTEN.now is there, NUMBER responses to TPM2_GetRandom are the one before it, recorded
flips    the same as answer, in every response to TPM2_Sign but each NUMBER-th
silent   the first command with the code NUMBER, and whatever comes after it, is never answered; 0: nothing at all is
dribble  every byte of a response takes NUMBER milliseconds
slow     responses to TPM2_GetRandom take as long as they would at NUMBER random bytes a second
"""

import os
import socket
import sys
import threading
import time

SIGN = 0x15D
GET_RANDOM = 0x17B
RETRY = 0x922
disturbance = sys.argv[3]
number = int(sys.argv[4])
signatures = 0
repeats = 0
recorded = None
is_silent = disturbance == "silent" and number == 0


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


def wait_for_the_end(program):
    """Until the program gives up the connection."""
    print("disturbed", flush=True)
    while program.recv(4096):
        pass
    raise EOFError


def carry_data(program, tpm):
    global signatures, is_silent
    while True:
        command = read_message(program)
        if disturbance == "silent" and int.from_bytes(command[6:10], "big") == number:
            is_silent = True
        if is_silent:
            wait_for_the_end(program)
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
        if is_sign and disturbance == "flips" and signatures % number != 0:
            print("disturbed", flush=True)
            response = flip(response, len(response) - 1)
        if disturbance == "dribble":
            print("disturbed", flush=True)
            for byte in response[:-1]:
                program.sendall(bytes([byte]))
                time.sleep(number / 1000)
            response = response[-1:]
        if int.from_bytes(command[6:10], "big") == GET_RANDOM:
            response = disturb_random(response)
        program.sendall(response)


def disturb_random(response):
    global repeats, recorded
    if disturbance == "slow":
        # The response's tag, size and code, the size of its parameters, and that of the bytes: tag 0x8002 has sessions.
        sizes = 14 if response[:2] == b"\x80\x02" else 10
        print("disturbed", flush=True)
        time.sleep(int.from_bytes(response[sizes : sizes + 2], "big") / number)
    if disturbance == "repeat":
        if recorded and repeats < number and os.path.exists(sys.argv[1] + ".now"):
            repeats += 1
            print("disturbed", flush=True)
            return recorded
        recorded = response
    return response


def carry_control(program, tpm):
    while True:
        if is_silent:
            wait_for_the_end(program)
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
