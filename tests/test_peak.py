from __future__ import annotations

import numpy as np
import pytest

from cfexp.peak import forget_peak, peak_memory, resident_memory


def test_a_peak_is_remembered_until_it_is_forgotten() -> None:
    if not forget_peak():
        pytest.skip("this system cannot forget a peak")
    before = peak_memory()
    np.ones(8_000_000)  # 64 MB, and gone
    assert peak_memory() - before > 50_000_000
    assert forget_peak()
    assert peak_memory() - before < 40_000_000
    assert resident_memory() <= peak_memory()
