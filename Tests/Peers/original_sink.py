#!/usr/bin/python3
"""A sink that behaves as the original does, made of libraries that the project has no part in.

usage: original_sink.py decrypt.key signer.pub

Takes one connection on a free port of this machine (printed first), reads one frame, opens it with PyNaCl, verifies
it with python-cryptography, reads it with pyasn1, closes the connection without a byte, and prints what it found as
JSON. Like the original it passes over elements of the packet that it does not know.
"""

import hashlib
import json
import socket
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from nacl.public import Box, PrivateKey, PublicKey
from pyasn1.codec.der import decoder


def read_exactly(connection, count):
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise EOFError(f"closed after {len(data)} of {count} bytes")
        data += part
    return data


def main():
    with open(sys.argv[1], "rb") as file:
        private = PrivateKey(file.read())
    with open(sys.argv[2], "rb") as file:
        signer = serialization.load_der_public_key(file.read())
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(30)
    print(listener.getsockname()[1], flush=True)
    connection, _ = listener.accept()
    sealed = read_exactly(connection, int.from_bytes(read_exactly(connection, 2), "big"))
    connection.close()

    signed = Box(private, PublicKey(sealed[:32])).decrypt(sealed[32:])
    (message, signature), rest = decoder.decode(signed)
    assert rest == b"", "bytes after the signed message"
    message = bytes(message)
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.AUTO)
    signer.verify(bytes(signature), message, pss, hashes.SHA256())
    packet, rest = decoder.decode(message)
    assert rest == b"", "bytes after the packet"
    extra = [bytes(packet[place]).hex() for place in range(3, len(packet))]
    chunk = bytes(packet[2])
    print(
        json.dumps(
            {
                "sealed": len(sealed),
                "packet": len(message),
                "timestamp": int(packet[0]),
                "counter": int(packet[1]),
                "chunk": len(chunk),
                "recipient_matches": extra
                == [hashlib.sha256(bytes(private.public_key)).digest()[:16].hex()],
            }
        ),
        flush=True,
    )


main()
