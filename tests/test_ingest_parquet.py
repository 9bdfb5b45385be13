"""Parquet: the same records as the CSV of the same table, every type as it is, and what cannot be read refused."""

from __future__ import annotations

import datetime as dt
import os
import sys
import uuid
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pq

import missing_patterns as mp
from missing_patterns.errors import DataRefused
from missing_patterns.ingest.opening import parquet
from missing_patterns.ingest.opening.parquet import values_of

TABLES = ("incidents", "interviews", "children", "placements")
NAMES = ["Ref", "Child ID", "Date & time missing", "Date & time returned", "RHI status", "Triggers"]
UTC = dt.UTC


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


ROWS: list[list[Any]] = [
    ["M1", "C1", at("2026-01-13 21:05"), at("2026-01-14 01:30"), "Completed", "Bullying; Boredom"],
    ["M2", "C2", at("2026-07-14 21:05"), at("2026-07-14 23:30"), "Completed", None],
    ["M3", None, at("2026-02-15 21:05"), None, None, None],  # no id
    ["M4", "C3", at("2026-05-16 21:05"), at("2026-05-15 21:05"), None, None],  # ends before it starts
]


def columns_of(rows: Sequence[Sequence[Any]] = ROWS, **given: Any) -> dict[str, Any]:
    """The columns of a tracker; one may be given by the first word of its header."""
    table = {name: [row[i] for row in rows] for i, name in enumerate(NAMES)}
    for first, column in given.items():
        table[next(n for n in NAMES if n.split()[0] == first or n.split()[-1] == first)] = column
    return table


def write(path: Path, table: dict[str, Any] | pa.Table, **options: Any) -> Path:
    pq.write_table(table if isinstance(table, pa.Table) else pa.table(table), path, **options)
    return path


