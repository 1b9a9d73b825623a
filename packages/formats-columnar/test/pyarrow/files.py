"""Files by pyarrow, and what pyarrow finds in files of ours, with each value in a form that JSON holds exactly.

write FOLDER: Parquet and Arrow files of all types in all codecs, encodings and page versions, and expected.json.
read FILE: the rows of a file as JSON.
"""
import datetime as dt
import decimal
import json
import sys

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def canonical(value, type_):
    """Whole numbers and decimals as text, instants as ns and times of day as us since their zero, bytes as hex."""
    if value is None:
        return None
    if pa.types.is_dictionary(type_):
        return canonical(value, type_.value_type)
    if pa.types.is_boolean(type_) or pa.types.is_floating(type_):
        return value
    if pa.types.is_integer(type_):
        return str(value)
    if pa.types.is_decimal(type_):
        return format(value, "f")
    if pa.types.is_date(type_):
        return value.isoformat()
    if pa.types.is_map(type_):
        return {key: canonical(each, type_.item_type) for key, each in value}
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return [canonical(each, type_.value_type) for each in value]
    if pa.types.is_struct(type_):
        return {field.name: canonical(value[field.name], field.type) for field in type_}
    if pa.types.is_timestamp(type_):
        epoch = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
        return str((value - epoch) // dt.timedelta(microseconds=1) * 1000)
    if isinstance(value, bytes):
        return value.hex()
    return value


def column(values, type_):
    if pa.types.is_timestamp(type_):
        ticks = values.cast(pa.int64()).to_pylist()
        return [None if t is None else str(t * (10**9 // per_second[type_.unit])) for t in ticks]
    if pa.types.is_time(type_):
        ticks = values.cast(pa.int32() if pa.types.is_time32(type_) else pa.int64()).to_pylist()
        return [None if t is None else str(t * 10**6 // per_second[type_.unit]) for t in ticks]
    return [canonical(value, type_) for value in values.to_pylist()]


def rows_of(table):
    columns = {field.name: column(table[field.name].combine_chunks(), field.type) for field in table.schema}
    return [{name: values[i] for name, values in columns.items()} for i in range(table.num_rows)]


def made(n=400):
    decimal.getcontext().prec = 80
    texts = ["", "plain", "Köln £", "\U0001f600", "x" * 300]
    makers = {
        "i8": (pa.int8(), lambda i: i % 256 - 128),
        "i16": (pa.int16(), lambda i: i * 81 - 32768),
        "i32": (pa.int32(), lambda i: (-1) ** i * (2**31 - 1 - i)),
        "i64": (pa.int64(), lambda i: (-1) ** i * (2**63 - 1 - i)),
        "u8": (pa.uint8(), lambda i: i % 256),
        "u16": (pa.uint16(), lambda i: 65535 - i),
        "u32": (pa.uint32(), lambda i: 2**32 - 1 - i if i % 2 else i),
        "u64": (pa.uint64(), lambda i: 2**64 - 1 - i if i % 2 else i),
        "f32": (pa.float32(), lambda i: i / 4 - 7),
        "f64": (pa.float64(), lambda i: [0.1, -1e307, 5e-324, 123.456][i % 4] * (1 + i % 3)),
        "flag": (pa.bool_(), lambda i: i % 3 == 0),
        "text": (pa.string(), lambda i: texts[i % 5] + str(i % 4)),
        "large": (pa.large_string(), lambda i: texts[i % 5]),
        "bytes": (pa.binary(), lambda i: bytes([i % 256, 0, 255])),
        "fixed": (pa.binary(4), lambda i: i.to_bytes(4, "big")),
        "day": (pa.date32(), lambda i: dt.date(1, 1, 1) + dt.timedelta(days=i * 9000)),
        "t_ms": (pa.time32("ms"), lambda i: dt.time(i % 24, i % 60, i % 60, (i % 1000) * 1000)),
        "t_us": (pa.time64("us"), lambda i: dt.time(i % 24, 59, 59, 999999 - i)),
        "at_ms": (pa.timestamp("ms", "UTC"), lambda i: (i - 5) * 86400_123),
        "at_us": (pa.timestamp("us", "UTC"), lambda i: (i - 5) * 86400_123_456),
        "at_ns": (pa.timestamp("ns", "UTC"), lambda i: (-1) ** i * (9 * 10**18 + i)),
        "d9": (pa.decimal128(9, 2), lambda i: decimal.Decimal(i - 200) / 100),
        "d38": (pa.decimal128(38, 10), lambda i: decimal.Decimal(f"-{i}234567890123456789012345.{i:010d}")),
        "names": (pa.dictionary(pa.int32(), pa.string()), lambda i: ["a", "b", "é"][i % 3]),
        "list": (pa.list_(pa.int64()), lambda i: [None, i] * (i % 3)),
        "struct": (pa.struct([("a", pa.int32()), ("b", pa.string())]), lambda i: {"a": i, "b": None if i % 2 else "b"}),
        "lines": (
            pa.list_(pa.struct([("sku", pa.string()), ("tags", pa.list_(pa.string()))])),
            lambda i: [{"sku": str(k), "tags": ["x"] * k if k != 1 else None} for k in range(i % 4)],
        ),
        "map": (pa.map_(pa.string(), pa.string()), lambda i: [(f"k{k}", f"v{i}") for k in range(i % 3)]),
    }
    columns = {}
    for name, (type_, value) in makers.items():
        columns[name] = pa.array([None if i % 11 == 7 else value(i) for i in range(n)], type_)
    return pa.table(columns)


def write(folder):
    table = made()
    delta = {"i32": "DELTA_BINARY_PACKED", "i64": "DELTA_BINARY_PACKED", "u32": "DELTA_BINARY_PACKED",
             "u64": "DELTA_BINARY_PACKED", "text": "DELTA_BYTE_ARRAY",
             "large": "DELTA_LENGTH_BYTE_ARRAY", "f32": "BYTE_STREAM_SPLIT", "f64": "BYTE_STREAM_SPLIT"}
    encodings = {"dictionary": {"use_dictionary": True}, "plain": {"use_dictionary": False},
                 "delta": {"use_dictionary": False, "column_encoding": delta}}
    for codec in ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]:
        for page in ["1.0", "2.0"]:
            for encoding, options in encodings.items():
                pq.write_table(table, f"{folder}/{codec}-{page}-{encoding}.parquet", compression=codec, row_group_size=150,
                               data_page_version=page, data_page_size=2000, write_page_checksum=True, **options)
    for codec in ["uncompressed", "lz4", "zstd"]:
        feather.write_feather(table, f"{folder}/{codec}.arrow", compression=codec, chunksize=150)
    with open(f"{folder}/expected.json", "w") as out:
        json.dump(rows_of(table), out)


def read(path):
    table = pq.read_table(path) if path.endswith(".parquet") else feather.read_table(path)
    json.dump(rows_of(table), sys.stdout)


{"write": write, "read": read}[sys.argv[1]](sys.argv[2])
