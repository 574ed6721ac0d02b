"""Variables derived from questions, their groups, and the levels that papers reach."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from quoth.protocol import Level, Variable
from quoth.vocabulary import Decision, Outcome

_OFF = (Outcome.EXCLUDED, Outcome.NOT_APPLICABLE)
_YES, _NO, _OPEN = Outcome.REPORTED, Outcome.NOT_REPORTED, Outcome.UNDECIDED
NO_LEVEL = "none"

State = Outcome | None
"""Reported, not reported, undecided; None where there is no question to tell, or none that applies."""


def scorecard(
    decisions: Iterable[Decision], papers: Sequence[str], variables: Sequence[Variable], levels: Sequence[Level]
) -> pd.DataFrame:
    """A row for each paper: variables, groups as 'group: NAME', levels, and `level`, the highest that it reaches.

    A cell is reported, not_reported or undecided, or empty where no question tells. A group or level is reported when
    all its parts are, not reported as soon as one of them is not.
    """
    cells = {(decision.paper, decision.question): decision.decision for decision in decisions}
    groups = list(dict.fromkeys(variable.group for variable in variables if variable.group))
    rows = []
    for paper in papers:
        own = {variable.name: _variable(variable, paper, cells) for variable in variables}
        of_groups = {
            group: all_of([own[variable.name] for variable in variables if variable.group == group]) for group in groups
        }
        reached = {level.name: all_of([of_groups[group] for group in level.groups]) for level in levels}
        highest = [name for name, state in reached.items() if state is _YES]
        named = {f"group: {group}": state for group, state in of_groups.items()}
        row = {name: None if state is None else state.value for name, state in (own | named | reached).items()}
        rows.append({"paper": paper, **row, **({"level": highest[-1] if highest else NO_LEVEL} if levels else {})})
    columns = ["paper", *(variable.name for variable in variables), *(f"group: {group}" for group in groups)]
    columns += [*(level.name for level in levels), *(["level"] if levels else [])]
    return pd.DataFrame(rows, columns=columns, dtype="string")


def _variable(variable: Variable, paper: str, cells: Mapping[tuple[str, str], Outcome]) -> State:
    questions = variable.any if variable.any is not None else variable.all or ()
    states = [cells.get((paper, question), _OPEN) for question in questions]
    states = [state for state in states if state not in _OFF]
    if not states:
        return None
    return any_of(states) if variable.any is not None else all_of(states)


def any_of(states: Sequence[State]) -> State:
    """Reported as soon as one is; not reported when none is."""
    return next((state for state in (_YES, None, _OPEN) if state in states), _NO)


def all_of(states: Sequence[State]) -> State:
    """Reported when all are; not reported as soon as one is not."""
    return next((state for state in (_NO, None, _OPEN) if state in states), _YES)
