"""Audio features of made-up songs: what a song sounds like follows from the tastes it is of.

Every taste has a sound: a point in the space of tempo, energy, valence, acousticness,
loudness and 13 MFCCs, and one of twelve genres, which tastes share. A song's sound is the
mean of its tastes' sounds, weighted by how far it belongs to each, plus noise as large as
half of what tastes differ by; its genres are those of the tastes that it belongs to by a fifth
or more. Its key has nothing to do with any of that. One cell in 25 is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cfexp.data.side_information.attributes import Attributes
from cfexp.data.side_information.item_features import ItemFeatures

if TYPE_CHECKING:
    from cfexp.arrays import AnyArray, Doubles, Longs

_SOUNDS = {  # middle, and how far tastes lie from it
    "tempo": (118.0, 24.0),
    "energy": (0.6, 0.18),
    "valence": (0.5, 0.2),
    "acousticness": (0.35, 0.22),
    "loudness": (-9.0, 4.0),
    **{f"mfcc_{number}": (0.0, 60.0 / number) for number in range(1, 14)},
}
_SHARES = ("energy", "valence", "acousticness")
"""These lie between 0 and 1."""
_NOISE = 0.5
_UNKNOWN = 1 / 25
_GENRES = (
    "ambient",
    "blues",
    "classical",
    "country",
    "electronic",
    "folk",
    "hip hop",
    "jazz",
    "metal",
    "pop",
    "rock",
    "soul",
)
_KEYS = ("C", "D", "E", "F", "G", "A", "B")
SEPARATOR = "|"


def audio_features(rng: np.random.Generator, belongs: Doubles) -> ItemFeatures:
    """Return the features of items; `belongs` says how far each is of each taste.

    `belongs` is items x tastes, its rows sum to 1.
    """
    n_items, n_tastes = belongs.shape
    columns: dict[str, AnyArray] = {}
    for name, (middle, spread) in _SOUNDS.items():
        sound = middle + spread * rng.standard_normal(n_tastes)
        amounts = belongs @ sound + _NOISE * spread * rng.standard_normal(n_items)
        if name in _SHARES:
            amounts = np.clip(amounts, 0, 1)
        amounts = np.round(amounts, 3)
        amounts[rng.random(n_items) < _UNKNOWN] = np.nan
        columns[name] = amounts
    columns["key"] = np.array(_KEYS)[rng.integers(len(_KEYS), size=n_items)]
    columns["genres"] = _genres(rng.permutation(np.arange(n_tastes) % len(_GENRES)), belongs)
    columns["genres"][rng.random(n_items) < _UNKNOWN] = ""
    return ItemFeatures.of_columns(Attributes(columns), {"genres": SEPARATOR})


def _genres(of_taste: Longs, belongs: Doubles) -> AnyArray:
    """Return the genres of the tastes that each item belongs to by a fifth or more."""
    sets = np.zeros(len(belongs), np.int64)  # a bit for each genre
    for taste, genre in enumerate(of_taste):
        sets[belongs[:, taste] >= 1 / 5] |= 1 << int(genre)
    distinct, of_item = np.unique(sets, return_inverse=True)
    names = [
        SEPARATOR.join(name for bit, name in enumerate(_GENRES) if one >> bit & 1)
        for one in distinct.tolist()
    ]
    return np.array(names)[of_item]
