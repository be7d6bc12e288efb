"""The chaos checker itself: whatever is wrong with a record, it finds; what is accounted for, it accepts."""

import json

import pytest

from chaos.checker import Checker
from chaos.faults import Applied
from chaos.lives import LIE, Entry
from chaos.logs import Logged
from chaos.publishers import CONFIRMED, MAYBE, NOBODY, Message
from chaos.schedule import draw

START = 1000.0


class Record:
    """A client's record, one second an event."""

    def __init__(self, channels=("a",)):
        self.name, self.channels, self.problems, self.record = "client", channels, [], []

    def event(self, message, id_s, double=0):
        self.record.append(Entry("x", message.payload(), f"{int(id_s * 1000)}-{double}", id_s, 1))
        return self

    def beat(self, id_s):
        self.record.append(Entry("runnel.beat", "", f"{int(id_s * 1000)}-0", id_s, 1))
        return self

    def gap(self, after_s, resumes_s, received_s, channel="a", connection=1):
        data = {"channel": channel, "after": f"{int(after_s * 1000)}-0", "resumes": f"{int(resumes_s * 1000)}-0",
                "reason": "expired"}
        self.record.append(Entry("runnel.gap", json.dumps(data), "", received_s, connection))
        return self


def messages(source="hooks", states=(CONFIRMED,) * 5, spacing=10):
    return [Message(source, "a", n + 1, START + spacing * n, START + spacing * n, state)
            for n, state in enumerate(states)]


def check(sent, *records, applied=(), states=((START - 1, True),), topology="one", plant=(), log=()):
    return Checker(sent, records, list(applied), {"shop": list(states), "plant": list(plant), "log": list(log)}, topology).check()


def deliver(record, sent, *numbers):
    for n in numbers:
        record.event(sent[n - 1], sent[n - 1].begin)
    return record


def test_everything_in_order_is_right():
    sent = messages()
    verdict = check(sent, deliver(Record().beat(START - 1), sent, 1, 2, 3, 4, 5))
    assert not verdict.errors and verdict.deliveries == 5


@pytest.mark.parametrize("source", ["hooks", "plant", "shop"])
@pytest.mark.parametrize("missing", [1, 3, 5])
def test_a_missing_message_is_lost(source, missing):
    sent = messages(source)
    verdict = check(sent, deliver(Record(), sent, *({1, 2, 3, 4, 5} - {missing})))
    assert verdict.lost == 1


def test_a_message_that_one_of_two_clients_lacks_is_lost():
    sent = messages(states=[MAYBE] * 5)
    verdict = check(sent, deliver(Record(), sent, 1, 2, 3, 4, 5), deliver(Record(), sent, 1, 2, 4, 5))
    assert verdict.lost == 1


def test_what_nobody_was_promised_and_nobody_has_is_no_loss():
    sent = messages(states=[CONFIRMED, MAYBE, CONFIRMED])
    verdict = check(sent, deliver(Record(), sent, 1, 3))
    assert not verdict.errors and verdict.unconfirmed == 1


def test_the_same_id_twice_is_disorder():
    sent = messages()
    assert check(sent, deliver(Record(), sent, 1, 2, 2, 3, 4, 5)).counts["order"] == 1


def test_an_event_behind_a_beat_is_disorder():
    sent = messages(states=[CONFIRMED])
    assert check(sent, deliver(Record().beat(START + 1), sent, 1)).counts["order"] == 1


def test_numbers_out_of_order_are_disorder():
    sent = messages()
    record = deliver(Record(), sent, 1).event(sent[2], START + 11).event(sent[1], START + 12)
    assert check(sent, deliver(record, sent, 4, 5)).counts["order"] == 1


def test_a_message_under_two_ids_is_doubled():
    sent = messages()
    record = deliver(Record(), sent, 1).event(sent[0], START + 1)
    assert check(sent, deliver(record, sent, 2, 3, 4, 5)).doubled == 1


@pytest.mark.parametrize("source, doubled", [("plant", 0), ("hooks", 1), ("shop", 1)])
def test_a_redelivery_needs_a_kill_and_mqtt(source, doubled):
    sent = messages(source)
    record = deliver(Record(), sent, 1).event(sent[0], START + 5)
    kill = Applied("ingest", "kill", START + 0.5, START + 3)
    verdict = check(sent, deliver(record, sent, 2, 3, 4, 5), applied=[kill])
    assert verdict.doubled == doubled and sum(verdict.redelivered.values()) == 1 - doubled


