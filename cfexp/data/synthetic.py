"""The `synthetic` source: made-up people with tastes, habits and changing minds.

Four things that real logs have and uniform noise has not, each by its own mechanism:

- **latent tastes**: every user spreads over a few of the tastes, every item belongs
  to one or two; an event first draws a taste from the user, then an item from the
  taste. Preference is so of low rank: what ALS can find and popularity cannot;
- **power laws**: items' popularity falls with a power of their rank, users' activity is
  Pareto distributed;
- **drift**: in the course of the year users move from their first tastes to others;
- **repeats**: some events take an item up again, of recent ones more often than of old.

Items have audio features that follow from their tastes: `synthetic_features`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from cfexp.data.interactions import Interactions
from cfexp.data.source import Source
from cfexp.data.synthetic_features import audio_features
from cfexp.data.vocabulary import Vocabulary
from cfexp.memory import needs
from cfexp.seeds import seed_for

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Doubles, Longs
    from cfexp.data.files.places import Places
    from cfexp.data.side_information.item_features import ItemFeatures

_START = 1_704_067_200_000_000
"""2024-01-01 in microseconds since 1970 UTC."""
_YEAR = 365 * 86_400 * 1_000_000
_REDRAWS = 12
_LEANINGS = 2.0
"""Dirichlet concentration of a user over all tastes: about so many of them matter."""
_MIXTURE = 0.02
"""Dirichlet concentration of an item over each taste: most have one, some two or three."""


class Synthetic(Source):
    """Events of a made-up year, one row each with value 1, and audio features of the items.

    The same on every machine.
    """

    kind: Literal["synthetic"] = "synthetic"
    users: Annotated[int, Field(ge=2, le=10_000_000)] = 2_500
    """How many users."""
    items: Annotated[int, Field(ge=2, le=10_000_000)] = 1_200
    """How many items; those that nobody took are not in the rows."""
    interactions: Annotated[int, Field(ge=2, le=1_000_000_000)] = 180_000
    """How many events, approximately."""
    tastes: Annotated[int, Field(ge=1, le=1_000)] = 32
    """How many latent tastes there are; a user leans to two or three of them."""
    focus: Annotated[float, Field(ge=0, le=1)] = 0.95
    """Share of events that follow a taste; 0: tastes do not matter, only popularity."""
    popularity: Annotated[float, Field(ge=0, le=3)] = 0.8
    """Exponent of the items' power law; 0: all items are equally popular."""
    drift: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Share of a user's taste that has changed by the end of the year."""
    repeat: Annotated[float, Field(ge=0, lt=1)] = 0.15
    """Share of events that take up again what the user had before."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Another seed, another world."""

    def load(self, places: Places) -> Interactions:
        """Make every row, in the order of time."""
        del places
        needs(
            f"synthetic data of users = {self.users:,}, items = {self.items:,}, interactions = "
            f"{self.interactions:,} and tastes = {self.tastes:,}",
            self.bytes_needed(),
            "make one of these numbers smaller",
        )
        rng = np.random.default_rng(seed_for(self.seed, "synthetic"))
        belongs = rng.dirichlet(np.full(self.tastes, _MIXTURE), self.items).T  # tastes x items
        user = np.repeat(np.arange(self.users), self._activity(rng))
        time = rng.random(len(user))
        time = time[np.lexsort((time, user))]  # within a user, positions follow time
        user, time, item = self._draw(rng, user, time, self._catalogue(rng, belongs))
        order = np.lexsort((user, time))
        users, user_codes = Vocabulary.of(user[order] + 1)
        items, item_codes = Vocabulary.of(item[order] + 1)
        return Interactions(
            user=user_codes,
            item=item_codes,
            value=np.ones(len(order), np.float32),
            time=_START + (time[order] * _YEAR).astype(np.int64),
            row=np.arange(len(order)),
            users=users,
            items=items,
            titles=_titles(rng, belongs.argmax(axis=0))[items.ids - 1],
            item_features=self._features(belongs.T[items.ids - 1]),
        )

    def _features(self, belongs: Doubles) -> ItemFeatures:
        """Return the features of items in the rows, by a generator of their own."""
        return audio_features(np.random.default_rng(seed_for(self.seed, "features")), belongs)

    def bytes_needed(self) -> int:
        """Return about how much memory `load` takes at its peak.

        Mostly float64 arrays: three of events x tastes (one is drawn from the others), four
        of items x tastes, three of users x tastes, and a few numbers of each on their own.
        """
        events = max(self.users, min(self.interactions, self.users * max(self.items // 2, 1)))
        return (
            events * (20 * self.tastes + 100)
            + self.items * (32 * self.tastes + 150)
            + self.users * (24 * self.tastes + 100)
        )

    def _activity(self, rng: np.random.Generator) -> Longs:
        """Return how many events each user has: Pareto, at most half the catalogue."""
        weight = 0.25 + rng.pareto(1.5, self.users)
        weight *= self.interactions / weight.sum()
        most = max(self.items // 2, 1)
        for _ in range(10):  # what the cap takes from the busiest goes to all others
            weight = np.minimum(weight, most)
            weight *= self.interactions / weight.sum()
        return np.clip(np.round(weight), 1, most).astype(np.int64)

    def _catalogue(self, rng: np.random.Generator, belongs: Doubles) -> Doubles:
        """Return each taste's cumulative distribution over items, tastes x items."""
        weight = (rng.permutation(self.items) + 6.0) ** -self.popularity
        own = belongs * weight
        own[own.sum(axis=1) == 0] = weight
        own /= own.sum(axis=1, keepdims=True)
        return np.cumsum(self.focus * own + (1 - self.focus) * weight / weight.sum(), axis=1)

    def _draw(
        self, rng: np.random.Generator, user: Longs, time: Doubles, catalogue: Doubles
    ) -> tuple[Longs, Doubles, Longs]:
        """Return user, time and item of every event, sorted by user, then time."""
        early, late = (_leanings(rng, self.users, self.tastes) for _ in range(2))
        place = np.arange(len(user)) - np.searchsorted(user, user)
        again = (rng.random(len(user)) < self.repeat) & (place > 0)
        item = np.full(len(user), -1)
        todo = np.flatnonzero(~again)
        for _ in range(_REDRAWS):  # new is what the user never had: the rest is drawn again
            moved = rng.random(len(todo)) < self.drift * time[todo]
            lean = np.where(moved[:, None], late[user[todo]], early[user[todo]])
            taste = (lean < rng.random(len(todo))[:, None]).sum(axis=1)
            item[todo] = _pick(rng, catalogue, np.minimum(taste, self.tastes - 1))
            known = ~again
            pair = user * (self.items + 1) + item + 1  # a repeat, still -1, is a pair of its own
            known[np.unique(pair, return_index=True)[1]] = False
            todo = np.flatnonzero(known)
        new = ~known
        user, time, item, again = user[new], time[new], item[new], again[new]
        # a repeat points at an earlier event of its user, the recent ones more often
        first = np.searchsorted(user, user)
        place = np.arange(len(user)) - first
        source = np.arange(len(user))
        source[again] = (first + np.sqrt(rng.random(len(user))) * place).astype(np.int64)[again]
        while again[source].any():
            source = source[source]
        return user, time, item[source]


def _leanings(rng: np.random.Generator, n_users: int, n_tastes: int) -> Doubles:
    """Return each user's cumulative distribution over tastes, users x tastes."""
    return np.cumsum(rng.dirichlet(np.full(n_tastes, _LEANINGS / n_tastes), n_users), axis=1)


def _pick(rng: np.random.Generator, catalogue: Doubles, taste: Longs) -> Longs:
    """Return an item from each taste's distribution."""
    n_tastes, n_items = catalogue.shape
    # one search for all tastes: the row of taste t holds values in t..t+1
    stacked = (catalogue / catalogue[:, -1:] + np.arange(n_tastes)[:, None]).ravel()
    found = np.searchsorted(stacked, taste + rng.random(len(taste)), side="right")
    return np.asarray(np.clip(found - taste * n_items, 0, n_items - 1), np.int64)


_FIRST = (
    "Amber",
    "Blue",
    "Broken",
    "Cedar",
    "Distant",
    "Electric",
    "Golden",
    "Hidden",
    "Iron",
    "Last",
    "Little",
    "Lunar",
)
_SECOND = (
    "Arcade",
    "Bridge",
    "Carnival",
    "Garden",
    "Harbour",
    "Letters",
    "Mirror",
    "Orchard",
    "River",
    "Signal",
)


def _titles(rng: np.random.Generator, tastes: Longs) -> AnyArray:
    """Return made-up titles that say which taste an item belongs to most."""
    first = rng.integers(len(_FIRST), size=len(tastes))
    second = rng.integers(len(_SECOND), size=len(tastes))
    return np.array(
        [
            f"{_FIRST[a]} {_SECOND[b]} {number} (taste {taste + 1})"
            for number, (a, b, taste) in enumerate(zip(first, second, tastes, strict=True), 1)
        ],
        object,
    )
