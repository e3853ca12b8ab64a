#!/usr/bin/env python3
"""The cutoffs of NIST SP 800-90B, 4.4, in exact arithmetic, and how often a good source really reaches them.

usage: cutoffs.py BITS ENTROPY...

Prints a JSON list: for each claimed ENTROPY H, in bits per sample, and a false-alarm probability of 2^-BITS
  repetition   1 + ceil(BITS / H)                                4.4.1
  proportion   1 + CRITBINOM(512, 2^-H, 1 - 2^-BITS)             4.4.2
  window       the probability that a window of a source of 2^H equally likely values reaches that: its first sample
               counts itself, so it is that of proportion - 1 among the 511 others
"""
import json
import sys
from decimal import Decimal, getcontext
from fractions import Fraction
from math import ceil, comb

getcontext().prec = 60
WINDOW = 512


def term(trials, chance, successes):
    return comb(trials, successes) * chance**successes * (1 - chance) ** (trials - successes)


def critbinom(trials, chance, at_least):
    """The smallest k with P(X <= k) >= at_least, as the standard and every spreadsheet define it: summed from below."""
    total = Decimal(0)
    for k in range(trials + 1):
        total += term(trials, chance, k)
        if total >= at_least:
            return k
    return trials


def row(bits, entropy):
    chance = Decimal(2) ** -Decimal(entropy)
    proportion = 1 + critbinom(WINDOW, chance, 1 - Decimal(2) ** -bits)
    others = WINDOW - 1
    return {
        "entropy": float(entropy),
        "repetition": 1 + ceil(Fraction(bits) / Fraction(entropy)),
        "proportion": proportion,
        "window": float(sum(term(others, chance, k) for k in range(proportion - 1, others + 1))),
    }


json.dump([row(int(sys.argv[1]), entropy) for entropy in sys.argv[2:]], sys.stdout)