def doubled_plant(again_s=5):
    """The first message is stored at START, and once more."""
    sent = messages("plant")
    record = deliver(Record(), sent, 1).event(sent[0], START + again_s)
    return sent, deliver(record, sent, 2, 3, 4, 5)


def test_a_redelivery_needs_the_connection_to_end_between():
    sent, record = doubled_plant()
    assert check(sent, record, plant=[(START + 0.5, False)]).redelivered == {"connection lost": 1}
    assert check(sent, record, plant=[(START + 8, False)]).doubled == 1


def test_what_was_acknowledged_long_before_the_break_does_not_come_again():
    sent = messages("plant", [CONFIRMED] * 8)
    record = deliver(Record(), sent, 1, 2, 3, 4, 5, 6, 7, 8)
    for n in range(1, 6):
        record.event(sent[n - 1], START + 75 + n)
    assert check(sent, record, applied=[Applied("ingest", "kill", START + 72, START + 73)]).doubled == 5
    assert check(sent, record, plant=[(START + 72, False)]).doubled == 5
    forgetful = Applied("plant", "kill", START + 72, START + 73, saved=START + 71.9, dead=START + 72)
    assert check(sent, record, applied=[forgetful]).doubled == 5
    forgetful.saved = START + 10.5
    assert check(sent, record, applied=[forgetful]).redelivered == {"broker killed": 4}


@pytest.mark.parametrize("target, kind", [("log", "stop"), ("wire-log-ingest", "stall"), ("ingest", "stop"),
                                          ("wire-plant", "stall"), ("plant", "stop"), ("network", "late")])
def test_what_stands_still_keeps_acknowledgements_back(target, kind):
    sent, record = doubled_plant(again_s=9)
    kill, held = Applied("ingest", "kill", START + 7, START + 8), Applied(target, kind, START + 0.5, START + 7)
    assert check(sent, record, applied=[kill]).doubled == 1
    assert check(sent, record, applied=[kill, held]).redelivered == {"runnel killed": 1}
    assert check(sent, record, applied=[kill, Applied(target, kind, START + 0.5, START + 6)]).doubled == 1
    more = [Applied("plant", "stop", START + 0.5, START + 4), Applied("wire-plant", "stall", START + 4.1, START + 7)]
    assert check(sent, record, applied=[kill, *more]).doubled == 0
    assert check(sent, record, applied=[kill, Applied("wire-plant", "slow", START + 0.5, START + 7)]).doubled == 1


def test_a_log_that_runnel_found_away_keeps_acknowledgements_back_and_stores_later():
    sent, record = doubled_plant(again_s=9)
    kill = Applied("ingest", "kill", START + 7, START + 8)
    assert check(sent, record, applied=[kill], log=[(START + 0.5, False)]).doubled == 0
    assert check(sent, record, applied=[kill], log=[(START + 0.5, False), (START + 6, True)]).doubled == 1
    before = Applied("ingest", "kill", START - 4, START - 3)
    assert check(sent, record, applied=[before], log=[(START - 5, False), (START - 0.5, True)]).doubled == 0


def test_a_connection_that_was_not_up_yet_may_have_ended_again():
    sent, record = doubled_plant(again_s=4)
    assert check(sent, record, plant=[(START - 5, False), (START + 3, True)]).redelivered == {"connection lost": 1}
    assert check(sent, record, plant=[(START - 5, False), (START - 3, True)]).doubled == 1


def test_a_log_that_stood_still_stores_what_a_killed_process_had_sent():
    sent = messages("plant")
    record = deliver(Record(), sent, 1).event(sent[0], START + 5)
    deliver(record, sent, 2, 3, 4, 5)
    kill, stop = Applied("ingest", "kill", START - 6, START - 5), Applied("log", "stop", START - 7, START)
    assert check(sent, record, applied=[kill]).doubled == 1
    assert check(sent, record, applied=[kill, stop]).redelivered == {"runnel killed": 1}


def test_redis_may_lack_a_run_of_an_outage():
    sent = messages("shop", [CONFIRMED, CONFIRMED, NOBODY, NOBODY, CONFIRMED])
    states = [(START - 1, True), (START + 10.5, False), (START + 35, True)]
    verdict = check(sent, deliver(Record(), sent, 1, 5), states=states)
    assert not verdict.errors and verdict.by_outage == 3


