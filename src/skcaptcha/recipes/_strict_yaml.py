"""A parser for YAML from untrusted sources: plain values only, in bounded time and memory."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml

from skcaptcha.exceptions import RecipeError

# The longest ready recipe has 4 KB and 5 levels.
MAX_CHARACTERS = 2**16
MAX_LEVELS = 40
_MAX_VALUES = 2**16  # with every alias expanded: aliases of aliases can stand for billions
_MAX_BITS = 64


class _Loader(yaml.SafeLoader):
    """Safe loader that also refuses what is misleading or expensive.

    These are duplicate keys, octal numbers, tags, merge keys, values that contain themselves, and a
    few lines that stand for very many values. As in YAML 1.2, 1e3 is a number.
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
            raise _error("a string contains the character NUL", event)
        if self._level == MAX_LEVELS:
            raise _error(f"more than {MAX_LEVELS} nested levels", event)
        self._level += 1
        node = super().compose_node(parent, index)
        self._level -= 1
        # An alias of a node that is not complete: the value would contain itself.
        if isinstance(event, yaml.AliasEvent) and node not in self._n_values:
            raise _error(f"the alias {event.anchor} is inside the value that it refers to", event)
        assert node is not None
        n = 1 if isinstance(node, yaml.ScalarNode) else 1 + sum(map(self._count, node.value))
        if n > _MAX_VALUES:
            problem = f"{n} values with all aliases expanded; the maximum is {_MAX_VALUES}"
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
                break  # the base class raises the error
            if key in seen:
                raise _error(f"the key {key!r} occurs twice", key_node)
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        if re.match("[-+]?0[0-9_]", node.value):
            problem = f"{node.value} begins with 0; write a number without it, a string in quotes"
            raise _error(problem, node)
        number = super().construct_yaml_int(node)
        if number.bit_length() > _MAX_BITS:
            raise _error(f"a number has more than {_MAX_BITS} bits", node)
        return number


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)


def parse_yaml(text: str, source: str) -> Any:
    """Parse YAML of mappings, lists, strings, numbers, booleans, dates and null.

    A RecipeError with the source and the line is raised for anything else, and if there are more
    than 65,536 characters, 40 levels or, with every alias expanded, 65,536 values.
    """
    if len(text) > MAX_CHARACTERS:
        raise RecipeError(
            f"{source}: it has {len(text)} characters; a recipe has at most {MAX_CHARACTERS}"
        )
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a subclass of SafeLoader
    # A date or a number may be out of range.
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or error
        message = " ".join(str(problem).split())
        if len(message) > 500:
            # The remedy is at the end.
            message = f"{message[:250]} ... {message[-245:]}"
        raise RecipeError(f"{source}: {line}{message}") from None


def _error(problem: str, where: yaml.Event | yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=where.start_mark)  # type: ignore[arg-type]
