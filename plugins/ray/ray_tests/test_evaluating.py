"""An evaluation in a cluster gives what it gives here."""

from __future__ import annotations

import json
from pathlib import Path

import handrail_eval

BOX = Path(handrail_eval.__file__).with_name("box")


def test_an_evaluation_on_ray_data_gives_the_verdicts_of_this_machine(cluster, tmp_path):
    rows = [json.loads(line) for line in (BOX / "rows.jsonl").read_text().splitlines()][:150]
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for engine, processes in (("local", "1"), ("ray", "2")):
        more = ["--engine", engine, "--processes", processes, "--out", str(tmp_path / engine)]
        cluster.run("handrail", "eval", str(BOX / "config"), str(data), *more)
    local, ray = ((tmp_path / name / "verdicts.jsonl").read_text() for name in ("local", "ray"))
    assert ray == local
    assert len(ray.splitlines()) == len(rows)
