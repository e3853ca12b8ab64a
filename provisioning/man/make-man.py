#!/usr/bin/env python3
"""Makes manual pages and completions for bash: options and defaults from what each program's --help prints, the rest from
the texts beside this file. So an option, its argument and its default stand in one place only, the program's table.

usage: make-man.py DIRECTORY-OF-THE-PROGRAMS OUTPUT

A text is NAME.SECTION.text. Its lines:

    # entropy-sink-config(5): what it is   the title; for a program the help's own sentence stands for what it is
    ## DESCRIPTION                         a section
    ### Limits                             a subsection
    - `Address`: text                      an entry; lines that are indented by two spaces go on with it
        code                               four spaces, or six within an entry: as it is
    @OPTIONS                               the program's options
    anything else                          a paragraph, up to an empty line

`code` is set in bold, and so are options and names of pages, such as entropy-sink(8), anywhere.
"""
import datetime
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
# The page's section for each program: 8 for what a machine runs as a service, 1 for what a person calls.
PROGRAMS = {
    "entropy-source": 8, "entropy-sink": 8, "entropy-target": 1, "entropy-config": 1, "rsagen": 1, "curve25519gen": 1,
    "entropyshare-setup": 8,
}
# Programs that are not built.
SCRIPTS = {"entropyshare-setup": HERE.parent / "bbb" / "setup"}


def fail(message):
    sys.exit(f"make-man: {message}")


class Option:
    """One line of --help."""

    def __init__(self, letter, name, argument, text):
        self.letter, self.name, self.argument, self.text = letter, name, argument, text

    @property
    def words(self):
        """The words that the table gives a choice of, and whether several may be given with commas between them."""
        several = re.search(r"\bof ([a-z]+(?:,[a-z]+)+)", self.text)
        if self.argument == "LIST" and several:
            return several[1].split(","), True
        one = re.search(r"(?:^|[:,] )([a-z]+),? or ([a-z]+)\b", self.text)
        if self.argument == "NAME" and one:
            return [one[1], one[2]], False
        return [], False

    @property
    def takes_file(self):
        return self.argument in ("FILE", "PATH", "KEY", "BASE", "DIR")


class Program:
    """What --help and --version say (Sources/CommandLine/Help.swift)."""

    LINE = re.compile(r"  (?:-(\w), |    )--([a-z0-9-]+)(?: ([^ ]+))?  +(.*)")

    def __init__(self, directory, name):
        self.name = name
        lines = self.ask(directory, "--help").splitlines()
        if len(lines) < 4 or lines[0] != f"usage: {name} [OPTION]..." or lines[2]:
            fail(f"{name} --help: usage, a sentence and an empty line are expected, as Sources/CommandLine/Help.swift prints them")
        self.sentence = lines[1]
        self.options = []
        for number, line in enumerate(lines[3:], 4):
            if not line:
                break
            match = self.LINE.fullmatch(line)
            if not match:
                fail(f"{name} --help, line {number}: an option and its text are expected: {line!r}")
            self.options.append(Option(*match.groups()))
        self.version = self.ask(directory, "--version").split()[-1]

    def ask(self, directory, option):
        path = SCRIPTS.get(self.name, directory / self.name)
        try:
            return subprocess.run([path, option], capture_output=True, text=True, timeout=60, check=True).stdout
        except (OSError, subprocess.SubprocessError) as error:
            fail(f"{path} {option}: {error}; build the programs first, or name another directory")


def released():
    """The day of the release, from the one place that knows it."""
    source = (HERE.parent.parent / "Sources/CommandLine/Version.swift").read_text()
    match = re.search(r"released: Int64 = ([0-9_]+)", source)
    if not match:
        fail("Sources/CommandLine/Version.swift: `released: Int64 = ...` is expected there")
    return datetime.datetime.fromtimestamp(int(match[1].replace("_", "")), datetime.timezone.utc).strftime("%Y-%m-%d")


# Text to roff

def plain(text):
    text = text.replace("\\", "\\e")
    text = "".join(c if ord(c) < 128 else f"\\[u{ord(c):04X}]" for c in text)
    return text.replace("~", "\\(ti").replace("^", "\\(ha").replace("`", "\\(ga").replace("'", "\\(aq")