def test_redis_may_not_lack_what_was_published_before_or_behind_an_outage():
    sent = messages("shop")
    states = [(START - 1, True), (START + 15, False), (START + 25, True)]
    assert check(sent, deliver(Record(), sent, 1, 2, 4, 5), states=states).lost == 0
    assert check(sent, deliver(Record(), sent, 1, 4, 5), states=states).lost == 2
    assert check(sent, deliver(Record(), sent, 1, 2, 5), states=states).lost == 1


def test_an_outage_excuses_one_run():
    sent = messages("shop", spacing=1)
    states = [(START - 1, True), (START + 0.5, False), (START + 4, True)]
    assert check(sent, deliver(Record(), sent, 1, 3, 5), states=states).lost == 1


def test_what_does_not_overlap_an_outage_does_not_prolong_it():
    sent = messages("shop", [CONFIRMED] * 40, spacing=1)
    record = deliver(Record(), sent, *range(1, 11), *range(31, 41))
    states = [(START - 1, True), (START + 26.5, False), (START + 30, True)]
    faults = [("wire-shop", "stall", 10, 14), ("ingest", "stop", 14.5, 18), ("shop", "stop", 18.5, 22),
              ("wire-shop", "stall", 22.5, 26)]
    apart = [Applied(target, kind, START + begin, START + end) for target, kind, begin, end in faults]
    assert check(sent, record, applied=apart, states=states).lost == 20
    chained = [Applied(f.target, f.kind, f.begin, f.end + 0.5) for f in apart]
    assert check(sent, record, applied=chained, states=states).by_outage == 20
    slow = [Applied("wire-shop", "slow", START + 10, START + 26.5)]
    assert check(sent, record, applied=slow, states=states).lost == 20


def test_an_outage_may_begin_where_the_one_before_ends():
    sent = messages("shop", spacing=1)
    states = [(START - 1, True), (START + 0.9, False), (START + 1.5, True), (START + 1.5, False), (START + 3.5, True)]
    assert check(sent, deliver(Record(), sent, 1, 5), states=states).by_outage == 3


def test_a_message_that_the_broker_had_not_saved_is_the_brokers_loss():
    sent = messages("plant")
    kill = Applied("plant", "kill", START + 21, START + 22, saved=START + 15, dead=START + 21)
    verdict = check(sent, deliver(Record(), sent, 1, 2, 4, 5), applied=[kill])
    assert not verdict.errors and verdict.by_broker == 1
    kill.saved = START + 20.5
    assert check(sent, deliver(Record(), sent, 1, 2, 4, 5), applied=[kill]).lost == 1


FLUSH = Applied("log", "flush", START + 25, START + 25)


def test_a_gap_at_the_place_says_the_loss():
    sent = messages()
    record = deliver(Record(), sent, 1, 2).gap(START + 10, START + 30, START + 30)
    verdict = check(sent, deliver(record, sent, 4, 5), applied=[FLUSH])
    assert not verdict.errors and verdict.in_gaps == 1 and verdict.gaps == 1


def test_a_gap_elsewhere_does_not():
    sent = messages()
    record = deliver(Record(), sent, 1, 2, 4).gap(START + 30, START + 40, START + 40)
    assert check(sent, deliver(record, sent, 5), applied=[FLUSH]).lost == 1
    record = deliver(Record(), sent, 1, 2).gap(START + 10, START + 30, START + 30, channel="b")
    assert check(sent, deliver(record, sent, 4, 5), applied=[FLUSH]).lost == 1


def test_a_gap_whose_ids_do_not_cover_the_loss_does_not():
    sent = messages()
    record = deliver(Record(), sent, 1, 2).gap(START + 10, START + 15, START + 30)
    other = deliver(Record(), sent, 1, 2, 3, 4, 5)
    assert check(sent, deliver(record, sent, 4, 5), other, applied=[FLUSH]).lost == 1


def test_each_copy_of_what_is_missing_must_be_in_a_gap():
    sent = messages("plant")
    lost = [Applied("log", "flush", START + second, START + second) for second in (12, 22)]
    other = deliver(Record(), sent, 1, 2).event(sent[1], START + 22)
    both = deliver(Record(), sent, 1).gap(START, START + 15, START + 15).gap(START + 15, START + 25, START + 25)
    one = deliver(Record(), sent, 1).gap(START, START + 15, START + 15)
    deliver(other.gap(START + 10, START + 22, START + 22), sent, 3, 4, 5)
    assert check(sent, other, deliver(both, sent, 3, 4, 5), applied=lost).lost == 0
    assert check(sent, other, deliver(one, sent, 3, 4, 5), applied=lost).lost == 1


