#!/usr/bin/python3
"""Holds many connections to a sink open, as an attacker with many addresses would.

usage: crowd.py PORT IDLE SLOW

IDLE of them send nothing, SLOW of them a byte a second. They come from addresses in 127.1.0.0/16, twenty of each. Prints
"ready" when all are open, then how many the sink has closed, once a second, until standard input ends.
"""

import resource
import select
import socket
import sys

port, idle, slow = (int(argument) for argument in sys.argv[1:])
count = idle + slow
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, count + 64), most))

connections = []
for number in range(count):
    connection = socket.socket()
    address = number // 20
    connection.bind((f"127.1.{address // 250}.{address % 250 + 1}", 0))
    connection.connect(("127.0.0.1", port))
    connections.append(connection)
print("ready", flush=True)
slow_ones = connections[:slow]
while not select.select([sys.stdin], [], [], 1)[0]:
    closed = 0
    for connection in slow_ones:
        try:
            connection.send(b"\x04")
        except OSError:
            closed += 1
    print("closed", closed, flush=True)
