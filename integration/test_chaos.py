"""
Everything breaks at once, by fixed seeds: about two minutes in all. Long runs: chaos/run. The seeds are such as draw
faults of every kind.
"""

import pytest

from chaos.chaos import run
from chaos.report import table

pytestmark = [pytest.mark.slow, pytest.mark.chaos]


def judge(one, capsys):
    with capsys.disabled():
        print("", table([one]), sep="\n")
    assert not one.verdict.errors, "\n".join(one.verdict.errors)
    assert one.verdict.published > 100 and one.verdict.deliveries > one.verdict.published


@pytest.mark.parametrize("topology, seed, seconds, is_losing", [
    ("edges", 3, 35, False),
    ("edges", 46, 24, True),
    ("one", 60, 20, False),
    ("narrow", 6, 15, False),
    ("memory", 4, 12, False),
])
def test_every_message_is_accounted_for(tmp_path, capsys, topology, seed, seconds, is_losing):
    judge(run(tmp_path, seed, seconds, topology, is_losing), capsys)
