"""What `make deploy` hands to SAM is what SAM takes: the real command packages it, into the local cloud's S3. `make check` runs it."""

import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import boto3
from samtranslator.yaml_helper import yaml_parse

import release  # first: it makes the local cloud's modules known
from account import Account
from processes import Process, free_ports
from templates import of_type

BUCKET = "artifacts"


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.enterClassContext(warnings.catch_warnings(action="ignore", category=ResourceWarning))  # it is ended by its pid file
        [port] = free_ports(1)
        address = f"http://127.0.0.1:{port}"
        cls.environment = os.environ | {
            "AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "ap-northeast-2", "SAM_CLI_TELEMETRY": "0",
            # Of the local cloud, which listens on this machine alone.
            "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0"}
        cloud = Process("aws", cls.folder)
        cloud.start([str(Path(sys.executable).with_name("ministack"))], cls.environment)
        cls.addClassCleanup(cloud.stop)
        cloud.wait(f"{address}/_ministack/health", 60)
        with mock.patch.dict(os.environ, cls.environment):
            cls.s3 = boto3.client("s3")
        cls.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})
        for name in release._functions():
            (cls.folder / "lambda" / name).mkdir(parents=True)
            (cls.folder / "lambda" / name / "bootstrap").write_text(name)
            (cls.folder / "lambda" / name / "bootstrap").chmod(0o755)
        cls.root = cls.package()

    @classmethod
    def package(cls) -> Any:
        """The root's template as CloudFormation would get it."""
        account = Account(parameters={f"/staging/{name}": "any" for name in (
            "search-url", "catalog-stream", "sales-stream", "jwt-public-keys", "ticket-public-keys")})
        with mock.patch.multiple(release, BUILT=cls.folder / "lambda", READY=cls.folder / "ready"), \
                mock.patch.object(release.boto3, "Session", account.session):
            stage = release.Stage.named("staging")
            ready = release.prepare(stage, stage.app)
        packaged = cls.folder / "packaged.json"
        sam = [Path(sys.executable).with_name("sam"), "package", "--template-file", ready, "--s3-bucket", BUCKET,
               "--use-json", "--output-template-file", packaged]
        done = subprocess.run(sam, env=cls.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(packaged.read_text())

    def stored(self, address: str) -> bytes:
        """What was uploaded, by the address that a template has for it."""
        key = urlsplit(address).path.removeprefix(f"/{BUCKET}").lstrip("/")
        return self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    @property
    def nested(self) -> Any:
        return yaml_parse(self.stored(self.root["Resources"]["Functions"]["Properties"]["Location"]).decode())

    def functions(self) -> Iterator[Any]:
        """Every function, as the parts' templates have it."""
        for part in of_type(self.nested, "AWS::Serverless::Application").values():
            template = yaml_parse(self.stored(part["Properties"]["Location"]).decode())
            yield from of_type(template, "AWS::Serverless::Function").values()

    def test_the_routes_are_uploaded_too(self) -> None:
        included = self.root["Resources"]["Api"]["Properties"]["DefinitionBody"]["Fn::Transform"]["Parameters"]["Location"]
        self.assertTrue(included.startswith(f"s3://{BUCKET}/"), included)
        self.assertIn(b"x-amazon-apigateway-integration", self.stored(included))

    def test_a_functions_code_is_its_binary_alone_and_can_be_run(self) -> None:
        of_parts = list(self.functions())
        self.assertEqual(len(of_parts), len(release._functions()))
        for function in of_parts:
            name = function["Properties"]["FunctionName"]["Fn::Sub"]
            with self.subTest(name), zipfile.ZipFile(io.BytesIO(self.stored(function["Properties"]["CodeUri"]))) as archive:
                [binary] = archive.infolist()
                self.assertEqual((binary.filename, binary.external_attr >> 16 & 0o777), ("bootstrap", 0o755))
                self.assertEqual("${Stage}-" + archive.read(binary).decode(), name)

    def test_what_a_release_asks_goes_with_who_asks_it(self) -> None:
        code = self.nested["Resources"]["CheckVersion"]["Properties"]["CodeUri"]
        with zipfile.ZipFile(io.BytesIO(self.stored(code))) as archive:
            self.assertLessEqual({"check_version.py", "events.json"}, set(archive.namelist()))

    def test_the_root_is_small_enough_to_be_deployed_again_by_itself_and_any_console_can_show_it(self) -> None:
        text = json.dumps(self.root)
        self.assertLess(len(text), 51_200)
        self.assertTrue(text.isascii())


if __name__ == "__main__":
    unittest.main()
