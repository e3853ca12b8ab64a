#!/usr/bin/python3
"""A hardware generator that does what a file says.

usage: hwrng.py FIFO MODE-FILE

Writes a kilobyte into FIFO whenever it is empty. MODE-FILE holds one word:

good      bytes of the kernel's generator
stuck     48 bytes again and again
zeros     a third of good bytes, and zeros for the rest, as a short read leaves them
biased    every third byte is zero
repeated  the last good kilobyte again
"""

import fcntl
import os
import struct
import sys
import termios
import time

pipe = os.open(sys.argv[1], os.O_RDWR)
last = os.urandom(1024)
while True:
    waiting = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]
    if waiting:
        time.sleep(0.005)
        continue
    with open(sys.argv[2]) as file:
        mode = file.read().strip()
    if not mode:
        continue  # it is being written
    good = os.urandom(1024)
    if mode == "stuck":
        block = (good[:48] * 22)[:1024]
    elif mode == "zeros":
        block = good[:341] + bytes(683)
    elif mode == "biased":
        block = bytes(0 if place % 3 == 0 else byte for place, byte in enumerate(good))
    elif mode == "repeated":
        block = last
    else:
        block = last = good
    os.write(pipe, block)
