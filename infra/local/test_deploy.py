"""The deployment's own steps, before what they talk to."""

import json
import sys
import threading
import unittest
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from unittest import mock

from deploy import REGION, DeployError, add_fields
from templates import ROOT

sys.path.insert(0, str(ROOT / "infra"))
import release  # noqa: E402


class SearchIndex(unittest.TestCase):
    """Stands for OpenSearch, which answers what a test says."""

    def setUp(self) -> None:
        test = self

        class OpenSearch(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                test.asked.append((self.path, json.loads(body), self.headers.get("Authorization")))
                self.send_response(test.status)
                self.end_headers()
                self.wfile.write(b"said so")

            def log_message(self, *_: object) -> None:
                pass

        self.asked: list[tuple[str, dict, str | None]] = []
        self.status = 200
        server = HTTPServer(("127.0.0.1", 0), OpenSearch)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_port}"

    def test_it_learns_every_field_of_its_definition(self) -> None:
        add_fields(None, self.url)
        mappings = json.loads((ROOT / "infra/search/events.json").read_text())["mappings"]
        self.assertEqual(self.asked, [("/events-write/_mapping", mappings, None)])

    def test_before_the_first_deployment_there_is_none(self) -> None:
        self.status = 404
        add_fields(None, self.url)

    def test_a_definition_that_is_more_than_new_fields_is_not_deployed(self) -> None:
        for self.status, said in ((400, "Rebuild"), (403, "403 said so"), (503, "503")):
            with self.assertRaisesRegex(DeployError, said):
                add_fields(None, self.url)


class Release(unittest.TestCase):
    def test_the_index_learns_new_fields_before_what_writes_them_is_deployed(self) -> None:
        order: list[str] = []
        note = lambda name: lambda *_, **__: order.append(name)  # noqa: E731
        with ExitStack() as patched:
            for name in ("add_fields", "create_index", "prepare", "prune"):
                patched.enter_context(mock.patch.object(release, name, note(name)))
            patched.enter_context(mock.patch.object(release, "sam_deploy", lambda stage, _: order.append(stage)))
            patched.enter_context(mock.patch.object(release.boto3, "Session", mock.MagicMock()))
            patched.enter_context(mock.patch.object(release, "keys", mock.MagicMock()))
            release.release("staging")
        self.assertEqual(order, ["staging-data", "add_fields", "prepare", "staging", "create_index", "prune"])


if __name__ == "__main__":
    unittest.main()
