"""What a mapping does with its batches, by AWS's documents (`mapping.py` names them). `make check` runs it."""

import unittest
from collections.abc import Callable
from typing import Any

from mapping import PAYLOAD, Answer, NotObeyed, Reader, Record, Shard, Shards, key, sequence

NOON = 1_800_000_000.0
QUEUE = "arn:aws:sqs:ap-northeast-2:123456789012:failures"
STREAM = "arn:aws:dynamodb:ap-northeast-2:123456789012:table/catalog/stream/2026-11-29"
SHARD = Shard("shard")
Function = Callable[[list[str]], Answer | None]


def record(number: int, pk: str = "a", sk: str = "EVENT", arrived: float = NOON, text: str = "") -> Record:
    return {"eventName": "INSERT", "dynamodb": {
        "Keys": {"pk": {"S": pk}, "sk": {"S": sk}}, "NewImage": {"text": {"S": text}},
        "SequenceNumber": str(number), "ApproximateCreationDateTime": arrived}}


def failures(*numbers: int) -> Answer:
    return Answer({"batchItemFailures": [{"itemIdentifier": str(number)} for number in numbers]})


FINE = failures()
BROKEN = Answer({"errorMessage": "out of memory"}, "Unhandled", "7")


class Scene:
    """A mapping whose function answers as it is told, and whose clock goes on only while it waits."""

    def __init__(self, answer: Function = lambda _: FINE, doubles: int = 0, **properties: Any) -> None:
        self.time = NOON
        self.answer = answer
        self.doubles = doubles
        self.calls: list[list[int]] = []
        self.letters: list[dict[str, Any]] = []
        self.lines: list[dict[str, Any]] = []
        self.waits: list[int] = []
        mapping = {"FunctionArn": "arn:function:live", "EventSourceArn": STREAM,
                   "FunctionResponseTypes": ["ReportBatchItemFailures"], "DestinationConfig": {"OnFailure": {"Destination": QUEUE}}}
        self.reader = Reader(mapping | properties, self)

    def now(self) -> float:
        return self.time

    def invoke(self, records: list[Record]) -> Answer | None:
        numbers = [sequence(it) for it in records]
        self.calls.append([int(number) for number in numbers])
        return self.answer(numbers)

    def send(self, letter: dict[str, Any]) -> None:
        self.letters.append(letter)

    def backoff(self, failed: int) -> float:
        self.waits.append(failed)
        return 1.0

    def comes_again(self) -> bool:
        self.doubles -= 1
        return self.doubles >= 0

    def tell(self, line: dict[str, Any]) -> None:
        self.lines.append(line)

    def put(self, *records: Record, shard: Shard = SHARD) -> "Scene":
        for it in records:
            self.reader.put(shard, it)
        return self

    def turn(self, shard: Shard = SHARD) -> float | None:
        """One turn of a shard's first lane, when it is time."""
        wait = self.reader.lanes[shard.id][0].turn()
        self.time += wait or 0
        return wait

    def run(self, seconds: float = 60, shard: Shard = SHARD) -> "Scene":
        """All turns until nothing waits, or the time is over."""
        end = self.time + seconds
        while self.turn(shard) is not None and self.time < end:
            pass
        return self

    def given_up(self) -> list[tuple[str, int, int]]:
        """Why and which."""
        found = [(it["requestContext"]["condition"], it["DDBStreamBatchInfo"]) for it in self.letters]
        return [(why, int(batch["startSequenceNumber"]), int(batch["endSequenceNumber"])) for why, batch in found]


def records(*numbers: int) -> list[Record]:
    return [record(number) for number in numbers]


def fails_at(*bad: int) -> Function:
    """A function that names what it can't do."""
    return lambda numbers: failures(*(number for number in bad if str(number) in numbers))


def breaks_at(bad: int) -> Function:
    """A function that ends with an error when it has this record."""
    return lambda numbers: BROKEN if str(bad) in numbers else FINE


