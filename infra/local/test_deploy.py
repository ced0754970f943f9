"""The deployment's own steps, before what they talk to."""

import json
import threading
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer

from deploy import DeployError, add_fields
from templates import ROOT


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


if __name__ == "__main__":
    unittest.main()
