"""Reading YAML that somebody else wrote: plain values only, in bounded time and memory."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml

from skcaptcha.exceptions import RecipeError

# The longest ready recipe has 4 KB and 5 levels.
MOST_CHARACTERS = 2**16
MOST_LEVELS = 40
# Counted as if every alias were written out: aliases of aliases can stand for billions.
_MOST_VALUES = 2**16
_MOST_BITS = 64


class _Loader(yaml.SafeLoader):
    """Safe YAML without its traps.

    Keys that stand twice, octal numbers, 1e3 as a string, tags, merged mappings, values that
    contain themselves, and few lines that stand for very many values.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._level = 0
        self._n_values: dict[yaml.Node, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()
        if getattr(event, "tag", None) is not None:
            raise _error(f"the tag {event.tag} is not allowed; write the value without it", event)
        if "\0" in getattr(event, "value", ""):
            raise _error("a text holds the character NUL, which no name may", event)
        if self._level == MOST_LEVELS:
            raise _error(f"more than {MOST_LEVELS} levels stand in each other", event)
        self._level += 1
        node = super().compose_node(parent, index)
        self._level -= 1
        # An alias of what is not read to its end: the value would contain itself.
        if isinstance(event, yaml.AliasEvent) and node not in self._n_values:
            raise _error(f"the alias {event.anchor} stands inside of what it stands for", event)
        assert node is not None
        n = 1 if isinstance(node, yaml.ScalarNode) else 1 + sum(map(self._count, node.value))
        if n > _MOST_VALUES:
            problem = f"its aliases stand for {n} values, and {_MOST_VALUES} are the most"
            raise _error(problem, event)
        self._n_values[node] = n
        return node

    def _count(self, part: Any) -> int:
        parts = part if isinstance(part, tuple) else (part,)
        return sum(self._n_values[node] for node in parts)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise _error("the merge key << is not supported; write the keys out", key_node)
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                break  # the base class says what is wrong with it
            if key in seen:
                raise _error(f"the key {key!r} stands twice", key_node)
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        if re.match("[-+]?0[0-9_]", node.value):
            problem = f"{node.value} begins with 0; write a number without it, a text in quotes"
            raise _error(problem, node)
        number = super().construct_yaml_int(node)
        if number.bit_length() > _MOST_BITS:
            raise _error(f"a number has more than {_MOST_BITS} bits", node)
        return number


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"),  # as in YAML 1.2
    list("-+.0123456789"),
)


def parse_yaml(text: str, source: str) -> Any:
    """Parse YAML that holds nothing but mappings, lists, texts, numbers and the like.

    Parameters
    ----------
    text : str
    source : str
        Where it comes from, for the errors.

    Returns
    -------
    value : object

    Raises
    ------
    RecipeError
        If it is no such YAML, is longer than 65,536 characters, or has more than 40 levels or, with
        every alias written out, 65,536 values. Names the source and the line.

    Examples
    --------
    >>> from skcaptcha.recipes._strict_yaml import parse_yaml
    >>> parse_yaml("{cv: 3, shape: [20, 1e1]}", "a.yaml")
    {'cv': 3, 'shape': [20, 10.0]}
    >>> parse_yaml("!!python/name:os.system", "a.yaml")
    Traceback (most recent call last):
        ...
    skcaptcha.exceptions.RecipeError: a.yaml: line 1: the tag
    tag:yaml.org,2002:python/name:os.system
    is not allowed; write the value without it
    """
    if len(text) > MOST_CHARACTERS:
        raise RecipeError(
            f"{source}: it has {len(text)} characters; a recipe has at most {MOST_CHARACTERS}"
        )
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a subclass of SafeLoader
    # A date or a number may be out of range.
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or error
        said = " ".join(str(problem).split())
        if len(said) > 500:
            # The remedy is at the end.
            said = f"{said[:250]} ... {said[-245:]}"
        raise RecipeError(f"{source}: {line}{said}") from None


def _error(problem: str, where: yaml.Event | yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=where.start_mark)  # type: ignore[arg-type]
