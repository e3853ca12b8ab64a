#!/usr/bin/python3
"""A sink that behaves as the original does, made of libraries that the project has no part in.

usage: original_sink.py decrypt.key signer.pub

Takes one connection on a free port of this machine (printed first), reads one frame, opens it with PyNaCl, verifies
it with python-cryptography, reads it with pyasn1, closes the connection without a byte, and prints what it found as
JSON. The original passes over the recipient; here it is checked.
"""

import hashlib
import json
import socket
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from nacl.public import Box, PrivateKey, PublicKey
from pyasn1.codec.der import decoder
from pyasn1.type import namedtype, tag, univ


class Packet(univ.Sequence):
    componentType = namedtype.NamedTypes(
        namedtype.NamedType("timestamp", univ.Integer()),
        namedtype.NamedType("counter", univ.Integer()),
        namedtype.NamedType("chunk", univ.OctetString()),
        namedtype.OptionalNamedType(
            "recipient",
            univ.OctetString().subtype(implicitTag=tag.Tag(tag.tagClassContext, tag.tagFormatSimple, 0)),
        ),
    )


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
    packet, rest = decoder.decode(message, asn1Spec=Packet())
    assert rest == b"", "bytes after the packet"
    chunk = bytes(packet["chunk"])
    print(
        json.dumps(
            {
                "sealed": len(sealed),
                "packet": len(message),
                "timestamp": int(packet["timestamp"]),
                "counter": int(packet["counter"]),
                "chunk": len(chunk),
                "recipient_matches": bytes(packet["recipient"])
                == hashlib.sha256(bytes(private.public_key)).digest()[:16],
            }
        ),
        flush=True,
    )


main()
