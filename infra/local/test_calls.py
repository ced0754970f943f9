"""Which permissions are read from what real clients send. `make check` runs it."""

import unittest
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from calls import Request, permissions
from deploy import REGION


class Calls(unittest.TestCase):

    seen: ClassVar[list[Request]] = []

    class Listener(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline()
            self.close_connection = not (self.raw_requestline and self.parse_request())
            if not self.close_connection:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                Calls.seen.append(Request(self.command, self.path, headers, body))
                self.send_response(404)
                self.send_header("Content-Length", "4")
                self.end_headers()
                self.wfile.write(b"<e/>" if self.command != "HEAD" else b"")

        def log_message(self, *_: object) -> None:
            pass

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = ThreadingHTTPServer(("127.0.0.1", 0), cls.Listener)
        Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.server.server_close)
        cls.addClassCleanup(cls.server.shutdown)

    def needed(self, service: str, operation: str, **given: object) -> set[tuple[str, str]]:
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
        config = Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"})
        client = session.client(service, endpoint_url=f"http://127.0.0.1:{self.server.server_port}", config=config)
        with suppress(ClientError):
            getattr(client, operation)(**given)
        return set(permissions(self.seen[-1]))

    def test_a_transaction_needs_what_its_parts_need(self) -> None:
        put = {"Put": {"TableName": "a", "Item": {}}}
        check = {"ConditionCheck": {"TableName": "b", "Key": {}, "ConditionExpression": "x"}}
        self.assertEqual(
            self.needed("dynamodb", "transact_write_items", TransactItems=[put, check]),
            {("dynamodb:PutItem", "table/a"), ("dynamodb:ConditionCheckItem", "table/b")})

    def test_an_index_is_a_resource_of_its_own(self) -> None:
        self.assertEqual(
            self.needed("dynamodb", "query", TableName="a", IndexName="due", KeyConditionExpression="x"),
            {("dynamodb:Query", "table/a/index/due")})

    def test_a_batch_to_a_queue_is_what_its_messages_are(self) -> None:
        sent = self.needed("sqs", "send_message_batch", QueueUrl="http://any/1/hold", Entries=[{"Id": "1", "MessageBody": "m"}])
        self.assertEqual(sent, {("sqs:SendMessage", "hold")})

    def test_an_event_is_put_on_its_bus(self) -> None:
        put = self.needed("events", "put_events", Entries=[{"EventBusName": "stage"}, {"Source": "other"}])
        self.assertEqual(put, {("events:PutEvents", "event-bus/stage"), ("events:PutEvents", "event-bus/default")})

    def test_a_secret_is_named_as_it_was_asked_for(self) -> None:
        read = self.needed("secretsmanager", "get_secret_value", SecretId="stage/jwt")
        self.assertEqual(read, {("secretsmanager:GetSecretValue", "secret:stage/jwt")})

    def test_an_object_is_a_resource_under_its_bucket(self) -> None:
        of = {"Bucket": "files", "Key": "uploads/a b.png"}
        upload = {"UploadId": "u", "PartNumber": 1}
        cases = {
            "get_object": ({}, {("s3:GetObject", "files/uploads/a b.png")}),
            "head_object": ({}, {("s3:GetObject", "files/uploads/a b.png")}),
            "put_object": ({"Body": b"{"}, {("s3:PutObject", "files/uploads/a b.png")}),
            "copy_object": ({"CopySource": "files/old"}, {("s3:PutObject", "files/uploads/a b.png"), ("s3:GetObject", "files/old")}),
            "create_multipart_upload": ({}, {("s3:PutObject", "files/uploads/a b.png")}),
            "upload_part": (upload, {("s3:PutObject", "files/uploads/a b.png")}),
            "abort_multipart_upload": ({"UploadId": "u"}, {("s3:AbortMultipartUpload", "files/uploads/a b.png")}),
            "get_object_tagging": ({}, {("s3:GetObjectTagging", "files/uploads/a b.png")}),
            "delete_object": ({"VersionId": "1"}, {("s3:DeleteObjectVersion", "files/uploads/a b.png")}),
        }
        for operation, (given, wanted) in cases.items():
            with self.subTest(operation):
                self.assertEqual(self.needed("s3", operation, **of, **given), wanted)

    def test_what_is_asked_of_a_bucket_needs_the_bucket(self) -> None:
        self.assertEqual(self.needed("s3", "list_objects_v2", Bucket="files"), {("s3:ListBucket", "files")})
        self.assertEqual(self.needed("s3", "list_buckets"), {("s3:ListAllMyBuckets", "*")})
        self.assertEqual(self.needed("s3", "list_object_versions", Bucket="files", Prefix="a/"), {("s3:ListBucketVersions", "files")})

    def test_a_bucket_is_one_however_a_client_writes_it(self) -> None:
        signed = {"authorization": f"AWS4-HMAC-SHA256 Credential=test/20261125/{REGION}/s3/aws4_request, Signature=0"}
        for path in ("/files", "/files/"):
            listed = Request("GET", f"{path}?versions&prefix=a%2F", signed, b"")
            self.assertEqual(list(permissions(listed)), [("s3:ListBucketVersions", "files")])

    def test_several_objects_are_deleted_each_by_its_own_permission(self) -> None:
        objects = [{"Key": "a/1"}, {"Key": "b/&2", "VersionId": "1"}]
        deleted = self.needed("s3", "delete_objects", Bucket="files", Delete={"Objects": objects, "Quiet": True})
        self.assertEqual(deleted, {("s3:DeleteObject", "files/a/1"), ("s3:DeleteObjectVersion", "files/b/&2")})

    def test_who_follows_a_link_needs_what_its_signature_is_for(self) -> None:
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
        client = session.client("s3", endpoint_url="http://any", config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
        link = client.generate_presigned_url("get_object", {"Bucket": "files", "Key": "exports/a b"}).removeprefix("http://any")
        self.assertEqual(set(permissions(Request("GET", link, {}, b""))), {("s3:GetObject", "files/exports/a b")})

    def test_a_mail_needs_its_sender_and_what_it_is_made_with(self) -> None:
        mail = {"FromEmailAddress": "소극장 <hello@spotlight.example>", "ConfigurationSetName": "mails",
                "Content": {"Template": {"TemplateName": "welcome"}}}
        self.assertEqual(self.needed("sesv2", "send_email", **mail), {
            ("ses:SendEmail", "identity/spotlight.example"), ("ses:SendEmail", "configuration-set/mails"),
            ("ses:SendEmail", "template/welcome")})

    def test_a_schedule_also_passes_its_role(self) -> None:
        target = {"Arn": "arn:aws:sqs:r:1:q", "RoleArn": "arn:aws:iam::1:role/remind"}
        made = self.needed("scheduler", "create_schedule", Name="evt_1", GroupName="reminders", Target=target,
                           ScheduleExpression="at(2026-12-01T19:00:00)", FlexibleTimeWindow={"Mode": "OFF"})
        self.assertEqual(made, {("scheduler:CreateSchedule", "schedule/reminders/evt_1"), ("iam:PassRole", "role/remind")})
        gone = self.needed("scheduler", "delete_schedule", Name="evt_1", GroupName="reminders")
        self.assertEqual(gone, {("scheduler:DeleteSchedule", "schedule/reminders/evt_1")})

    def test_a_form_says_its_action(self) -> None:
        told = self.needed("sns", "publish", TopicArn="arn:aws:sns:r:1:alarms", Message="m")
        self.assertEqual(told, {("sns:Publish", "alarms")})
        taken = self.needed("sts", "assume_role", RoleArn="arn:aws:iam::1:role/reader", RoleSessionName="me")
        self.assertEqual(taken, {("sts:AssumeRole", "role/reader")})
        self.assertEqual(self.needed("sts", "get_caller_identity"), set())

    def test_an_execution_is_started_of_its_machine(self) -> None:
        machine = "arn:aws:states:r:1:stateMachine:settlement"
        started = self.needed("stepfunctions", "start_execution", stateMachineArn=machine)
        self.assertEqual(started, {("states:StartExecution", "stateMachine:settlement")})

    def test_a_service_without_a_rule_is_told_not_passed_over(self) -> None:
        self.assertEqual({action for action, _ in self.needed("kms", "list_keys")}, {"kms:unknown"})

    def test_what_asks_for_nothing_only_opens_a_connection(self) -> None:
        signed = {"authorization": f"AWS4-HMAC-SHA256 Credential=test/20261125/{REGION}/dynamodb/aws4_request, Signature=0"}
        for headers in ({}, signed):
            self.assertEqual(list(permissions(Request("GET", "/", headers, b""))), [])


if __name__ == "__main__":
    unittest.main()
