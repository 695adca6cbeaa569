"""Reading what callgrind wrote: instructions and calls of each function, and who called whom."""
import re
import shutil
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field

# fn=(12) name, cfn=(12): a name stands where its number is first used. Source: the Valgrind manual, "Callgrind
# Format Specification".
NAME = re.compile(r"^\((\d+)\)(?: (.*))?$")


@dataclass
class Profile:
    """Instructions executed and calls made, by function."""
    own: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    # With those that it called.
    inclusive: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    calls: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    # (caller, called) → calls.
    edges: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    @property
    def total(self):
        return sum(self.own.values())


def read(paths):
    """The sum of some dumps of one process. Each has its own numbers for names."""
    profile = Profile()
    for path in paths:
        with open(path, errors="replace") as lines:
            add(profile, lines)
    return profile


def add(profile, lines):
    names = {}

    def name(text):
        number, given = NAME.match(text).groups()
        if given is not None:
            # callgrind tells levels of a recursion apart by a tick and a number.
            names[number] = re.sub(r"'\d+$", "", given)
        return names[number]

    function = called = None
    calls = 0
    for line in lines:
        head, equals, rest = line.rstrip("\n").partition("=")
        if equals and head == "fn":
            function = name(rest)
        elif equals and head == "cfn":
            called = name(rest)
        elif equals and head == "calls":
            calls = int(rest.split()[0])
        elif not equals and line[:1] in "0123456789+-*" and function is not None:
            cost = int(line.split()[1]) if len(line.split()) > 1 else 0
            if called is None:
                profile.own[function] += cost
            else:
                profile.calls[called] += calls
                profile.edges[function, called] += calls
            if called != function:
                profile.inclusive[function] += cost
            called = None


def difference(more, less, by):
    """What one of `by` repetitions costs, as numbers with a fraction: (`more` - `less`) / `by`."""
    result = Profile()
    for part in ("own", "inclusive", "calls", "edges"):
        longer, shorter = getattr(more, part), getattr(less, part)
        for key in longer.keys() | shorter.keys():
            value = (longer.get(key, 0) - shorter.get(key, 0)) / by
            if value:
                getattr(result, part)[key] = value
    return result


def demangled(names):
    """Swift's names as their author wrote them, where a toolchain is at hand."""
    names = list(names)
    tool = next(filter(None, (shutil.which(name) for name in ("swift-demangle",))), None)
    command = [tool] if tool else ([shutil.which("swift"), "demangle"] if shutil.which("swift") else None)
    if command is None or not names:
        return {name: name for name in names}
    answer = subprocess.run([*command, "--compact", "--simplified"], input="\n".join(names) + "\n",
                            capture_output=True, text=True)
    lines = answer.stdout.splitlines()
    return dict(zip(names, lines)) if len(lines) == len(names) else {name: name for name in names}
