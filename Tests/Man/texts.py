#!/usr/bin/env python3
"""Compares the texts of the manual pages with the programs and the sources: an option that a text mentions exists, a member
that a program reads is described, and one that is described is read. Writes the examples of the pages of section 5.

usage: texts.py DIRECTORY-OF-THE-PROGRAMS PAGES EXAMPLES
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAMS = ["entropy-source", "entropy-sink", "entropy-target", "entropy-config", "rsagen", "curve25519gen", "entropyshare-setup"]
# Programs that are not built.
SCRIPTS = {"entropyshare-setup": ROOT / "provisioning/bbb/setup"}
# Where the members of each file are read.
READERS = {
    "entropy-targets": ["Target.swift"],
    "entropy-sink-config": ["SinkConfiguration.swift", "SinkLimits.swift", "SignerTable.swift", "KnownSigner.swift"],
}
found = []


def wrong(message):
    found.append(message)
    print(f"texts: {message}", file=sys.stderr)


def run(*arguments):
    return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=True).stdout


def rendered(page):
    """As a person sees it, in lines that are never broken."""
    return re.sub(".\b", "", run("mandoc", "-T", "utf8", "-O", "width=1000", page))


def section(text, name):
    return re.search(rf"^{name}\n(.*?)(?=^\S|\Z)", text, re.M | re.S)[1]


def options_of(directory, program):
    table = run(SCRIPTS.get(program, f"{directory}/{program}"), "--help").split("\n\n")[1]
    return re.findall(r"^  (?:-\w, |    )(--[a-z0-9-]+)", table, re.M)


def main():
    directory, pages, examples = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    tables = {program: options_of(directory, program) for program in PROGRAMS}
    for path in sorted((ROOT / "provisioning/man").glob("*.text")):
        name = path.name.split(".")[0]
        page = rendered(pages / path.name.removesuffix(".text"))
        if name in tables:
            listed = re.findall(r"^ +(?:-\w, )?(--[a-z0-9-]+)", section(page, "OPTIONS"), re.M)
            if listed != tables[name]:
                wrong(f"{name}: its page lists {listed}, its table {tables[name]}")
        text = path.read_text()
        for paragraph in re.split(r"\n\n|\n(?=- )|\n {4}\w+[$#] ", text):
            # An option is the page's own, or one of a program that is named beside it. Whatever stands alone in a JSON
            # example, or behind another command's name, is no option of ours.
            named = [program for program in PROGRAMS if program in paragraph] + ([name] if name in tables else [])
            for option in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", paragraph):
                # `--noise` stands for all that begin with it.
                if not any(option in tables[program] for program in named):
                    wrong(f"{path.name}: {option} is an option of none of {', '.join(named) or 'the programs'}")
        if name in READERS:
            sources = "".join((ROOT / "Sources/EntropyState" / file).read_text() for file in READERS[name])
            read = set(re.findall(r"(?:integer|string|boolean|bytes|requiredBytes|endpoint|number|key|wrong|FieldReader|object|root)"
                                  r"(?:\(|\[)(?:\s*reader,\s*|\s*entry,\s*)?\s*\"([A-Z][A-Za-z]+)\"", sources))
            described = set(re.findall(r"^- `([A-Z][A-Za-z]+)`", text, re.M))
            if read != described:
                wrong(f"{path.name}: read but not described: {sorted(read - described)}; "
                      f"described but not read: {sorted(described - read)}")
            blocks = re.findall(r"^( +)([\[{]\n.*?^\1[\]}])$", section(page, "EXAMPLES"), re.M | re.S)
            if not blocks:
                wrong(f"{path.name}: no example")
            for number, (_, block) in enumerate(blocks, 1):
                (examples / f"{name}.{number}.json").write_text(block + "\n")
    sys.exit(1 if found else 0)


main()