def literal(text):
    """What is to be typed: its hyphens are minus signs, or it could not be copied from the page."""
    return plain(text).replace("-", "\\-")


MARKS = re.compile(r"`([^`]+)`|(?<![\w-])(--[a-z][a-z0-9-]*)|(?<![\w-])([a-z][a-z0-9_.-]*)\(([1-8])\)")


def inline(text):
    result, place = "", 0
    for match in MARKS.finditer(text):
        result += plain(text[place:match.start()])
        if match[3]:
            result += f"\\fB{literal(match[3])}\\fR({match[4]})"
        else:
            result += f"\\fB{literal(match[1] or match[2])}\\fR"
        place = match.end()
    return result + plain(text[place:])


def guarded(line):
    """A line that begins like a request of roff's is text all the same."""
    return "\\&" + line if line[:1] in (".", "'") else line


def option_entries(program):
    lines = []
    for option in program.options:
        argument = f" \\fI{literal(option.argument)}\\fR" if option.argument else ""
        letter = f"\\fB\\-{option.letter}\\fR, " if option.letter else ""
        lines += [".TP", f"{letter}\\fB\\-\\-{literal(option.name)}\\fR{argument}", guarded(inline(option.text))]
    return lines


def page(path, program, version):
    lines = path.read_text().splitlines()
    title = re.fullmatch(r"# ([a-z0-9-]+)\(([1-8])\)(?:: (.+))?", lines[0])
    if not title or path.name != f"{title[1]}.{title[2]}.text" or (title[3] is None) != (program is not None):
        fail(f"{path}: the first line is to be `# NAME(SECTION)`, with `: what it is` where it is no program's, and the file's name NAME.SECTION.text")
    name, section = title[1], title[2]
    about = title[3] or program.sentence[0].lower() + program.sentence[1:].rstrip(".")
    roff = [
        '.\\" Made by provisioning/man/make-man.py; change the text there, or the program\'s table of options.',
        f'.TH {literal(name)} {section} {released()} "entropyshare {version}" "entropyshare"',
        # Names with a hyphen in them stay in one piece.
        ".nh", ".ad l", ".SH NAME", f"{literal(name)} \\- {plain(about)}",
    ]
    blocks = list(read_blocks(path, lines[1:]))
    if program is not None and [kind for kind, *_ in blocks].count("options") != 1:
        fail(f"{path}: @OPTIONS is expected once")
    for place, (kind, content) in enumerate(blocks):
        first = place == 0 or blocks[place - 1][0] in ("##", "###")
        if kind in ("##", "###"):
            roff.append(f"{'.SH' if kind == '##' else '.SS'} {plain(content)}")
        elif kind == "options":
            if program is None:
                fail(f"{path}: @OPTIONS is for a program's page")
            roff += option_entries(program)
        elif kind == "entry":
            roff += [".TP", inline(content[0]), guarded(inline(content[1]))]
        elif kind == "text":
            roff += ([] if first else [".PP"]) + [guarded(inline(content))]
        elif kind == "entry text":
            roff += [".IP", guarded(inline(content))]
        else:
            code = [".nf"] + [guarded(literal(line)) for line in content] + [".fi"]
            roff += [".IP"] + code if kind == "entry code" else ([] if first else [".PP"]) + [".RS 4"] + code + [".RE"]
    return "\n".join(roff) + "\n"