def write_csv(path: Path, rows: Sequence[Sequence[Any]] = ROWS) -> Path:
    lines = [",".join(NAMES), *(",".join("" if c is None else str(c) for c in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def incidents_of(tmp_path: Path, table: dict[str, Any]) -> pd.DataFrame:
    return mp.read_records(write(tmp_path / "rhi.parquet", table)).incidents


def codes(records: mp.schema.Records) -> list[str]:
    return records.problems["rule"].tolist()


# --- The same as a CSV


class TestSameAsFiles:
    def test_the_same_table_gives_the_same_records(self, tmp_path: Path) -> None:
        typed = mp.read_records(write(tmp_path / "rhi.parquet", columns_of()))
        text = mp.read_records(write_csv(tmp_path / "rhi.csv"))
        for name in TABLES:
            pd.testing.assert_frame_equal(getattr(typed, name), getattr(text, name))
        assert typed.quarantine[["line", "rule"]].values.tolist() == text.quarantine[["line", "rule"]].values.tolist()
        assert typed.interviews["coded_triggers"].tolist()[0] == ("school_bullying", "wellbeing_boredom")

    @pytest.mark.parametrize("options", [{}, {"row_group_size": 2}, {"compression": "zstd", "use_dictionary": False}])
    def test_rows_add_up_to_what_the_file_says_that_it_holds(self, tmp_path: Path, options: dict[str, Any]) -> None:
        path = write(tmp_path / "rhi.parquet", columns_of(), **options)
        (row,) = mp.read_records(path).accounting.itertuples()
        assert row.n_rows == pq.read_metadata(path).num_rows + 1
        assert (row.file, row.sheet, row.n_accepted, row.n_quarantined, row.n_not_data) == ("rhi.parquet", "", 2, 2, 1)

    def test_parts_of_any_size_give_the_same(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = write(tmp_path / "rhi.parquet", columns_of(), row_group_size=3)
        whole = mp.read_records(path)
        monkeypatch.setattr(parquet, "PART", 1)
        pd.testing.assert_frame_equal(mp.read_records(path).incidents, whole.incidents)

    def test_a_folder_of_parts_is_read_whole(self, tmp_path: Path) -> None:
        for i in range(2):
            write(tmp_path / f"part-{i}.parquet", columns_of(ROWS[i : i + 1]))
        (tmp_path / "_SUCCESS").touch()
        records = mp.read_records(tmp_path)
        assert records.incidents["incident_id"].tolist() == ["M1", "M2"]
        assert records.problems.loc[records.problems["rule"] == "MP-NOT-READ", "file"].tolist() == ["_SUCCESS"]

    def test_what_pandas_writes_is_read_and_its_index_is_told(self, tmp_path: Path) -> None:
        frame = pd.DataFrame(columns_of(), index=[5, 6, 7, 9])
        frame.to_parquet(tmp_path / "rhi.parquet")
        records = mp.read_records(tmp_path / "rhi.parquet")
        assert len(records.incidents) == 2
        told = records.problems[records.problems["rule"] == "MP-COLUMNS-UNUSED"]
        assert told["message"].str.endswith("__index_level_0__").tolist() == [True]

    def test_a_table_without_rows_is_read_and_told(self, tmp_path: Path) -> None:
        empty = pa.table(columns_of()).slice(0, 0)
        records = mp.read_records(write(tmp_path / "rhi.parquet", empty))
        assert records.accounting[["n_rows", "n_not_data"]].values.tolist() == [[1, 1]]
        assert "MP-NO-ROWS" in codes(records)

    def test_it_can_be_sniffed(self, tmp_path: Path) -> None:
        guess = mp.sniff(write(tmp_path / "rhi.parquet", columns_of()))
        assert [s.fits for s in guess.sheets] == [True]
        assert guess.sheets[0].header_line == 1

    def test_a_row_that_looks_like_a_header_is_a_row(self, tmp_path: Path) -> None:
        names = [f"column {i}" for i in range(len(NAMES))]
        table = dict(zip(names, ([n, "x", "y"] for n in NAMES), strict=True))
        with pytest.raises(DataRefused, match="no profile fits"):
            mp.read_records(write(tmp_path / "rhi.parquet", table))


# --- Types


class TestTypes:
    @pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
    def test_stamps_of_any_unit_say_the_same(self, tmp_path: Path, unit: str) -> None:
        stamps = pa.array([at("2026-07-13 21:05"), at("2026-10-24 22:00")], pa.timestamp(unit))
        incidents = incidents_of(tmp_path, columns_of(ROWS[:2], missing=stamps, returned=[None, None]))
        assert incidents["missing_from"].tolist() == [
            pd.Timestamp("2026-07-13 21:05", tz="Europe/London"),
            pd.Timestamp("2026-10-24 22:00", tz="Europe/London"),
        ]

    @pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
    @pytest.mark.parametrize("zone", ["UTC", "Europe/London", "+02:00"])
    def test_stamps_with_a_zone_are_moments(self, tmp_path: Path, unit: str, zone: str) -> None:
        moment = at("2026-07-13 21:05:30+00:00")
        stamps, late = pa.array([moment, None], pa.timestamp(unit, zone)), [at("2026-07-14 12:00"), None]
        records = mp.read_records(write(tmp_path / "rhi.parquet", columns_of(ROWS[:2], missing=stamps, returned=late)))
        assert records.incidents["missing_from"].tolist() == [moment]
        assert records.quarantine["rule"].tolist() == ["1004"]

    def test_both_hours_of_the_clock_change_stay_apart(self, tmp_path: Path) -> None:
        stamps = pa.array([at("2026-10-25 00:30+00:00"), at("2026-10-25 01:30+00:00")], pa.timestamp("us", "UTC"))
        incidents = incidents_of(tmp_path, columns_of(ROWS[:2], missing=stamps, returned=[None, None]))
        assert [t.utcoffset() for t in incidents["missing_from"]] == [dt.timedelta(hours=1), dt.timedelta(0)]

    @pytest.mark.parametrize("kind", [pa.date32(), pa.date64()])
    def test_dates_know_no_time(self, tmp_path: Path, kind: pa.DataType) -> None:
        days = pa.array([dt.date(2026, 1, 13), dt.date(2026, 1, 14)], kind)
        back = pa.array([dt.date(2026, 1, 14), None], kind)
        incidents = incidents_of(tmp_path, columns_of(ROWS[:2], missing=days, returned=back))
        assert incidents["precision"].tolist() == ["day", "day"]
        assert incidents["returned_at"].isna().tolist() == [False, True]

    def test_stamps_beyond_every_calendar_are_set_aside_and_stand_ins_are_open(self, tmp_path: Path) -> None:
        around = 2**61 + 1_000 * int(at("2026-02-01 00:00+00:00").timestamp())  # 1 February 2026, were it let overflow
        beyond = pa.array([around, 253_402_300_799_000], pa.timestamp("ms"))
        records = mp.read_records(write(tmp_path / "rhi.parquet", columns_of(ROWS[:2], returned=beyond)))
        assert records.quarantine["rule"].tolist() == ["1005"]
        assert records.incidents["returned_at"].isna().tolist() == [True]
        days = pa.array([20_260_101, None], pa.date32())  # year 57,440, not 1 January 2026
        records = mp.read_records(write(tmp_path / "days.parquet", columns_of(ROWS[:2], returned=days)))
        assert records.quarantine["rule"].tolist() == ["1005"]
        assert values_of(days) == ["beyond the calendar (20260101)", None]

    def test_ids_of_digits_stay_whole_beside_blanks(self, tmp_path: Path) -> None:
        wide = 123_456_789_012_345_678
        for name, ids, told in (
            ("whole", pa.array([wide, None]), [str(wide)]),
            ("small", pa.array([7, None], pa.uint8()), ["7"]),
            ("broken", pa.array([7.0, float("nan")]), ["7"]),
            ("half", pa.array(np.array([7, 8], np.float16)), ["7", "8"]),
            ("exact", pa.array([Decimal(wide), None], pa.decimal128(20, 2)), [str(wide)]),
            ("uuid", pa.array([uuid.UUID(int=7).bytes, None], pa.uuid()), [str(uuid.UUID(int=7))]),
            ("choice", pa.array(["C7", None]).dictionary_encode(), ["C7"]),
            ("number", pa.array([7, None]).dictionary_encode(), ["7"]),
            ("large", pa.array(["C7", None], pa.large_string()), ["C7"]),
            ("view", pa.array(["C7", None], pa.string_view()), ["C7"]),
        ):
            records = mp.read_records(write(tmp_path / f"{name}.parquet", columns_of(ROWS[:2], ID=ids)))
            assert records.incidents["child_id"].tolist() == told, name

    @pytest.mark.parametrize(
        "kind",
        [pa.list_(pa.string()), pa.large_list(pa.large_string()), pa.list_(pa.dictionary(pa.int8(), pa.string()))],
    )
    def test_lists_of_texts_are_choices(self, tmp_path: Path, kind: pa.DataType) -> None:
        triggers = pa.array([["Bullying", "CCE, county lines", None], []], pa.list_(pa.string())).cast(kind)
        records = mp.read_records(write(tmp_path / "rhi.parquet", columns_of(ROWS[:2], Triggers=triggers)))
        assert records.interviews["coded_triggers"].tolist() == [("school_bullying", "exploitation_criminal"), None]

    def test_times_of_day_join_their_dates(self, tmp_path: Path) -> None:
        days = pa.array([dt.date(2026, 1, 13)] * 2)
        for kind in (pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")):
            table = columns_of(ROWS[:2], missing=days, returned=[None, None])
            table["Time missing"] = pa.array([dt.time(21, 5), dt.time(23, 10)], kind)
            incidents = incidents_of(tmp_path, table)
            assert [t.hour for t in incidents["missing_from"]] == [21, 23], kind

    @pytest.mark.parametrize(
        ("column", "what"),
        [
            (pa.array([b"\x01\x02", None]), "bytes"),
            (pa.array([b"12", None], pa.binary(2)), "bytes"),
            (pa.array([{"code": "secret"}, None]), "a structure"),
            (pa.array([[1, 2], None]), "a structure"),
            (pa.array([[("k", "secret")], None], pa.map_(pa.string(), pa.string())), "a structure"),
        ],
    )
    def test_bytes_and_structures_are_refused_by_name_where_they_are_read(
        self, tmp_path: Path, column: pa.Array, what: str
    ) -> None:
        path = write(tmp_path / "rhi.parquet", columns_of(ROWS[:2], Triggers=column))
        with pytest.raises(DataRefused, match=f"rhi.parquet: column 'Triggers' holds {what}, where text") as caught:
            mp.read_records(path)
        assert "secret" not in str(caught.value)
        assert caught.value.parts[0].rule == "MP-COLUMN-UNUSABLE"
        table = columns_of(ROWS[:2]) | {"Photograph": column}
        assert len(mp.read_records(write(tmp_path / "rhi.parquet", table)).incidents) == 2

    def test_rows_that_differ_in_bytes_alone_are_two(self, tmp_path: Path) -> None:
        for photographs, n in (([b"\x01", b"\x02"], 0), ([b"\x01", b"\x01"], 1)):
            table = columns_of([ROWS[0], ROWS[0]]) | {"Photograph": pa.array(photographs)}
            records = mp.read_records(write(tmp_path / "rhi.parquet", table))
            assert records.quarantine["rule"].tolist().count("MP-DUPLICATE-ROW") == n

    def test_flags_and_lengths_are_what_they_are(self) -> None:
        assert values_of(pa.array([True, None])) == [True, None]
        assert values_of(pa.array([None, None])) == [None, None]
        for unit in ("s", "ms", "us", "ns"):
            lengths = pa.array([dt.timedelta(minutes=90), None], pa.duration(unit))
            assert values_of(lengths) == [dt.timedelta(minutes=90), None]

    def test_types_of_others_are_read_as_what_they_are_stored_as(self) -> None:
        class Reference(pa.ExtensionType):
            def __init__(self) -> None:
                super().__init__(pa.int32(), "test.reference")

            def __arrow_ext_serialize__(self) -> bytes:
                return b""

        stored = pa.ExtensionArray.from_storage(Reference(), pa.array([7, None], pa.int32()))
        assert values_of(stored) == [7, None]
        assert Reference().__arrow_ext_serialize__() == b""

    @given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)))
    @settings(deadline=None, max_examples=50)
    def test_whole_numbers_are_what_arrow_says_one_by_one(self, numbers: list[int | None]) -> None:
        array = pa.array(numbers, pa.int64())
        assert values_of(array) == array.to_pylist() == numbers

    @given(
        st.lists(st.none() | st.datetimes(at("1700-01-01"), at("2200-01-01"))),
        st.sampled_from(["s", "ms", "us", "ns"]),
        st.sampled_from([None, "UTC", "America/New_York"]),
    )
    @settings(deadline=None, max_examples=50)
    def test_stamps_are_what_arrow_says_one_by_one(
        self, stamps: list[dt.datetime | None], unit: str, zone: str | None
    ) -> None:
        whole = [s and s.replace(microsecond=0) for s in stamps]
        array = pa.array([s and s.replace(tzinfo=UTC) for s in whole], pa.timestamp(unit, "UTC"))
        array = array.cast(pa.timestamp(unit, zone))
        expected = [s and (f"{s.isoformat()}Z" if zone else s) for s in whole]
        assert values_of(array) == expected

    @given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"])), max_size=20))
    @settings(deadline=None, max_examples=50)
    def test_texts_are_what_arrow_says_one_by_one(self, texts: list[str | None]) -> None:
        for array in (pa.array(texts, pa.string()), pa.array(texts, pa.string()).dictionary_encode()):
            assert values_of(array) == texts

    def test_parts_of_a_second_are_kept_where_no_zone_is(self) -> None:
        stamp = pa.array([1_500_000_001, -1], pa.timestamp("ns"))
        assert values_of(stamp) == [at("1970-01-01 00:00:01.500000"), at("1969-12-31 23:59:59.999999")]


# --- What cannot be read


class TestRefused:
    def test_a_file_that_is_cut_off_or_spoilt_is_refused(self, tmp_path: Path) -> None:
        whole = write(tmp_path / "rhi.parquet", columns_of()).read_bytes()
        middle = bytearray(whole)
        middle[4:400] = bytes(396)
        spoilt = {"cut": whole[:-20], "magic": b"PAR1", "spoilt": bytes(middle), "foot": whole[:200] + b"PAR1"}
        for name, data in spoilt.items():
            (tmp_path / f"{name}.parquet").write_bytes(data)
            with pytest.raises(DataRefused, match=rf"{name}\.parquet: it is not a whole Parquet file") as caught:
                mp.read_records(tmp_path / f"{name}.parquet")
            assert caught.value.parts[0].rule == "MP-UNREADABLE"

    def test_a_value_that_changed_on_its_way_is_found_where_the_file_has_checksums(self, tmp_path: Path) -> None:
        path = write(tmp_path / "rhi.parquet", columns_of(), write_page_checksum=True, compression="none")
        data = path.read_bytes()
        assert len(mp.read_records(path).incidents) == 2
        path.write_bytes(data.replace(b"Bullying", b"Bullyinh"))
        with pytest.raises(DataRefused, match="it is not a whole Parquet file"):
            mp.read_records(path)

    def test_what_is_not_parquet_is_refused(self, tmp_path: Path) -> None:
        write_csv(tmp_path / "rhi.parquet")
        with pytest.raises(DataRefused, match="its name and content differ: it is not a Parquet file"):
            mp.read_records(tmp_path / "rhi.parquet")
        write(tmp_path / "rhi.csv", columns_of())
        with pytest.raises(DataRefused, match="its name and content differ: it is a Parquet file"):
            mp.read_records(tmp_path / "rhi.csv")

    def test_without_the_extra_it_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = write(tmp_path / "rhi.parquet", columns_of())
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        with pytest.raises(DataRefused, match=r'rhi\.parquet: .*pip install "missing-patterns\[parquet\]"'):
            mp.read_records(path)

    def test_a_file_without_columns_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataRefused, match="it has no columns"):
            mp.read_records(write(tmp_path / "rhi.parquet", {}))

    def test_a_file_that_unpacks_to_too_much_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = write(tmp_path / "rhi.parquet", columns_of())
        for name, most in (("MOST_ROWS", 3), ("MOST_UNPACKED", 10)):
            with monkeypatch.context() as patch:
                patch.setattr(parquet, name, most)
                with pytest.raises(DataRefused, match="unpacks to far more") as caught:
                    mp.read_records(path)
            assert caught.value.parts[0].rule == "MP-BOMB"

    def test_rows_that_are_fewer_than_the_file_says_are_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = write(tmp_path / "rhi.parquet", columns_of())

        class Short(pq.ParquetFile):
            def iter_batches(self, *_: Any, **__: Any) -> Any:
                return iter([])

        monkeypatch.setattr(pq, "ParquetFile", Short)
        with pytest.raises(DataRefused, match="it says that it holds 4 rows, and holds 0"):
            mp.read_records(path)

    def test_a_column_twice_is_refused(self, tmp_path: Path) -> None:
        table = pa.table(columns_of())
        table = table.append_column("Child ID", table.column("Child ID"))
        with pytest.raises(DataRefused, match=r"names 1 column twice \(child id\)"):
            mp.read_records(write(tmp_path / "rhi.parquet", table))

    def test_a_table_that_no_profile_fits_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataRefused, match="no profile fits"):
            mp.read_records(write(tmp_path / "rhi.parquet", {"a": ["x", "y"], "b": ["x", "y"]}))

    def test_the_files_own_time_bounds_what_it_can_hold(self, tmp_path: Path) -> None:
        path = write(tmp_path / "rhi.parquet", columns_of(ROWS[:2]))
        written = at("2026-03-01 12:00+00:00").timestamp()
        os.utime(path, (written, written))
        assert mp.read_records(path).quarantine["rule"].tolist() == ["MP-FUTURE-DATE"]
