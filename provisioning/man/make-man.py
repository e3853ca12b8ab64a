#!/usr/bin/env python3
"""Makes the manual pages, and completions for bash, out of the programs' option tables and a text for each page.

usage: make-man.py PROGRAMS OUTPUT

PROGRAMS is a directory with the programs: what --help and --version print is what stands under OPTIONS, so that a page cannot say
another thing than its program. The texts lie beside this script, one for each page, named as the page.

The form of a text: the first line is "NAME(SECTION) - what it is"; "# HEADING" begins a section, and "# OPTIONS" alone has the
table come there; "= TERM" begins an entry whose text follows; lines that begin with four spaces are shown as they are; an empty line ends a paragraph;
`this` is what somebody types or sees. A page of section 5 has no options.
"""
import email.utils
import pathlib
import re
import subprocess
import sys

FILES = {"FILE", "KEY", "BASE", "PATH", "DIR"}
WORDS = {
    "--algorithm": "rsa ecdsa",
    "--chip": "infineon st",
    "--noise": "tpm hwrng jitter kernel arrivals",
}


def fail(message):
    sys.exit(f"make-man: {message}")


def escape(text):
    """Text as roff takes it: a hyphen that is typed has to stay one."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in ".'" else text


def inline(text):
    """`this` in bold."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        fail(f"a ` is missing in: {text}")
    made = "".join(f"\\fB{escape(part)}\\fR" if place % 2 else escape(part) for place, part in enumerate(parts))
    return "\\&" + made if made[:1] in ".'" else made


class Program:
    """What a program says of itself."""

    row = re.compile(r"^  (?:(-.), |    )(--[a-z0-9-]+)(?: (\S+(?: [A-Z]+)*))?  +(\S.*)$")

    def __init__(self, path):
        if not path.exists():
            fail(f"{path} is missing: build it first")
        lines = self.run(path, "--help").split("\n")
        self.version = self.run(path, "--version").split()[-1]
        self.summary = lines[1]
        rows = [self.row.match(line) for line in lines]
        self.options = [match.groups() for match in rows if match]
        last = max(place for place, match in enumerate(rows) if match)
        if len(self.options) != last - 2:
            fail(f"{path}: a line of --help is not understood")
        self.notes = [line for line in lines[last + 1:] if line]

    @staticmethod
    def run(path, option):
        return subprocess.run([path, option], check=True, capture_output=True, text=True, timeout=60).stdout.rstrip("\n")

    def roff(self):
        lines = []
        for letter, name, argument, text in self.options:
            label = (f"\\fB{escape(letter)}\\fR, " if letter else "") + f"\\fB{escape(name)}\\fR"
            if argument:
                label += f" \\fI{escape(argument)}\\fR"
            lines += [".TP", label, escape(text)]
        for note in self.notes:
            lines += [".PP", escape(note)] if note is self.notes[0] else [escape(note)]
        return lines

    def completion(self, name):
        words = " ".join(option[1] for option in self.options)
        cases = []
        for letter, option, argument, _ in self.options:
            label = f"{letter}|{option}" if letter else option
            if option in WORDS:
                cases.append(f'    {label}) COMPREPLY=($(compgen -W "{WORDS[option]}" -- "$word")); return ;;')
            elif argument in FILES:
                cases.append(f'    {label}) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;')
            elif argument:
                cases.append(f"    {label}) return ;;")
        function = "_" + name.replace("-", "_")
        return "\n".join([
            f"# bash completion for {name}, made from its options",
            f"{function}() {{",
            '    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}',
            "    COMPREPLY=()",
            '    case $before in',
            *cases,
            "    esac",
            f'    COMPREPLY=($(compgen -W "{words}" -- "$word"))',
            "}",
            f"complete -F {function} {name}",
            "",
        ])


def blocks(lines):
    """The text in pieces: ("#", heading), ("=", term), ("text", line), ("as is", lines)."""
    kind, held = None, []
    for line in [*lines, ""]:
        found = (
            "as is" if line.startswith("    ") else None if not line
            else line[0] if line[:2] in ("# ", "= ") else "text")
        # An empty line within what is shown as it is.
        if found is None and kind == "as is":
            held.append("")
            continue
        if found != kind or found in ("#", "="):
            if held:
                yield kind, held
            kind, held = found, []
        if found:
            held.append(line[4:] if found == "as is" else line[2:] if found != "text" else line)
    if held:
        yield kind, held


def page(text, programs, released):
    """The page's name and what is in it."""
    first, *lines = text.rstrip("\n").split("\n")
    match = re.fullmatch(r"([a-z0-9-]+)\(([158])\) - (.+)", first)
    if not match:
        fail(f"this is no page's first line: {first}")
    name, section, summary = match.groups()
    program = Program(programs[name]) if section != "5" else None
    version = (program or Program(programs["entropy-config"])).version
    made = [
        f'.TH {name.upper()} {section} "{released}" "entropyshare {version}" "entropyshare"',
        ".SH NAME", f"{escape(name)} \\- {escape(summary)}",
    ]
    if program:
        made += [".SH SYNOPSIS", f"\\fB{escape(name)}\\fR [\\fIOPTION\\fR]..."]
    before = None
    in_entry = False
    for kind, held in blocks(lines):
        if kind == "#":
            made += [f".SH {held[0]}"]
            in_entry = False
            if held == ["OPTIONS"]:
                made += program.roff()
        elif kind == "=":
            made += [".TP", inline(held[0])]
            in_entry = True
        elif kind == "text":
            made += [] if before in ("#", "=") else [".IP" if in_entry else ".PP"]
            made += [inline(" ".join(held))]
        else:
            while held[-1] == "":
                held.pop()
            made += [".RS 4"] + ([] if before == "#" else [".PP"]) + [".EX"]
            made += [escape(line) for line in held] + [".EE", ".RE"]
        before = kind
    return f"{name}.{section}", "\n".join(made) + "\n", (name, program)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: make-man.py PROGRAMS OUTPUT")
    here = pathlib.Path(__file__).resolve().parent
    directory, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    (output / "completions").mkdir(parents=True, exist_ok=True)
    names = ["entropy-source", "entropy-sink", "entropy-target", "entropy-config", "rsagen", "curve25519gen"]
    programs = {name: directory.resolve() / name for name in names}
    programs["entropyshare-setup"] = here.parent / "bbb" / "setup"
    changelog = (here.parent / "debian" / "changelog").read_text()
    released = email.utils.parsedate_to_datetime(re.search(r"^ -- .*>  (.*)$", changelog, re.M)[1]).date()
    texts = sorted(here.glob("*.text"))
    if not texts:
        fail(f"there is no text in {here}")
    for path in texts:
        file, made, (name, program) = page(path.read_text(), programs, released)
        if path.stem != file:
            fail(f"{path}: it is about {file}")
        (output / file).write_text(made)
        if program:
            (output / "completions" / name).write_text(program.completion(name))


main()
