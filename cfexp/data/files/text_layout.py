"""`TextLayout`: how a delimited text file is written, wherever a study file names one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, field_validator, model_validator

from cfexp.recipe import Recipe

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from cfexp.data.files.csv_reader import CsvReader

_SAMPLE = 'user,item\n1,"a"\n'


class TextLayout(Recipe):
    """Separator, quoting, header and encoding of a text file."""

    separator: Annotated[str, Field(min_length=1)] = ","
    """What stands between columns: ",", ";", "|", a tab, or several characters such as "::"."""
    quote: str = '"'
    """The character around columns that contain the separator; "" for none.
    With a separator of several characters quotes have no meaning."""
    header: bool = True
    """Whether the first line names the columns; if not, columns are given by position."""
    encoding: str = "utf-8"
    """The text's encoding, such as utf-8 or latin-1."""

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:  # bytes to bytes, such as hex, are codecs but no encodings
            same = _SAMPLE.encode(encoding).decode(encoding) == _SAMPLE
        except (LookupError, ValueError):
            same = False
        if not same:
            raise ValueError("must be a text encoding that Python knows, such as utf-8 or latin-1")
        return encoding

    @field_validator("separator")
    @classmethod
    def _within_lines(cls, separator: str) -> str:
        if set(separator) & set("\r\n\0"):
            raise ValueError("must not contain line breaks or NUL; such as ',', ';', '|' or '::'")
        return separator

    @field_validator("quote")
    @classmethod
    def _one_character(cls, quote: str) -> str:
        if quote and not (len(quote) == 1 and quote.isascii() and quote.isprintable()):
            raise ValueError("must be one ASCII character, or '' for none")
        return quote

    @model_validator(mode="after")
    def _separator_is_no_quote(self) -> Self:
        if self.separator == self.quote:
            raise ValueError(
                f"separator and quote must differ, both are {self.quote!r}; quote = '' is none"
            )
        return self

    def text_reader(self, file: Path, time_format: str = "auto") -> CsvReader:
        """Return the reader of a file that is written so."""
        from cfexp.data.files.csv_reader import CsvReader

        return CsvReader(file, self.separator, self.quote, self.header, self.encoding, time_format)
