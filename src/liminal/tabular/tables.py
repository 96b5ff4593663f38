"""Tables from files: delimited text of any usual form, Parquet, lines of JSON. Their types come from
`cells.typed`.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import LiminalError
from .cells import CATEGORIES, EMPTY, SEPARATOR

KEYS = ("file", "filename", "file_name", "path", "name", "image", "id")  # columns that name the rows
TEXT, PARQUET = (".csv", ".tsv", ".txt", ".tab"), (".parquet", ".pq")
_SEPARATORS = (",", ";", "\t", "|")
_HEAD, _SAMPLE, _CHUNK = 2**18, 200, 20_000  # characters and rows looked at first; rows held at a time
_UNNAMED = re.compile(r"|Unnamed: \d+|__index_level_\d+__")
_CONTROL = re.compile(r"[\0-\x08\x0e-\x19\x1c-\x1f]")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_table(path: Path) -> tuple[pa.Table, tuple[str, ...]]:
    """The table in a file, and remarks on what had to be guessed.

    Of a text file every column is of strings, spaces around names and cells taken away, an empty cell null.
    Its encoding is UTF-8, or what a byte order mark or zeros say, else Windows-1252. Columns are set apart
    by ``,`` ``;`` tab, ``|`` or runs of spaces, whichever divides all rows alike (quotes respected), or by
    what a first line ``sep=;`` says; the table's metadata keep it under `cells.SEPARATOR`. A first line
    that only counts the rows is passed over, a header that is one name short lacks the first (both as in
    CelebA's lists). A first row that looks like all others is no header: the columns are ``column_1``,
    ``column_2``, and so on. A column without a name that is empty or counts rows is left out. Parquet keeps
    its types.

    Args:
        path: ends in .csv, .tsv, .tab, .txt, .parquet or .pq.

    Raises:
        LiminalError: the file cannot be read, two columns have one name, or a row has more or fewer cells.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if not path.is_file():
        raise LiminalError(f"table {path}: there is no such file")
    if ending not in (*TEXT, *PARQUET):
        raise LiminalError(
            f"table {path}: wanted a file that ends in {', '.join((*TEXT, PARQUET[0]))}; save it as such"
        )
    return table_of(path.read_bytes(), path)


def table_of(data: bytes, path: Path) -> tuple[pa.Table, tuple[str, ...]]:
    """The table in the bytes of a file, and remarks, as `read_table`; `path` is what errors call it."""
    try:
        if data.startswith(b"PAR1"):
            table = pq.read_table(pa.BufferReader(data))
            return _named(table, [" ".join(name.split()) for name in table.column_names], path)
        return _text(data, path)
    except (pa.ArrowException, csv.Error, OSError, EOFError) as error:
        raise LiminalError(
            f"table {path}: cannot be read as a table ({str(error).splitlines()[0]})"
        ) from error


def _text(data: bytes, path: Path) -> tuple[pa.Table, tuple[str, ...]]:
    text, remarks = decoded(data, str(path), "table ")
    told = re.match(r'"?sep=(.)"?[ ,;\t]*(?:\r\n|\r|\n)', text, re.IGNORECASE)
    if told:
        text = text[told.end() :]
    counted = re.match(r"\s*\d+[ \t]*(?:\r\n|\r|\n)", text)
    separator = told[1] if told else _separator(text)
    if counted and not told:
        rest = text[counted.end() :]
        if len(next(_records(rest, within := _separator(rest)), [])) > 1:
            text, separator = rest, within
    head = [[cell.strip() for cell in row] for row in islice(_records(text[:_HEAD], separator), _SAMPLE)]
    if len(head) > 2 and len(text) > _HEAD:
        head.pop()  # it may be cut
    if not head:
        return pa.table({}), remarks
    names, skip, notes = _header(head[0], head[1:], path)
    cells, loose = _cells(text, separator, skip, len(names), path)
    table, more = _named(cells, names, path)
    return table, (*remarks, *notes, *loose, *more)


def decoded(data: bytes, name: str, what: str = "") -> tuple[str, tuple[str, ...]]:
    """The text of a file, and a remark where its encoding had to be guessed.

    Args:
        data: its bytes.
        name: of the file.
        what: comes before the name in errors, such as ``table``.

    Raises:
        LiminalError: it holds no text, or is cut.
    """
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), "utf-8")
    head = data[:4096]
    if encoding == "utf-8" and b"\0" in head:
        zeros = [head[place::2].count(0) / max(len(head[place::2]), 1) for place in (0, 1)]
        encoding = (
            "utf-16-le" if zeros[1] > 0.4 > zeros[0] else "utf-16-be" if zeros[0] > 0.4 > zeros[1] else ""
        )
    binary = LiminalError(
        f"{what}{name}: this is no text (it holds control characters); save it as text in UTF-8"
    )
    if not encoding:
        raise binary
    try:
        text = data.decode(encoding)
        if "\0" in text:
            raise binary
        return text, (f"{Path(name).name} was read as UTF-16",) if "16" in encoding else ()
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise LiminalError(
                f"{what}{name}: begins as {encoding} and is cut; save it again as UTF-8"
            ) from error
    for encoding in ("cp1252", "latin-1"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    if 100 * len(_CONTROL.findall(text)) > len(text):
        raise binary
    return text, (
        f"{Path(name).name} is not UTF-8 and was read as {encoding}; save it as UTF-8 if its letters look "
        "wrong",
    )


def _records(text: str, separator: str, strict: bool = False) -> Iterator[list[str]]:
    """The rows of a text that hold anything."""
    lines: Iterator[str] = io.StringIO(text, newline="")
    if separator == " ":
        lines = (line.replace("\t", " ").strip() + "\n" for line in lines)
    for row in csv.reader(lines, delimiter=separator, skipinitialspace=separator != "\t", strict=strict):
        if "".join(row).strip():
            yield row


def _separator(text: str) -> str:
    """What divides the first rows of a text into the same number of cells, more than one; else a comma."""
    best, reached = ",", (0.5, 1)
    for separator in (*_SEPARATORS, " "):
        try:
            rows = list(islice(_records(text[:_HEAD], separator), _SAMPLE))
        except csv.Error:
            continue
        if len(text) > _HEAD:
            rows = rows[:-1]
        widths = [len(row) for row in rows] or [0]
        width = Counter(widths[1:] or widths).most_common(1)[0][0]
        short = widths[0] == width - 1  # a header may lack the name of the first column
        alike = sum(w == width for w in widths) + short / 2
        if separator == " " and (alike + short / 2 < len(widths) or reached[1] > 1):
            continue  # spaces stand in sentences too: they count only where nothing else divides
        if width > 1 and (alike / len(widths), width) > reached:
            best, reached = separator, (alike / len(widths), width)
    return best


def _header(first: list[str], body: Sequence[list[str]], path: Path) -> tuple[list[str], int, list[str]]:
    """The names of the columns, how many rows they take, and remarks."""
    width = Counter(map(len, body)).most_common(1)[0][0] if body else len(first)
    low = {name.lower() for name in first}
    if len(first) == width - 1 and not low & {*KEYS}:
        if all(len(row) != width or not row[-1] for row in body):
            return [*first, ""], 1, []
        return ["", *first], 1, []
    if len(first) == width and not _is_header(first, body):
        note = f"{path.name} has no header: its columns are called column_1 to column_{width}"
        return [f"column_{i + 1}" for i in range(width)], 0, [note]
    return [" ".join(name.split()) for name in first], 1, []


def _is_header(first: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether a first row is unlike the rows below it; without a sign for either, it is a header."""
    if {name.lower() for name in first} & {*KEYS, *CATEGORIES}:
        return True
    unlike, words, numbers = False, False, []
    for i, name in enumerate(first):
        cells = [row[i] for row in body if i < len(row) and row[i] and row[i].lower() not in EMPTY]
        if not cells or name.lower() in EMPTY:
            continue
        shape, count = Counter(map(_shape, cells)).most_common(1)[0]
        if shape == "word" or count < 0.8 * len(cells):
            words |= name in cells
        elif _shape(name) != shape:
            unlike = True
        else:
            numbers.append(int(name) if name.isdecimal() else -1)
    # Years, or the places 0, 1, 2, are names of columns too, though numbers stand below them.
    counted = len(numbers) > 1 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return unlike or not (words or numbers) or (counted and not words)


def _shape(cell: str) -> str:
    """What a cell looks like: a number, a date, a file's name, yes/no, or else a word."""
    if re.fullmatch(r"[+-]?[$€£¥]?[\d.,']*\d[\d.,']*(?:[eE][+-]?\d+)?\s*[%€$]?", cell):
        return "number"
    if re.match(r"\d{1,4}[-/.]\w{1,4}[-/.]\d{1,4}", cell):
        return "date"
    if re.fullmatch(r".+\.[A-Za-z]\w{1,4}", cell):
        return "file"
    return "flag" if cell.lower() in ("yes", "no", "true", "false") else "word"


def _cells(text: str, separator: str, skip: int, width: int, path: Path) -> tuple[pa.Table, tuple[str, ...]]:
    """All rows but the first `skip`, as columns of strings, null where a cell is empty; and a remark on
    quotes that are not as they should be.
    """
    loose = f"{path.name} has quotes inside quoted cells that are not doubled: they were read as they stand"
    schema = pa.schema([(str(i), pa.string()) for i in range(width)], {SEPARATOR: separator})
    for strict in (
        True,
        False,
    ):  # quotes within quotes are read as they stand; one that is never closed is refused
        try:
            rows = islice(_records(text, separator, strict), skip, None)
            table = pa.Table.from_batches(list(_batches(rows, schema, path)), schema)
            return table, () if strict else (f"{loose}; look whether it has {len(table):,} rows",)
        except csv.Error as error:
            if "end of data" in str(error):
                raise LiminalError(
                    f"table {path}: cannot be read as a table: a quote is never closed; close it, or double "
                    "a quote that belongs to a cell"
                ) from error
            if not strict:
                raise
    raise AssertionError


def _batches(rows: Iterator[list[str]], schema: pa.Schema, path: Path) -> Iterator[pa.RecordBatch]:
    place, width = 0, len(schema)
    while chunk := list(islice(rows, _CHUNK)):
        for row in chunk:
            place += 1
            if len(row) != width:
                raise LiminalError(
                    f"table {path}: cannot be read as a table: row {place} ({row[0][:40]!r}) has "
                    f"{len(row)} cell{'s' * (len(row) != 1)}, wanted {width} as in the others"
                )
        texts = [
            pc.utf8_trim_whitespace(pa.array(column, pa.string())) for column in zip(*chunk, strict=True)
        ]
        columns = [pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text) for text in texts]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _named(table: pa.Table, names: Sequence[str], path: Path) -> tuple[pa.Table, tuple[str, ...]]:
    """The table with these names, without the columns that have no name and nothing to say."""
    twice = [name for name, count in Counter(names).items() if count > 1 and not _UNNAMED.fullmatch(name)]
    if twice:
        raise LiminalError(f"table {path}: the column {twice[0]!r} occurs twice; rename one")
    kept, fit, remarks = [], [], []
    for i, name in enumerate(names):
        if _UNNAMED.fullmatch(name):
            if _counts(table.column(i)):
                continue
            remarks.append(f"column {i + 1} of {path.name} has no name and is called column_{i + 1}")
            name = f"column_{i + 1}"
        kept.append(i)
        fit.append(name)
    metadata = table.schema.metadata
    return table.select(kept).rename_columns(fit).replace_schema_metadata(metadata), tuple(remarks)


def _counts(column: pa.ChunkedArray) -> bool:
    """Whether a column is empty, or numbers its rows from 0 or 1."""
    if column.null_count == len(column):
        return True
    if not (pa.types.is_string(column.type) or pa.types.is_integer(column.type)) or column.null_count:
        return False
    start = str(column[0])
    return start in ("0", "1") and all(str(v) == str(i) for i, v in enumerate(column, int(start)))


def json_lines(lines: Sequence[str], name: str) -> pa.Table:
    """Lines of JSON, an object each, as a table of words; what holds lists or objects is left out.

    Raises:
        LiminalError: a line is no JSON, or no object, or there is none; names the line.
    """
    rows: list[dict[str, str | None]] = []
    for i, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise LiminalError(f"{name}: line {i + 1} is no JSON ({error})") from error
        if not isinstance(row, dict):
            raise LiminalError(f'{name}: line {i + 1} is no object; wanted one such as {{"text": "..."}}')
        rows.append(
            {str(k): None if v is None else str(v) for k, v in row.items() if not isinstance(v, dict | list)}
        )
    names = list(dict.fromkeys(key for row in rows for key in row))
    if not names:
        raise LiminalError(f"{name} holds no rows; wanted an object a line")
    return pa.table({key: pa.array([row.get(key) for row in rows], pa.string()) for key in names})
