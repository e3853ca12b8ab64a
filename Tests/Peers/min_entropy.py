#!/usr/bin/env python3
"""Two estimates of NIST SP 800-90B, 6.3, of the bytes on standard input: exact fractions up to the logarithm.

Prints a JSON object, both in bits per byte:
  mostCommonValue   6.3.1, of bytes; 2.576 there is the rounded quantile that is used here
  markov            6.3.3, of bits, the most significant one of a byte first, times eight
"""
import json
import sys
from collections import Counter
from decimal import Decimal, getcontext
from fractions import Fraction
from statistics import NormalDist

getcontext().prec = 50


def bits_of(probability):
    value = Decimal(probability.numerator) / Decimal(probability.denominator)
    return -value.ln() / Decimal(2).ln()


def most_common_value(samples):
    count = len(samples)
    share = Fraction(max(Counter(samples).values()), count)
    deviation = share * (1 - share) / (count - 1)
    root = (Decimal(deviation.numerator) / Decimal(deviation.denominator)).sqrt()
    bound = Decimal(share.numerator) / Decimal(share.denominator) + Decimal(NormalDist().inv_cdf(0.995)) * root
    return max(Decimal(0), bits_of(Fraction(min(Decimal(1), bound))))


def markov(text):
    """`text` is a string of 0 and 1. What never follows has a probability of 0, and so has what has no follower."""
    alone = {bit: Fraction(text.count(bit), len(text)) for bit in "01"}
    follows = Counter(zip(text, text[1:]))

    def step(first, second):
        both = follows[first, "0"] + follows[first, "1"]
        return Fraction(follows[first, second], both) if both else Fraction(0)

    def way(sequence):
        probability = alone[sequence[0]]
        for first, second in zip(sequence, sequence[1:]):
            probability *= step(first, second)
        return probability

    # The six rows of the standard's table, written out: 128 bits each.
    rows = ["0" * 128, "01" * 64, "0" + "1" * 127, "1" + "0" * 127, "10" * 64, "1" * 128]
    likeliest = max(map(way, rows))
    return min(bits_of(likeliest) / 128, Decimal(1))


data = sys.stdin.buffer.read()
json.dump(
    {
        "mostCommonValue": float(most_common_value(data)),
        "markov": 8 * float(markov("".join(f"{byte:08b}" for byte in data))),
    },
    sys.stdout,
)