def test_a_gap_without_a_lost_log_is_false():
    sent = messages()
    record = deliver(Record(), sent, 1).gap(START, START + 10, START + 10)
    assert check(sent, deliver(record, sent, 2, 3, 4, 5)).counts["false gap"] == 1
    kill = Applied("log", "kill", START + 1, START + 2)
    assert check(sent, record, applied=[kill]).counts["false gap"] == 1
    later = Applied("log", "flush", START + 11, START + 11)
    assert check(sent, record, applied=[later]).counts["false gap"] == 1


def test_a_loss_is_told_once_on_a_connection():
    sent = messages()
    record = deliver(Record(), sent, 1, 2, 3).gap(START + 20, START + 30, START + 31)
    once = check(sent, deliver(record, sent, 4, 5), applied=[FLUSH])
    assert not once.errors
    record = deliver(Record(), sent, 1, 2, 3)
    for second in (31, 32, 33):
        record.gap(START + 20, START + 30, START + second)
    deliver(record, sent, 4, 5)
    assert check(sent, record, applied=[FLUSH]).counts["false gap"] == 2
    more = Applied("log", "flush", START + 26, START + 26)
    assert check(sent, record, applied=[FLUSH, more]).counts["false gap"] == 1


def test_a_loss_may_be_told_in_parts():
    sent = messages()
    restore = Applied("log", "restore", START + 15, START + 25)
    record = deliver(Record(), sent, 1, 2).gap(START + 10, START + 24, START + 26)
    deliver(record.gap(START + 24, START + 30, START + 27), sent, 4, 5)
    assert not check(sent, record, applied=[restore]).errors
    restore.end = START + 23.9
    assert check(sent, record, applied=[restore]).counts["false gap"] == 1


def test_who_was_cut_off_at_a_gap_is_told_again():
    sent = messages()
    record = deliver(Record(), sent, 1, 2, 3).gap(START + 20, START + 30, START + 31)
    record.gap(START + 20, START + 30, START + 32, connection=2)
    assert not check(sent, deliver(record, sent, 4, 5), applied=[FLUSH]).errors
    record = deliver(Record(), sent, 1, 2, 3).gap(START + 20, START + 25.1, START + 26).beat(START + 25.2)
    record.gap(START + 25.2, START + 30, START + 31, connection=2)
    assert check(sent, deliver(record, sent, 4, 5), applied=[FLUSH]).counts["false gap"] == 1


def test_a_gap_over_what_the_client_has_is_false():
    sent = messages()
    record = deliver(Record(), sent, 1, 2, 3, 4).gap(START + 20.9, START + 49, START + 49.5)
    assert check(sent, deliver(record, sent, 5), applied=[FLUSH]).counts["false gap"] == 1
    record = deliver(Record(), sent, 1, 2, 3).beat(START + 28).gap(START + 20, START + 30, START + 31)
    assert check(sent, deliver(record, sent, 4, 5), applied=[FLUSH]).counts["false gap"] == 1


def test_a_queue_that_overflows_is_told_each_time():
    sent = messages()
    overflow = Applied("log", "overflow", START + 11, START + 32)
    record = deliver(Record(), sent, 1, 2).gap(START + 10, START + 20, START + 20)
    record = deliver(record, sent, 3).gap(START + 20, START + 30, START + 30)
    assert not check(sent, deliver(record, sent, 4, 5), applied=[overflow]).errors


def test_a_deleted_channel_is_told_to_those_who_lack_some_of_it():
    sent = messages()
    deletion = Applied("log", "delete", START + 25, START + 25, channel="a")
    live = deliver(Record(), sent, 1, 2, 3, 4, 5)
    away = deliver(Record(), sent, 1, 2).gap(START + 10, START + 30, START + 30)
    deliver(away, sent, 4, 5)
    assert check(sent, live, away, applied=[deletion]).in_gaps == 1
    assert not check(sent, live, away, applied=[deletion]).errors
    other = Applied("log", "delete", START + 25, START + 25, channel="b")
    assert check(sent, live, away, applied=[other]).counts["false gap"] == 1
    silent = deliver(Record(), sent, 1, 2, 4, 5)
    assert check(sent, live, silent, applied=[deletion]).lost == 1


