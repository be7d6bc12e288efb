"""The demo page in real browsers, under its own Content-Security-Policy."""

import pytest

from harness.browser import Browser

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror='window.hit = 1'><script>window.hit = 2</script>"


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def browser(request, tmp_path_factory):
    made = Browser(tmp_path_factory.mktemp("browser"), request.param)
    yield made
    problems = made.problems()
    made.close()
    # What a server refuses or cannot take just now the browser notes too; scripts and policy are at fault for the rest.
    assert not [problem for problem in problems if "Failed to load resource" not in problem]


@pytest.fixture
def runnel(new_runnel):
    return new_runnel(
        sources={"api": {"type": "http"}}, replay={"keep": {"events": 5}}, stream={"heartbeat": "200ms"},
        routes=[{"source": "api", "topic": "named/{event}", "channel": "a", "event": "{event}"},
                {"source": "api", "topic": "{channel}", "channel": "{channel}"}]).start()


def text(browser, name):
    return browser.eval(f"document.getElementById('{name}').textContent")


def await_text(browser, name, value):
    browser.wait(f"document.getElementById('{name}').textContent === '{value}'")


def await_state(browser, state):
    browser.wait(f"document.getElementById('state').dataset.state === '{state}'")


def rows(browser, kind):
    """The texts of the log's rows of one kind, the oldest first."""
    return browser.eval(f"[...document.querySelectorAll('#log .{kind} .data')].map(e => e.textContent).reverse()")


def open_page(browser, runnel, query):
    browser.open(f"http://127.0.0.1:{runnel.port}/{query}")
    if query:
        await_state(browser, "live")


def test_query_preselects_and_connects(browser, runnel):
    open_page(browser, runnel, "?channel=a&channel=b")
    assert browser.eval("document.getElementById('channels').value") == "a, b"
    assert "/events?channel=a&channel=b" in text(browser, "code")
    runnel.publish("a", "one")
    runnel.publish("b", "two\nlines")
    await_text(browser, "events", "2")
    assert rows(browser, "event") == ["one", "two\nlines"]
    browser.wait("document.getElementById('beat').textContent.endsWith(' s ago')")


def test_form_connects_and_closes(browser, runnel):
    open_page(browser, runnel, "")
    assert text(browser, "state") == "closed"
    browser.fill("#channels", "a")
    browser.click("#connect")
    await_state(browser, "live")
    browser.click("#close")
    await_state(browser, "closed")
    runnel.publish("a", "unheard")
    browser.click("#connect")
    await_state(browser, "live")
    assert text(browser, "events") == "0"


def test_every_event_name_is_shown(browser, runnel):
    open_page(browser, runnel, "?channel=a")
    runnel.publish("named/never-asked-for", "x")
    await_text(browser, "events", "1")
    assert browser.eval("document.querySelector('#log .event .name').textContent") == "never-asked-for"


def test_what_events_say_is_text(browser, runnel):
    open_page(browser, runnel, "?channel=a")
    runnel.publish("a", HOSTILE)
    await_text(browser, "events", "1")
    assert rows(browser, "event") == [HOSTILE]
    assert browser.eval("document.querySelectorAll('#log img, #log script').length") == 0
    assert browser.eval("window.hit === undefined")


def test_drop_resumes_without_a_loss(browser, runnel):
    open_page(browser, runnel, "?channel=a")
    runnel.publish("a", "before")
    await_text(browser, "events", "1")
    browser.click("#drop")
    await_state(browser, "away")
    for n in range(3):
        runnel.publish("a", f"away {n}")
    await_text(browser, "replayed", "3")
    await_state(browser, "live")
    assert rows(browser, "replay") == ["away 0", "away 1", "away 2"]
    assert (text(browser, "gaps"), text(browser, "reconnects")) == ("0", "1")


def test_restart_without_the_log_shows_a_gap(browser, runnel):
    """The memory log dies with its process: the page comes back by itself and says that it may have missed something."""
    open_page(browser, runnel, "?channel=a")
    runnel.publish("a", "before")
    await_text(browser, "events", "1")
    assert runnel.stop() == 0
    await_state(browser, "reconnecting")
    runnel.start()
    browser.wait("document.getElementById('gaps').textContent > 0")
    assert len(rows(browser, "gap")) == 1
    await_state(browser, "live")


def test_refusal_is_shown(browser, runnel):
    open_page(browser, runnel, "")
    browser.fill("#channels", "a" * 256)
    browser.click("#connect")
    await_state(browser, "refused")
    assert text(browser, "state") == "refused: 400"
    assert "255" in text(browser, "log")
