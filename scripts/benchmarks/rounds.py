"""In which order contenders run."""

from itertools import groupby
from typing import Iterable


def order(names: Iterable[str], number: int) -> list[str]:
    """Each round starts with another contender, so that none always follows the same one.

    Two builds of one contender (`upload:a` and `upload:b`, next to each other) stay together, and each round turns them
    round: what drifts during a pair then favours either build as often as the other.

    >>> order(["x", "y", "z"], 1)
    ['y', 'z', 'x']
    >>> order(["x:a", "x:b", "y:a", "y:b"], 0)
    ['x:a', 'x:b', 'y:a', 'y:b']
    >>> order(["x:a", "x:b", "y:a", "y:b"], 1)
    ['y:b', 'y:a', 'x:b', 'x:a']
    """
    groups = [list(group) for _, group in groupby(names, lambda name: name.partition(":")[0])]
    shift = number % max(len(groups), 1)
    turned = [*groups[shift:], *groups[:shift]]
    return [name for group in turned for name in (reversed(group) if number % 2 else group)]
