"""A real browser, through browser/drive.mjs."""

import json
import pathlib
import subprocess

from .process import bound
from .waiting import PATIENCE, wait_for

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "browser"


class Browser:
    def __init__(self, folder, name):
        assert (FOLDER / "node_modules").is_dir(), "run integration/install first"
        self.name = name
        self._log_path = folder / f"{name}.log"
        with open(self._log_path, "wb") as log:
            self._driver = subprocess.Popen(
                bound(["node", "drive.mjs", name, folder / f"{name}-profile"], "TERM"),
                cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        self._answer()

    def _answer(self):
        line = self._driver.stdout.readline()
        assert line, f"{self.name}'s driver ended\n" + self._log_path.read_text()
        answer = json.loads(line)
        assert answer["ok"], answer.get("error")
        return answer.get("value")

    def _do(self, verb, **arguments):
        self._driver.stdin.write(json.dumps({"do": verb} | arguments) + "\n")
        self._driver.stdin.flush()
        return self._answer()

    def open(self, url):
        self._do("open", url=url)

    def eval(self, expression):
        return self._do("eval", expression=expression)

    def click(self, selector):
        self._do("click", selector=selector)

    def fill(self, selector, text):
        self._do("fill", selector=selector, text=text)

    def screenshot(self, path):
        self._do("screenshot", path=str(path))

    def problems(self):
        """Uncaught errors and console errors of the pages so far."""
        return self._do("problems")

    def wait(self, expression, patience=PATIENCE):
        """Until the expression is true in the page; returns its value."""
        return wait_for(lambda: self.eval(expression), lambda: f"{expression}: {self.eval('window.state')}", patience)

    def close(self):
        self._driver.stdin.close()
        try:
            self._driver.wait(60)
        finally:
            self._driver.kill()
            self._driver.wait()
            self._driver.stdout.close()