def read_blocks(path, lines):
    """The text's blocks: what each is, and what is in it."""
    indent, place = "", 0
    while place < len(lines):
        line = lines[place]
        heading = re.fullmatch(r"(##|###) (.+)", line)
        entry = re.fullmatch(r"- (.+?): (.+)", line)
        end = place + 1
        if not line:
            pass
        elif line == "@OPTIONS":
            indent = ""
            yield "options", None
        elif heading:
            indent = ""
            yield heading[1], heading[2]
        elif line.startswith(indent + "    "):
            # All of it, empty lines within it too.
            code = indent + "    "
            while end < len(lines) and (lines[end].startswith(code) or not lines[end]):
                end += 1
            block = [each[len(code):] for each in lines[place:end]]
            while not block[-1]:
                block.pop()
            yield ("entry code" if indent else "code"), block
        else:
            if entry:
                indent = "  "
            elif not line.startswith(" "):
                indent = ""
            elif not line.startswith(indent or " "):
                fail(f"{path}, {line!r}: indented by none of the steps that are known here")
            while end < len(lines) and lines[end] and not re.match(r"#|- |@", lines[end]) and (
                    lines[end].startswith(indent) if indent else not lines[end].startswith(" ")):
                end += 1
            rest = " ".join(each.strip() for each in lines[place + 1:end])
            if entry:
                yield "entry", (entry[1], f"{entry[2]} {rest}".strip())
            else:
                yield ("entry text" if indent else "text"), f"{line.strip()} {rest}".strip()
        place = end


# Completion

COMPLETION = """\
# Completion for {name}, by bash. Made by provisioning/man/make-man.py from `{name} --help`.
_{function}() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} kept= each
    COMPREPLY=()
    # bash takes the = of --option=argument for a word of its own.
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = && $COMP_CWORD -ge 2 ]]; then
        prev=${{COMP_WORDS[COMP_CWORD-2]}}
    fi
    case $prev in
{cases}    esac
    # No operands: what is not an option's argument is an option.
    mapfile -t COMPREPLY < <(compgen -W '{options}' -- "$cur")
}}
complete -F _{function} {name}
"""

FILES = """\
        {patterns})
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            return 0 ;;
"""

WORDS = """\
        {patterns})
            mapfile -t COMPREPLY < <(compgen -W '{words}' -- "$cur")
            return 0 ;;
"""

# Each word once; what is before the last comma stays.
LIST = """\
        {patterns})
            [[ $cur == *,* ]] && kept=${{cur%,*}},
            compopt -o nospace
            for each in {words}; do
                [[ ,$kept != *,$each,* && $each == "${{cur##*,}}"* ]] && COMPREPLY+=("$kept$each")
            done
            return 0 ;;
"""

NOTHING = """\
        {patterns})
            return 0 ;;
"""


def completion(program):
    groups = {}
    for option in program.options:
        if not option.argument:
            continue
        words, several = option.words
        template = LIST if several else WORDS if words else FILES if option.takes_file else NOTHING
        patterns = groups.setdefault((template, " ".join(words)), [])
        patterns += [f"--{option.name}"] + ([f"-{option.letter}"] if option.letter else [])
    cases = "".join(
        template.format(patterns=" | ".join(patterns), words=words) for (template, words), patterns in groups.items())
    if not cases:
        cases = "        *) ;;\n"
    options = []
    for option in program.options:
        options += [f"-{option.letter}"] if option.letter else []
        options.append(f"--{option.name}")
    return COMPLETION.format(
        name=program.name, function=program.name.replace("-", "_"), cases=cases, options=" ".join(options))


def main():
    if len(sys.argv) != 3:
        fail("usage: make-man.py DIRECTORY-OF-THE-PROGRAMS OUTPUT")
    directory, output = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    programs = {name: Program(directory, name) for name in PROGRAMS}
    versions = {program.version for program in programs.values()}
    if len(versions) != 1:
        fail(f"{directory}: the programs are of several versions, {', '.join(sorted(versions))}: build them anew")
    (output / "completions").mkdir(parents=True, exist_ok=True)
    texts = {path.name: path for path in sorted(HERE.glob("*.text"))}
    for name, section in PROGRAMS.items():
        if f"{name}.{section}.text" not in texts:
            fail(f"{HERE / f'{name}.{section}.text'} is missing")
    for path in texts.values():
        name, section, _ = path.name.split(".")
        (output / f"{name}.{section}").write_text(page(path, programs.get(name), min(versions)))
    for program in programs.values():
        (output / "completions" / program.name).write_text(completion(program))
    print(f"make-man: wrote {len(texts)} pages and {len(programs)} completions to {output}", file=sys.stderr)


main()
