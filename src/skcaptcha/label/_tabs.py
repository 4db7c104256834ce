"""The browser tabs of a labeling page: which images each of them holds and has shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from skcaptcha.label._task import Chosen, Guess


@dataclass
class Tab:
    """State of one tab.

    Attributes
    ----------
    seen : list of str
        Images in the order in which they were first shown.
    held : dict of str to str
        Images reserved for this tab, in the order in which they come, and how each was chosen.
    grid : dict of str to Guess
        Images reserved for this tab, and their readings, which it shows together.
    last_request : float
        Time of the last request, in seconds of a monotonic clock.
    """

    seen: list[str] = field(default_factory=list)
    held: dict[str, Chosen] = field(default_factory=dict)
    grid: dict[str, Guess] = field(default_factory=dict)
    last_request: float = 0.0


class Tabs:
    """All tabs that have sent a request.

    A tab that is silent for more than `lease` seconds loses the images that it holds.
    """

    def __init__(self, lease: float) -> None:
        self._lease = lease
        self._tabs: dict[str, Tab] = {}

    def of(self, name: str, now: float, before: Iterable[str] = ()) -> Tab:
        """Return a tab and record a request of it; a new tab has seen the images in `before`."""
        if name not in self._tabs:
            self._tabs[name] = Tab(seen=list(dict.fromkeys(before)))
        tab = self._tabs[name]
        tab.last_request = now
        return tab

    def __contains__(self, name: str) -> bool:
        return name in self._tabs

    def held_by_others(self, name: str, now: float) -> set[str]:
        """Return the images that tabs other than `name` hold."""
        return {
            filename
            for other, tab in self._tabs.items()
            if other != name and now - tab.last_request < self._lease
            for filename in (*tab.held, *tab.grid)
        }

    def take_from_others(
        self, name: str, is_open: Callable[[str], bool]
    ) -> tuple[str, Chosen] | None:
        """Take an unlabeled image from the tab that has been silent for the longest time.

        The image that this tab would show last is taken first. Returns the image and how it was
        chosen, or None if no other tab holds an unlabeled image.
        """
        others = [tab for other, tab in self._tabs.items() if other != name]
        for tab in sorted(others, key=lambda tab: tab.last_request):
            for filename in reversed(tab.held):
                if is_open(filename):
                    return filename, tab.held.pop(filename)
        return None

    def release(self, filename: str) -> None:
        """Remove an image from every tab that holds it."""
        for tab in self._tabs.values():
            tab.held.pop(filename, None)
