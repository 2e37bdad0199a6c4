"""Ids that are strange: kept as they are, and noted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cfexp.data.rows.messages import SHOWN, clip

if TYPE_CHECKING:
    from cfexp.data.vocabulary import Vocabulary


_EMPTY = {"nan", "NaN", "NAN", "NA", "N/A", "null", "NULL", "None", "none", "\\N", "<NA>"}
"""How programs write that there is nothing; an id of these is one like any other, and noted."""


def lookalikes(what: str, known: Vocabulary) -> list[str]:
    """Return a note when ids differ only in case or spaces around them, or in a final ".0".

    And one when ids have line breaks, as behind a quote that is never closed.

    >>> from cfexp.data.vocabulary import Vocabulary
    >>> lookalikes("users", Vocabulary(np.array(["Ann", "ann ", "bob"], object)))
    ["2 users have ids that differ only in case or spaces around them, such as 'Ann', 'ann '"]
    >>> lookalikes("items", Vocabulary(np.array(["1", "1.0"], object)))
    ["2 items have ids that differ only in a final '.0', such as '1', '1.0'"]
    >>> lookalikes("users", Vocabulary(np.array(["ann", "nan"], object)))
    ["users called 'nan': are their ids missing? Empty cells are"]
    """
    if known.ids.dtype.kind != "O":
        return []
    text = pa.array(known.ids, pa.string())
    alike = {
        "case or spaces around them": pc.utf8_lower(pc.utf8_trim_whitespace(text)),
        "a final '.0'": pc.replace_substring_regex(text, r"^(-?[0-9]+)\.0+$", r"\1"),
    }
    notes = []
    for how, merged in alike.items():
        if merged.equals(text):
            continue
        codes = merged.dictionary_encode().indices.to_numpy()
        twins = np.flatnonzero(np.bincount(codes)[codes] > 1)
        if len(twins):
            first = twins[codes[twins] == codes[twins[0]]][:SHOWN]
            shown = ", ".join(clip(repr(known.ids[code]), 60) for code in first)
            notes.append(
                f"{len(twins):,} {what} have ids that differ only in {how}, such as {shown}"
            )
    if len(empty := text.filter(pc.is_in(text, pa.array(sorted(_EMPTY))))):
        shown = ", ".join(map(repr, empty.to_pylist()))
        notes.append(f"{what} called {shown}: are their ids missing? Empty cells are")
    if len(torn := np.flatnonzero(pc.match_substring(text, "\n").to_numpy(zero_copy_only=False))):
        shown = clip(repr(known.ids[torn[0]]), 60)
        notes.append(
            f"ids of {what} with line breaks: {len(torn):,}, such as {shown}; is a quote left open?"
        )
    return notes