def test_a_deleted_channel_is_told_to_nobody_else():
    sent = messages()
    deletion = Applied("log", "delete", START + 25, START + 25, channel="a")
    live = deliver(Record(), sent, 1, 2, 3, 4, 5)
    had_all = deliver(Record(), sent, 1, 2, 3).gap(START + 20, START + 30, START + 30)
    assert check(sent, live, deliver(had_all, sent, 4, 5), applied=[deletion]).counts["false gap"] == 1


def test_a_deleted_channel_excuses_no_copies():
    sent = messages("queue")
    deletion = Applied("log", "delete", START + 15, START + 15, channel="a")
    again = deliver(Record(), sent, 1, 2).gap(START + 10, START + 20, START + 20).event(sent[1], START + 20)
    assert check(sent, deliver(again, sent, 3, 4, 5), applied=[deletion]).doubled == 1


def test_a_killed_log_loses_nothing_unless_the_queue_overflowed():
    sent = messages()
    record = deliver(Record(), sent, 1, 2).gap(START + 10, START + 30, START + 30)
    kill = Applied("log", "kill", START + 15, START + 25)
    deliver(record, sent, 4, 5)
    assert check(sent, record, applied=[kill]).counts["false gap"] == 1
    overflow = Applied("log", "overflow", START + 19, START + 20)
    assert not check(sent, record, applied=[kill, overflow]).errors


def test_what_waited_for_the_log_in_a_killed_process_is_gone():
    sent = messages("shop")
    kill = Applied("ingest", "kill", START + 25, START + 26)
    states = [(START - 1, True), (START + 27, True)]
    record = deliver(Record(), sent, 1, 4, 5)
    assert check(sent, record, applied=[kill], states=states).lost == 2
    away = [(START - 1, True), (START + 5, False)]
    assert not check(sent, record, applied=[kill], states=states, log=away).errors
    back = [*away, (START + 24, True)]
    assert check(sent, record, applied=[kill], states=states, log=back).lost == 2


def test_a_log_that_was_lost_excuses_copies_behind_a_gap():
    sent = messages("queue")
    again = deliver(Record(), sent, 1, 2).gap(START + 10, START + 26, START + 26).event(sent[1], START + 26)
    verdict = check(sent, deliver(again, sent, 4, 5, 3), applied=[FLUSH])
    assert verdict.counts["doubled"] == 0 and verdict.redelivered["log lost"] == 1
    silent = deliver(Record(), sent, 1, 2).event(sent[1], START + 26)
    assert check(sent, silent, applied=[FLUSH]).counts["doubled"] == 1
    assert check(sent, again).counts["doubled"] == 1


def test_a_queue_that_overflowed_excuses_no_copies():
    sent = messages("queue")
    overflow = Applied("log", "overflow", START + 11, START + 12)
    again = deliver(Record(), sent, 1, 2).gap(START + 10, START + 20, START + 20).event(sent[1], START + 20)
    assert check(sent, deliver(again, sent, 3, 4, 5), applied=[overflow]).doubled == 1


def test_a_stream_entry_may_not_come_twice():
    sent = messages("queue")
    kill = Applied("ingest", "kill", START, START + 20)
    record = deliver(Record(), sent, 1).event(sent[0], START + 5)
    assert check(sent, deliver(record, sent, 2, 3, 4, 5), applied=[kill]).doubled == 1


class Stranger(Record):
    def lie(self, cursor):
        self.record.append(Entry(LIE, "", cursor, 0, 1))
        return self

    def told(self, after, resumes_s, channel="a"):
        data = {"channel": channel, "after": after, "resumes": f"{int(resumes_s * 1000)}-0", "reason": "unknown"}
        self.record.append(Entry("runnel.gap", json.dumps(data), "", resumes_s, 1))
        return self


