"""Which tab of the page has which images in hand, and which it has seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from skcaptcha.label._task import Chosen


@dataclass
class Tab:
    """What is known of a tab.

    Attributes
    ----------
    seen : list of str
        Images in the order in which it was shown them, each once.
    held : dict of str to str
        Images that nobody else is given, in the order in which they come, and why each was chosen.
    asked : float
        When it was heard of last.
    """

    seen: list[str] = field(default_factory=list)
    held: dict[str, Chosen] = field(default_factory=dict)
    asked: float = 0.0


class Tabs:
    """All tabs that were heard of.

    Parameters
    ----------
    lease : float
        Seconds after which a tab that is not heard of loses what it holds.

    Examples
    --------
    >>> from skcaptcha.label._tabs import Tabs
    >>> tabs = Tabs(lease=60)
    >>> tabs.of("a", now=0).held["1.png"] = "first"
    >>> tabs.held_by_others("b", now=59), tabs.held_by_others("b", now=61)
    ({'1.png'}, set())
    """

    def __init__(self, lease: float) -> None:
        self._lease = lease
        self._tabs: dict[str, Tab] = {}

    def of(self, name: str, now: float, before: Iterable[str] = ()) -> Tab:
        """Give what is known of a tab, and note that it was heard of.

        Parameters
        ----------
        name : str
        now : float
            Seconds on a clock that never goes back.
        before : iterable of str
            What it has seen before, if it was not heard of yet.

        Returns
        -------
        tab : Tab
        """
        if name not in self._tabs:
            self._tabs[name] = Tab(seen=list(dict.fromkeys(before)))
        tab = self._tabs[name]
        tab.asked = now
        return tab

    def knows(self, name: str) -> bool:
        """Say whether a tab was heard of.

        Parameters
        ----------
        name : str

        Returns
        -------
        known : bool
        """
        return name in self._tabs

    def held_by_others(self, name: str, now: float) -> set[str]:
        """Give the images that other tabs hold.

        Parameters
        ----------
        name : str
            The tab that asks.
        now : float

        Returns
        -------
        filenames : set of str
        """
        return {
            filename
            for other, tab in self._tabs.items()
            if other != name and now - tab.asked < self._lease
            for filename in tab.held
        }

    def take_from_others(
        self, name: str, is_open: Callable[[str], bool]
    ) -> tuple[str, Chosen] | None:
        """Take an image from the tab that has been silent for longest; first what it has for later.

        Parameters
        ----------
        name : str
            The tab that asks.
        is_open : callable
            Whether an image, by its name, is still to be labeled.

        Returns
        -------
        filename, chosen : str, or None
            The image and why it was chosen; None if there is none.
        """
        others = [tab for other, tab in self._tabs.items() if other != name]
        for tab in sorted(others, key=lambda tab: tab.asked):
            for filename in reversed(tab.held):
                if is_open(filename):
                    return filename, tab.held.pop(filename)
        return None

    def release(self, filename: str) -> None:
        """Let go of an image, whoever holds it.

        Parameters
        ----------
        filename : str
        """
        for tab in self._tabs.values():
            tab.held.pop(filename, None)
