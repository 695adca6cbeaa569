"""Cases in rounds: in each, all contestants take their turn, and the order moves on by one from round to round, so that
what else the machine does hits them alike. Ratios are taken inside a round and then their median."""
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import Callable

REFERENCE = "pgbouncer"


@dataclass
class Case:
    section: str
    name: str
    contestants: list
    # Figures of one run: {"cpu us": 12.3, …}.
    run: Callable
    # How often, if not as often as the others.
    rounds: int | None = None
    # What places it on a chart: {"mode": …, "clients": …}.
    labels: dict = field(default_factory=dict)


@dataclass
class Result:
    case: Case
    runs: dict[str, list[dict | None]]
    # Why a contestant has no figures.
    reasons: dict[str, str]

    def median(self, who, figure):
        values = [run[figure] for run in self.runs.get(who, []) if run and figure in run]
        return statistics.median(values) if values else None

    def ratio(self, who, figure, to=REFERENCE):
        pairs = [(run[figure], other[figure]) for run, other in zip(self.runs.get(who, []), self.runs.get(to, []))
                 if run and other and figure in run and other.get(figure)]
        return statistics.median(value / other for value, other in pairs) if pairs else None

    def difference(self, who, figure, to):
        pairs = [(run[figure], other[figure]) for run, other in zip(self.runs.get(who, []), self.runs.get(to, []))
                 if run and other and figure in run and figure in other]
        return statistics.median(value - other for value, other in pairs) if pairs else None

    def figures(self):
        """All names of figures, in the order in which they first came."""
        return list(dict.fromkeys(name for runs in self.runs.values() for run in runs if run for name in run))

    def documents(self):
        """One for each contestant, for programs."""
        for who, runs in self.runs.items():
            yield {"section": self.case.section, "case": self.case.name, **self.case.labels, "who": who,
                   "figures": {name: round(value, 3) for name in self.figures()
                               if (value := self.median(who, name)) is not None},
                   "ratios": {name: round(value, 3) for name in self.figures()
                              if (value := self.ratio(who, name)) is not None},
                   "rounds": sum(run is not None for run in runs),
                   **({"reason": self.reasons[who]} if who in self.reasons else {})}


def say(text):
    print(text, file=sys.stderr, flush=True)


def play(cases, rounds):
    """Every case in every round. A contestant that fails once is left out of that case, and it is said why."""
    results = [Result(case, {contestant.name: [] for contestant in case.contestants}, {}) for case in cases]
    for number in range(rounds):
        for result in results:
            case = result.case
            if number >= (case.rounds or rounds) or not case.contestants:
                continue
            started = time.monotonic()
            turn = number % len(case.contestants)
            for contestant in case.contestants[turn:] + case.contestants[:turn]:
                figures = None
                if contestant.name not in result.reasons:
                    try:
                        figures = case.run(contestant)
                    except Exception as error:
                        result.reasons[contestant.name] = str(error).strip() or type(error).__name__
                        say(f"  {contestant.name}: {result.reasons[contestant.name]}")
                result.runs[contestant.name].append(figures)
            say(f"round {number + 1} of {case.rounds or rounds}: {case.section}, {case.name}: "
                f"{time.monotonic() - started:.1f} s")
    return results
