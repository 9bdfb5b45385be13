"""The same steps over partitions of children, on the processes of one machine or of many.

Everything up to the features and the counting process is per child, so it may run on any division of the children, with
the result of one machine. Steps that compare children (types of children) are not, and must see all of them at once;
of the features it is ``n_missing_with`` alone, which :func:`build_features` here counts in a second pass, by home.

When one machine is not enough
------------------------------
:func:`missing_patterns.build_features` with every feature (590 columns) takes about 4.8 GB for a million episodes: 2.0
for the result, 1.9 for the tables that go in (episodes, interviews, triggers, placements), the rest while it works. So
a machine of 16 GB does three million episodes, which is ten years of all of England; one council never needs this room.
With 44 columns of the episodes alone it is 1.2 GB for a million (``specs=``).

Beyond that, or where memory is short, :func:`build_features` and :func:`build_intervals` here go from a folder of
Parquet to a folder of Parquet in parts of whole children. A worker takes 0.3 GB and 4.5 GB for each million episodes of
its part, and parts are made so small that a worker stays within ``memory_limit``: with 2 GB, nearly 200,000 episodes at
a time, however many there are: ten million took five and a half minutes on two cores, and no worker more than 1.3 GB.
What limits is the disk: the divided tables lie beside the result until it is done. All
rows of one child, and for ``n_missing_with`` all episodes of one home, must fit into a worker.

The workers are processes of this machine (``engine="processes"``), a Dask cluster on it or anywhere
(``scheduler="tcp://..."``), or the executors of a Spark session (``spark=``), as Databricks and Fabric have; the extras
``scale`` and ``spark`` bring what is needed. All workers must see both folders by the same names.

Where the episodes are a Spark table already, the counting process needs no folder. Group the children, many to a group,
since one call for each child is slow; and set the session's time zone to UTC, in which no hour happens twice::

    spark.conf.set("spark.sql.session.timeZone", "UTC")

    def spells(part):
        for name in ("missing_from", "returned_at"):
            part[name] = part[name].dt.tz_localize("UTC")
        made = mp.to_counting_process(part.drop(columns="part"), observed_until="2026-10-31")
        return made[["child_id", "start", "stop", "event", "episode_no"]]

    grouped = episodes.withColumn("part", fn.pmod(fn.hash("child_id"), fn.lit(64))).groupBy("part")
    grouped.applyInPandas(spells, "child_id string, start double, stop double, event long, episode_no long")
"""

from __future__ import annotations

from missing_patterns.scale.build import build_features, build_intervals
from missing_patterns.scale.parts import map_children, part_numbers

__all__ = ["build_features", "build_intervals", "map_children", "part_numbers"]
