#!/usr/bin/python3
"""Makes what the fuzzers start from, out of the vectors and of keys that openssl makes.

usage: make_seeds.py DIRECTORY

Writes DIRECTORY/SUBJECT/NAME for each subject of the program fuzz. The boxes are opened with PyNaCl; the DER is made here,
by a few lines that the project has no part in.
"""

import base64
import json
import os
import subprocess
import sys

from nacl.exceptions import CryptoError
from nacl.public import Box, PrivateKey, PublicKey

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Vectors", "reference-packets.json")


def seed(subject, name, data):
    directory = os.path.join(sys.argv[1], subject)
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, name), "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())


def element(tag, contents):
    count = len(contents)
    if count < 0x80:
        return bytes([tag, count]) + contents
    octets = count.to_bytes((count.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + contents


def integer(number, tag=0x02):
    return element(tag, number.to_bytes(((number if number >= 0 else ~number).bit_length()) // 8 + 1, "big", signed=True))


def sequence(*elements):
    return element(0x30, b"".join(elements))


def octets(contents):
    return element(0x04, contents)


def pem(label, der):
    text = base64.b64encode(der).decode()
    lines = [text[place : place + 64] for place in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()


def b64(data):
    return base64.b64encode(data).decode()


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, check=True, capture_output=True).stdout


def make_packets(groups):
    for group in groups:
        sink = PrivateKey(bytes.fromhex(group["keys"]["sink_private"]))
        for case in group["cases"]:
            # The three groups differ in the size of the signer's key.
            name = f"{case['name']}-{group['rsa_bits']}"
            wire = bytes.fromhex(case["wire"])
            seed("frame", name, len(wire).to_bytes(2, "big") + wire)
            try:
                signed = Box(sink, PublicKey(wire[:32])).decrypt(wire[32:])
            except (CryptoError, ValueError, TypeError):
                continue
            seed("signed-message", name, signed)
            # Where the envelope is as it should be: two octet strings, the first of them below 64 KB.
            if signed[:2] == b"\x30\x82" and signed[4:6] == b"\x04\x82":
                seed("packet", name, signed[8 : 8 + int.from_bytes(signed[6:8], "big")])
    chunk = octets(bytes(1024))
    recipient = element(0x80, bytes(range(16)))
    for name, elements in {
        "recipient": [recipient],
        "recipient-and-more": [recipient, element(0xA1, integer(5)), b"\xbf\x81\x00\x00"],
        "recipient-short": [element(0x80, bytes(15))],
    }.items():
        message = sequence(integer(1700000000), integer(1), chunk, *elements)
        seed("packet", name, message)
        seed("signed-message", name, sequence(octets(message), octets(bytes(64))))
    for length in (0, 39, 40, 71, 72, 128, 129, 255, 256, 65535):
        seed("frame", f"length-{length}", length.to_bytes(2, "big") + bytes(min(length, 200)))


def make_elements():
    for status in range(6):
        for name, number in {"zero": 0, "one": 1, "minus": -1, "max": 2**63 - 1, "min": -(2**63), "over": 2**63}.items():
            receipt = sequence(integer(status, 0x0A), integer(number), integer(1700000000))
            seed("receipt", f"{status}-{name}", receipt)
            seed("der", f"receipt-{status}-{name}", receipt)
    for count in (0, 1, 127, 128, 255, 256):
        seed("der", f"octets-{count}", octets(bytes(count)))
    seed("der", "nested", sequence(element(0xA0, element(0x01, b"\xff")), sequence(sequence()), element(0x05, b"")))
    seed("der", "key", sequence(sequence(element(0x06, bytes([42, 134, 72])), element(0x05, b"")), element(0x03, b"\x00\x01")))


def make_json(sinks, keys):
    targets = [
        {"Address": "sink.example.org:4141", "Public": b64(sinks[0][1]), "Counter": 7, "Next": 1700000000},
        {"Address": "[::1]:4141", "Public": b64(sinks[1][1]), "Extra": [1.5, None, True, "ü\n"]},
        {"Address": "192.0.2.7:9437", "Public": b64(sinks[2][1]), "Counter": -1},
    ]
    for count in range(4):
        seed("targets", str(count), json.dumps(targets[:count], indent="\t"))
    one = {"Address": ":9437", "Signer": b64(keys["p256"]), "Counter": 5, "Private": b64(sinks[0][0]), "Drift": 120}
    limits = {"Connections": 10, "ConnectionsPerAddress": 2, "SecondsPerPacket": 30, "PacketsPerMinute": 60}
    several = [
        {"Key": b64(keys["p256"]), "Counter": 5},
        {"Key": b64(keys["other"]), "Counter": 9223372036854775807, "Removed": True},
        {"Key": b64(keys["rsa"]), "Counter": 0, "Removed": False},
    ]
    seed("config", "one", json.dumps(one, indent="\t"))
    seed("config", "rsa", json.dumps(dict(one, Signer=b64(keys["rsa"]), Address="[::1]:4141")))
    seed("config", "limits", json.dumps(dict(one, Limits=limits, Credit=256, RequireRecipient=True, MaximumAge=0)))
    for count in (1, 2, 3):
        listed = dict(one, Signer=several[:count], Limits={}, State="counters.json")
        del listed["Counter"]
        seed("config", f"list-{count}", json.dumps(listed, indent="\t"))
    words = ["mixed", "unconfirmed", "refused", "unreachable", "failed", "silent", "foreign", "waiting"]
    entries = [
        {"Address": "a:1", "Public": b64(sinks[0][1]), "Status": word, "Reason": "why", "Counter": 1, "Bytes": 2, "Time": 3}
        for word in words
    ]
    seed("status", "empty", json.dumps({"Targets": []}))
    seed("status", "all", json.dumps({"Targets": entries}, indent="\t"))
    seed("status", "one", json.dumps({"Targets": entries[:1]}, indent="\t"))
    refused = dict.fromkeys(["Recipient", "Drift", "Counter", "Storage", "Chunk", "Pool"], 0)
    signers = [
        {"Fingerprint": "0123456789abcdef" * 4, "Counter": 12, "Mixed": 3, "LastMixed": 1700000000, "Refused": refused},
        {"Fingerprint": "f" * 64, "Counter": -(2**63), "Mixed": 2**63 - 1, "Refused": dict(refused, Counter=2**63 - 1, Chunk=1)},
    ]
    for count in range(3):
        written = {"Started": 1700000000, "Written": 1700000100, "MaximumAge": 86400 * count, "Signers": signers[:count]}
        seed("sink-status", str(count), json.dumps(written, indent="\t"))
    name = b64(b"\x00\x0b" + bytes(32))
    record = {"KeyName": name, "PrimaryName": name}
    proof = {"SaltLength": 32, "CreationData": b64(bytes(60)), "CreationHash": b64(bytes(32)), "CreationTicket": b64(bytes(40))}
    seed("record", "short", json.dumps(record))
    seed("record", "whole", json.dumps({**record, **proof}, indent="\t"))
    texts = ["null", "-0", "1.5e-3", "9223372036854775808", "18446744073709551616", '"\\ud83d\\ude00\\/\\u0041"', "[" * 16 + "]" * 16]
    for place, text in enumerate(texts + [json.dumps(targets, ensure_ascii=False), json.dumps(one), json.dumps(record)]):
        seed("json", str(place), text)
    for count in range(5):
        seed("base64", str(count), b64(bytes(range(250, 250 + count))))


def make_public_area(kind, unique):
    attributes = (0x40472).to_bytes(4, "big")  # sign, noDA, userWithAuth, sensitiveDataOrigin, fixedParent, fixedTPM
    number = lambda value: value.to_bytes(2, "big")
    sized = lambda data: number(len(data)) + data
    if kind == "rsa":
        area = number(0x0001) + number(0x000B) + attributes + sized(b"")
        area += number(0x0010) + number(0x0016) + number(0x000B) + number(2048) + bytes(4) + sized(unique)
    else:
        area = number(0x0023) + number(0x000B) + attributes + sized(b"")
        area += number(0x0010) + number(0x0018) + number(0x000B) + number(0x0003) + number(0x0010)
        area += sized(unique[:32]) + sized(unique[32:])
    return sized(area)


def make_keys(groups):
    """Returns public keys in PKIX by name."""
    privates = {f"rsa-{group['rsa_bits']}": bytes.fromhex(group["keys"]["signer_pkcs1_der"]) for group in groups}
    publics = {f"rsa-{group['rsa_bits']}": bytes.fromhex(group["keys"]["signer_pkix_der"]) for group in groups}
    for name in ("p256", "other", "p384", "ed25519"):
        curve = {"p384": "P-384"}.get(name, "P-256")
        kind = ["ED25519"] if name == "ed25519" else ["EC", "-pkeyopt", f"ec_paramgen_curve:{curve}"]
        private = openssl("genpkey", "-algorithm", *kind, "-outform", "DER")
        privates[name] = private
        publics[name] = openssl("pkey", "-inform", "DER", "-pubout", "-outform", "DER", data=private)
        if name != "ed25519":
            privates[f"{name}-sec1"] = openssl("ec", "-inform", "DER", "-outform", "DER", data=private)
    privates["rsa-pkcs8"] = openssl(
        "pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER", data=privates["rsa-2048"])
    publics["rsa-pkcs1"] = openssl("rsa", "-inform", "DER", "-RSAPublicKey_out", "-outform", "DER", data=privates["rsa-2048"])
    for name, der in privates.items():
        label = {"rsa": "RSA PRIVATE KEY", "sec1": "EC PRIVATE KEY"}.get(name[-4:] if "sec1" in name else name[:3], "PRIVATE KEY")
        label = "PRIVATE KEY" if name == "rsa-pkcs8" else label
        # RSA keys are slow to judge, above all long ones: one of each form must do.
        if name not in ("rsa-3072", "rsa-4096", "rsa-pkcs8"):
            seed("private-key", name, der)
        if name not in ("rsa-2048", "rsa-3072", "rsa-4096"):
            seed("private-key", f"{name}.pem", pem(label, der))
        seed("pem", name, pem(label, der))
    for name, der in publics.items():
        label = "RSA PUBLIC KEY" if name.startswith("rsa") else "PUBLIC KEY"
        if name not in ("rsa-3072", "rsa-4096"):  # slow as well
            seed("public-key", name, der)
            seed("public-key", f"{name}.pem", pem(label, der))
        seed("pem", f"{name}-public", pem(label, der))
    parameters = openssl("genpkey", "-genparam", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    seed("pem", "with-parameters", parameters + pem("EC PRIVATE KEY", privates["p256-sec1"]))
    encrypted = openssl("pkey", "-inform", "DER", "-aes256", "-passout", "pass:x", data=privates["p256"])
    seed("pem", "encrypted", encrypted)
    seed("private-key", "encrypted", encrypted)
    for place, group in enumerate(groups):
        for half in ("private", "public"):
            key = bytes.fromhex(group["keys"][f"sink_{half}"])
            seed("box-key", f"{half}-{place}", key)
            seed("box-key", f"{half}-{place}.pem", pem(f"CURVE25519 {half.upper()} KEY", key))
    # A modulus is 9 bytes before the exponent's 5 in PKIX; a point ends it.
    areas = {
        "rsa": make_public_area("rsa", publics["rsa-2048"][-5 - 256 : -5]),
        "p256": make_public_area("p256", publics["p256"][-64:]),
    }
    for name, area in areas.items():
        seed("tpm-structure", name, area)
        for place, options in enumerate([b"", b"\xa0\x03\x01\x01\xff", b"\xa0\x03\x01\x01\x00", b"\xa0\x03\x01\x01\x01\xa4\x03\x0c\x01a"]):
            kind = element(0x06, bytes([0x67, 0x81, 0x05, 0x0A, 0x01, 0x03]))
            private = octets((0x60).to_bytes(2, "big") + bytes(range(1, 0x61)))
            key = sequence(kind, options, integer([0x40000001, 0x81000001, -2130706431, 0x40000001][place]), octets(area), private)
            seed("tpm-key", f"{name}-{place}", key)
            seed("tpm-key", f"{name}-{place}.pem", pem("TSS2 PRIVATE KEY", key))
    digest = (34).to_bytes(2, "big") + (32).to_bytes(2, "big") + bytes(32)
    seed("tpm-structure", "credential", digest)
    return {"p256": publics["p256"], "other": publics["other"], "rsa": publics["rsa-2048"]}


def main():
    with open(VECTORS) as file:
        groups = json.load(file)["groups"]
    make_packets(groups)
    make_elements()
    keys = make_keys(groups)
    sinks = [[bytes.fromhex(group["keys"][half]) for half in ("sink_private", "sink_public")] for group in groups]
    make_json(sinks, keys)


main()