@pytest.mark.parametrize("cursor, after", [("x", "0-0"), ("17-3", "17-3"), ("99999999-0", "99999999-0")])
def test_a_bad_cursor_must_be_told_and_then_all_is_in_order(cursor, after):
    sent = messages()
    told = deliver(Stranger(), sent, 1, 2, 3).lie(cursor).told(after, START + 20)
    verdict = check(sent, deliver(told, sent, 3, 4, 5))
    assert not verdict.errors and verdict.bad_cursors == 1 and verdict.gaps == 0

    silent = deliver(Stranger(), sent, 1, 2, 3).lie(cursor)
    assert check(sent, deliver(silent, sent, 1, 2, 3, 4, 5)).counts["silent"] == 1
    late = deliver(deliver(Stranger(), sent, 1).lie(cursor), sent, 1).told(after, START + 10)
    assert check(sent, deliver(late, sent, 2, 3, 4, 5)).counts["silent"] == 1
    holed = deliver(Stranger(), sent, 1).lie(cursor).told(after, START + 20)
    assert check(sent, deliver(holed, sent, 3, 5)).lost == 1


def test_who_came_late_may_get_the_copy_only():
    sent = messages("plant")
    kill = Applied("ingest", "kill", START + 10.5, START + 16)
    early = deliver(Record(), sent, 1, 2, 3).event(sent[1], START + 21)
    late = Stranger().lie("99999999-0").told("99999999-0", START + 15).event(sent[2], START + 20)
    records = [deliver(record, sent, 4, 5) for record in (early, late.event(sent[1], START + 21))]
    assert not check(sent, *records, applied=[kill]).errors


def test_what_is_stored_again_after_a_life_is_not_missing_in_it():
    sent = messages("queue")
    lost = Applied("log", "flush", START + 24, START + 24)
    other = deliver(Record(), sent, 1, 2, 3).gap(START + 20, START + 26, START + 26).event(sent[1], START + 26)
    told = Stranger().lie("99999999-0").told("99999999-0", START + 15)
    before = deliver(told, sent, 3).lie("x").told("0-0", START + 26)
    silent = deliver(Stranger().lie("99999999-0").told("99999999-0", START + 15), sent, 3)
    other, before, silent = (deliver(record, sent, 4, 5) for record in (other, before, silent))
    assert not check(sent, other, before, applied=[lost]).errors
    assert check(sent, other, silent, applied=[lost]).lost == 1


def log_of(*lines):
    return Logged("\n".join(f"time=1970-01-01T00:{line} x=y".replace("Z event", "Z level=warn event") for line in lines))


@pytest.mark.parametrize("lines, ends", [
    (["00:10.000Z event=source.dropped"], 11),
    (["00:09.000Z event=replay.down", "00:10.000Z event=source.dropped", "00:14.500Z event=replay.up"], 14.5),
    (["00:09.000Z event=replay.down", "00:10.000Z event=source.dropped"], float("inf")),
])
def test_an_overflow_shows_when_the_log_takes_events_again(lines, ends):
    overflow, = log_of(*lines).overflows()
    assert (overflow.begin, overflow.end) == (9, ends)


def test_each_channel_is_told_of_a_bad_cursor():
    sent = messages()
    record = Stranger(channels=("a", "b")).lie("x").told("0-0", START, channel="b")
    assert check(sent, deliver(record, sent, 1, 2, 3, 4, 5)).counts["silent"] == 1


def test_a_seed_draws_the_same_faults_again():
    assert draw(7, 60, "edges") == draw(7, 60, "edges") != draw(8, 60, "edges")
    assert all(fault.end <= 57 for fault in draw(7, 60, "edges", True))


@pytest.mark.parametrize("seed", range(10))
def test_who_saw_the_log_lives_until_it_has_found_out_that_it_was_restored(seed):
    faults = draw(seed, 300, "one", True)
    kills = [fault.begin for fault in faults if (fault.target, fault.kind) == ("ingest", "kill")]
    rewound = [fault for fault in faults if fault.kind in ("restore", "failover")]
    assert kills and rewound
    assert not [fault for fault in rewound if any(fault.begin <= kill < fault.end + 5 for kill in kills)]


def test_overflows_that_were_suppressed_lie_behind_the_line_before():
    first, second = log_of("00:10.000Z event=source.dropped", "00:14.000Z event=source.dropped suppressed=3").overflows()
    assert (first.begin, second.begin) == (9, 10)


def test_nobody_was_silent_before_the_process_was_there():
    down = 'event=source.down source=shop why="the peer did not answer in time"'
    assert log_of("00:10.000Z event=serve.started", f"00:11.500Z {down}").states()["shop"] == [(10, False)]
    assert log_of("00:02.000Z event=serve.started", f"00:11.500Z {down}").states()["shop"] == [(9.5, False)]
