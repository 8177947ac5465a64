from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from phlo_hooks.assets import PartitionInfo, TimeWindow
from phlo_hooks.capabilities.openlineage.facets.partitions import input_subset, nominal_time, output_subset
from phlo_hooks_tests.capabilities.openlineage.helpers import sent

BERLIN = ZoneInfo("Europe/Berlin")


def day(start, end, zone="Europe/Berlin"):
    window = TimeWindow(datetime(*start, tzinfo=BERLIN), datetime(*end, tzinfo=BERLIN), zone)
    return PartitionInfo("-".join(map(str, start)), {"partition": "x"}, window)


TIMES = {
    "a day": ([day((2026, 1, 5), (2026, 1, 6))], "2026-01-05T00:00:00+01:00", "2026-01-06T00:00:00+01:00"),
    "the day summer begins": ([day((2026, 3, 29), (2026, 3, 30))], "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"),
    "the day summer ends": ([day((2026, 10, 25), (2026, 10, 26))], "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"),
    "several": ([day((2026, 1, 6), (2026, 1, 7)), day((2026, 1, 4), (2026, 1, 5))], "2026-01-04T00:00:00+01:00", "2026-01-07T00:00:00+01:00"),
    "several, in order": ([day((2026, 1, 4), (2026, 1, 5)), day((2026, 1, 6), (2026, 1, 7))], "2026-01-04T00:00:00+01:00", "2026-01-07T00:00:00+01:00"),
    "UTC": ([day((2026, 1, 5), (2026, 1, 6), "UTC")], "2026-01-04T23:00:00+00:00", "2026-01-05T23:00:00+00:00"),
    "a zone that is not here": ([day((2026, 1, 5), (2026, 1, 6), "Mars/Base")], "2026-01-04T23:00:00+00:00", "2026-01-05T23:00:00+00:00"),
}  # fmt: skip


@pytest.mark.parametrize(("partitions", "start", "end"), TIMES.values(), ids=TIMES.keys())
def test_a_time_partition_gives_the_nominal_time(partitions, start, end):
    assert sent(nominal_time(tuple(partitions))) == {"nominalStartTime": start, "nominalEndTime": end}


def test_partitions_without_time_have_no_nominal_time():
    assert nominal_time((PartitionInfo("de", {"country": "de"}),)) is None
    assert nominal_time(()) is None


PARTITIONS = (
    PartitionInfo("2026|de", {"date": "2026", "country": "de"}),
    PartitionInfo("x", {"partition": "x"}),
)
CONDITION = {
    "type": "partition",
    "partitions": [
        {"identifier": "2026|de", "dimensions": {"date": "2026", "country": "de"}},
        {"identifier": "x", "dimensions": {"partition": "x"}},
    ],
}


def test_partitions_are_the_subset_that_was_read_or_written():
    assert sent(input_subset(PARTITIONS)) == {"inputCondition": CONDITION}
    assert sent(output_subset(PARTITIONS)) == {"outputCondition": CONDITION}


def test_all_of_a_dataset_is_no_subset():
    assert input_subset(()) is None and output_subset(()) is None
