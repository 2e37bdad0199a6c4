from __future__ import annotations

from cfexp.process import messages_of


def test_a_message_cut_short_spoils_no_other() -> None:
    lines = ["\n", '{"do": "started", "stu\n', '{"do": "interrupted"}\n', "\n", '{"do"']
    assert list(messages_of(lines)) == [{"do": "interrupted"}]