class Batches(unittest.TestCase):
    def test_a_batch_has_as_many_records_as_its_size_and_they_are_in_their_order(self) -> None:
        scene = Scene(BatchSize=2).put(*records(1, 2, 3, 4, 5)).run()
        self.assertEqual(scene.calls, [[1, 2], [3, 4], [5]])

    def test_a_batch_is_cut_where_a_function_takes_no_more(self) -> None:
        large = [record(number, text="x" * (PAYLOAD // 3)) for number in (1, 2, 3)]
        self.assertEqual(Scene().put(*large).run().calls, [[1, 2], [3]])

    def test_a_batch_that_is_not_full_waits_for_its_window_and_a_full_one_does_not(self) -> None:
        scene = Scene(BatchSize=2, MaximumBatchingWindowInSeconds=5).put(record(1))
        self.assertEqual((scene.turn(), scene.calls), (5, []))
        scene.turn()
        scene.put(*records(2, 3)).turn()
        self.assertEqual((scene.calls, scene.time), ([[1], [2, 3]], NOON + 5))

    def test_what_the_filter_leaves_out_is_not_delivered(self) -> None:
        criteria = {"Filters": [{"Pattern": '{"dynamodb":{"Keys":{"sk":{"S":["EVENT","SHOW"]}}}}'}]}
        scene = Scene(FilterCriteria=criteria)
        scene.put(record(1), record(2, sk="SALE"), record(3, sk="SHOW"))
        self.assertEqual(scene.run().calls, [[1, 3]])

    def test_what_is_not_obeyed_here_is_refused(self) -> None:
        for properties in (
            {"TumblingWindowInSeconds": 30},
            {"FilterCriteria": {"Filters": [{"Pattern": '{"dynamodb":{"Keys":{"sk":{"S":[{"prefix":"E"}]}}}}'}]}},
        ):
            with self.assertRaises(NotObeyed):
                Scene(**properties)

    def test_a_delivery_tells_the_age_of_its_last_record(self) -> None:
        scene = Scene().put(record(1, arrived=NOON - 9), record(2, arrived=NOON - 2)).run()
        self.assertEqual([line["iteratorAge"] for line in scene.lines], [2000])

    def test_a_batch_that_is_done_may_come_a_second_time_and_before_what_follows(self) -> None:
        scene = Scene(BatchSize=1, doubles=1).put(*records(1, 2)).run()
        self.assertEqual(scene.calls, [[1], [1], [2]])
        self.assertEqual([line["double"] for line in scene.lines], [False, True, False])


class Failures(unittest.TestCase):
    def test_a_batch_goes_on_at_the_lowest_number_that_failed_and_all_after_it_comes_again(self) -> None:
        answers = [failures(10, 9), FINE]
        scene = Scene(lambda _: answers.pop(0)).put(*records(8, 9, 10, 11)).run()
        self.assertEqual(scene.calls, [[8, 9, 10, 11], [9, 10, 11]])

    def test_an_answer_without_failures_is_success(self) -> None:
        for answer in (None, {}, {"taken": 2}, {"batchItemFailures": []}, {"batchItemFailures": None}):
            with self.subTest(answer):
                self.assertEqual(Scene(lambda _, it=answer: Answer(it)).put(*records(1, 2)).run().calls, [[1, 2]])

    def test_an_answer_that_can_not_be_trusted_fails_the_whole_batch(self) -> None:
        for failure in ({"itemIdentifier": "99"}, {"itemIdentifier": ""}, {"itemIdentifier": None}, {"id": "2"}, None, "2", {"itemIdentifier": []}):
            answers = [Answer({"batchItemFailures": [{"itemIdentifier": "2"}, failure]}), FINE]
            with self.subTest(failure):
                self.assertEqual(Scene(lambda _, it=answers: it.pop(0)).put(*records(1, 2)).run().calls, [[1, 2], [1, 2]])
        for answer in ("fine", {"batchItemFailures": 2}, [1]):
            answers = [Answer(answer), FINE]
            with self.subTest(answer):
                self.assertEqual(Scene(lambda _, it=answers: it.pop(0)).put(*records(1, 2)).run().calls, [[1, 2], [1, 2]])

    def test_failures_count_only_where_the_mapping_asks_for_them(self) -> None:
        scene = Scene(fails_at(2), FunctionResponseTypes=[]).put(*records(1, 2)).run()
        self.assertEqual(scene.calls, [[1, 2]])

    def test_an_error_halves_the_batch_until_the_bad_record_is_alone(self) -> None:
        scene = Scene(breaks_at(3), BisectBatchOnFunctionError=True, MaximumRetryAttempts=1).put(*records(1, 2, 3, 4)).run()
        self.assertEqual(scene.calls, [[1, 2, 3, 4], [1, 2], [3, 4], [3], [3], [4]])
        self.assertEqual(scene.given_up(), [("RetryAttemptsExhausted", 3, 3)])
        self.assertEqual(scene.letters[0]["requestContext"]["approximateInvokeCount"], 4)

    def test_without_bisect_the_whole_batch_comes_again(self) -> None:
        scene = Scene(breaks_at(3), MaximumRetryAttempts=1).put(*records(1, 2, 3, 4)).run()
        self.assertEqual(scene.calls, [[1, 2, 3, 4]] * 2)
        self.assertEqual(scene.given_up(), [("RetryAttemptsExhausted", 1, 4)])

    def test_named_failures_do_not_halve_a_batch_and_progress_is_no_retry(self) -> None:
        answers = [failures(2), failures(3), failures(4), FINE]
        scene = Scene(lambda _: answers.pop(0), BisectBatchOnFunctionError=True, MaximumRetryAttempts=0).put(*records(1, 2, 3, 4)).run()
        self.assertEqual(scene.calls, [[1, 2, 3, 4], [2, 3, 4], [3, 4], [4]])
        self.assertEqual(scene.letters, [])

    def test_a_record_that_is_named_each_time_takes_what_is_behind_it_in_its_batch_along(self) -> None:
        scene = Scene(fails_at(2), BisectBatchOnFunctionError=True, MaximumRetryAttempts=2, BatchSize=3)
        scene.put(*records(1, 2, 3, 4)).run()
        self.assertEqual(scene.calls, [[1, 2, 3], [2, 3], [2, 3], [2, 3], [4]])
        self.assertEqual(scene.given_up(), [("RetryAttemptsExhausted", 2, 3)])


class Limits(unittest.TestCase):
    def test_a_batch_is_tried_once_more_than_its_retries_and_the_next_goes_on(self) -> None:
        scene = Scene(breaks_at(1), MaximumRetryAttempts=3, BatchSize=1).put(*records(1, 2)).run()
        self.assertEqual(scene.calls, [[1]] * 4 + [[2]])

    def test_without_a_limit_it_is_tried_until_it_works(self) -> None:
        answers = [BROKEN] * 50 + [FINE]
        scene = Scene(lambda _: answers.pop(0)).put(record(1)).run()
        self.assertEqual((len(scene.calls), scene.letters), (51, []))

    def test_the_wait_grows_with_each_failure_in_a_row(self) -> None:
        answers = [BROKEN, BROKEN, FINE, BROKEN, FINE]
        scene = Scene(lambda _: answers.pop(0), BatchSize=1).put(*records(1, 2)).run()
        self.assertEqual((scene.waits, scene.time), ([1, 2, 1], NOON + 3))

    def test_what_could_not_be_called_is_no_retry(self) -> None:
        answers = [None, None, FINE]
        scene = Scene(lambda _: answers.pop(0), MaximumRetryAttempts=0).put(record(1)).run()
        self.assertEqual((len(scene.calls), scene.letters), (3, []))

    def test_what_is_too_old_is_given_up_and_what_is_younger_goes_on(self) -> None:
        scene = Scene(lambda _: BROKEN, MaximumRecordAgeInSeconds=60)
        scene.put(record(1, arrived=NOON - 90), record(2, arrived=NOON - 57), record(3, arrived=NOON - 10)).run(10)
        self.assertEqual(scene.calls[0], [2, 3])
        self.assertEqual(scene.calls[-1], [3])
        self.assertEqual(scene.given_up(), [("RecordAgeExceeded", 1, 1), ("RecordAgeExceeded", 2, 2)])

    def test_an_outage_beyond_the_greatest_age_leaves_a_letter_for_each_batch_and_then_the_shard_goes_on(self) -> None:
        scene = Scene(lambda _: None, MaximumRecordAgeInSeconds=82_800, BatchSize=2)
        scene.backoff = lambda _: 600.0
        scene.put(*records(1, 2, 3)).run(82_801)
        scene.run(3)
        self.assertEqual(scene.given_up(), [("RecordAgeExceeded", 1, 2), ("RecordAgeExceeded", 3, 3)])
        scene.answer = lambda _: FINE
        scene.put(record(4, arrived=scene.time)).run()
        self.assertEqual(scene.calls[-1], [4])

    def test_the_letter_says_what_aws_documents(self) -> None:
        scene = Scene(lambda _: BROKEN, MaximumRetryAttempts=1)
        scene.put(record(1, arrived=NOON - 61), record(2)).run()
        [letter] = scene.letters
        self.assertTrue(letter["requestContext"].pop("requestId"))
        self.assertEqual(letter, {
            "requestContext": {"functionArn": "arn:function:live", "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 2},
            "responseContext": {"statusCode": 200, "executedVersion": "7", "functionError": "Unhandled"},
            "version": "1.0", "timestamp": "2027-01-15T08:00:01.000Z",
            "DDBStreamBatchInfo": {
                "shardId": "shard", "startSequenceNumber": "1", "endSequenceNumber": "2",
                "approximateArrivalOfFirstRecord": "2027-01-15T07:58:59Z", "approximateArrivalOfLastRecord": "2027-01-15T08:00:00Z",
                "batchSize": 2, "streamArn": STREAM}})

    def test_without_a_destination_it_is_only_told(self) -> None:
        scene = Scene(lambda _: BROKEN, MaximumRetryAttempts=0, DestinationConfig={}).put(record(1)).run()
        self.assertEqual((scene.letters, scene.lines[-1]["outcome"]), ([], "given up"))


class Streams(unittest.TestCase):
    def test_a_shard_that_fails_holds_up_no_other(self) -> None:
        other = Shard("other")
        scene = Scene(breaks_at(1)).put(record(1)).put(record(2), shard=other)
        scene.turn()
        scene.run(shard=other)
        self.assertEqual(scene.calls, [[1], [2]])

    def test_children_wait_for_the_end_of_their_parents_and_theirs(self) -> None:
        child = Shard("child", SHARD)
        grandchild = Shard("grandchild", child)
        scene = Scene(breaks_at(1)).put(record(1)).put(record(2), shard=grandchild)
        scene.turn()
        scene.run(5, grandchild)
        self.assertEqual(scene.calls, [[1]])
        scene.answer = lambda _: FINE
        scene.run()
        scene.run(5, grandchild)
        self.assertEqual(scene.calls, [[1], [1], [2]])

    def test_batches_of_a_shard_are_many_at_once_and_those_of_an_item_one_after_the_other(self) -> None:
        scene = Scene(ParallelizationFactor=4)
        lanes = {}
        for number in range(200):
            lane = scene.reader.put(SHARD, record(number, pk=str(number % 50)))
            self.assertIs(lanes.setdefault(number % 50, lane), lane)
        self.assertEqual(len(set(map(id, lanes.values()))), 4)

    def test_the_records_of_a_key_are_in_one_shard_until_it_splits_and_then_in_one_child(self) -> None:
        shards = Shards(4, records_until_split=30)
        seen = {}
        for number in range(1000):
            it = record(number, pk=f"EVT#{number % 40}", sk=str(number))
            path = seen.setdefault(key(it), [])
            if (shard := shards.of(it)) not in path:
                path.append(shard)
        split = [path for path in seen.values() if len(path) > 1]
        self.assertEqual({path[1].id for path in split}, {child.id for child in shards.children})
        for path in seen.values():
            self.assertEqual([shard.parent for shard in path], [None, path[0]][:len(path)])
        self.assertEqual(len({path[0].id for path in seen.values()}), 4)


if __name__ == "__main__":
    unittest.main()
