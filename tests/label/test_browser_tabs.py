"""Several tabs, closed tabs, killed servers, and a model that learns."""

import json
import threading
from contextlib import closing
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from labeling_clients import Tab, labels_on_disk

pytestmark = pytest.mark.browser


def test_two_tabs_get_different_images_and_report_conflicts(tab, guessing, context, folder):
    other = Tab(context, guessing.url)
    first = tab.name
    assert other.name != first
    tab.go(*"MINE", "Enter")
    tab.go("ArrowUp")
    assert tab.name == first
    # Another program changes the label while the page shows it.
    text = (folder / "labels.csv").read_text()
    (folder / "labels.csv").write_text(text.replace("MINE", "THEIRS"))
    tab.press(*"OURS", "Enter")
    tab.says("labeled THEIRS elsewhere")
    assert tab.text == "OURS"
    assert labels_on_disk(folder) == {first: "THEIRS"}
    tab.go("Enter")
    assert labels_on_disk(folder) == {first: "OURS"}
    tab.problems = [problem for problem in tab.problems if "409" not in problem]


def test_duplicated_tab_is_a_separate_tab(tab, guessing):
    with tab.page.expect_popup() as opened:
        tab.page.evaluate(
            "url => { window.open(url, '_blank') }", guessing.url
        )  # sessionStorage too
    copy = opened.value
    copy.wait_for_selector("#work:not([hidden])")
    assert copy.locator("#caption").inner_text().split(" · ")[0] != tab.name
    copy.close()
    same = tab.name
    tab.page.reload()
    tab.page.wait_for_selector("#work:not([hidden])")
    assert tab.name == same


@pytest.mark.parametrize(
    "script",
    [
        "localStorage.setItem('labeling tabs', '7'); sessionStorage.setItem('tab', '')",
        "for (const name of ['localStorage', 'sessionStorage'])"
        " Object.defineProperty(window, name, { get() { throw new DOMException('no') } })",
        "navigator.locks.request = () => Promise.reject(new DOMException('no'))",
    ],
)
def test_page_works_with_invalid_or_no_browser_storage(guessing, context, folder, script):
    context.add_init_script(script)
    tab = Tab(context, guessing.url)
    name = tab.name
    tab.go(*"ABCD", "Enter")
    assert labels_on_disk(folder) == {name: "ABCD"}
    assert tab.problems == []


def test_reopened_tab_continues_where_the_closed_one_stopped(guessing, context, folder):
    tab = Tab(context, guessing.url)
    first = tab.name
    tab.go(*"ABCD", "Enter")
    second = tab.name
    tab.page.close()
    tab = Tab(context, guessing.url)
    assert tab.name == second
    tab.go("Control+z")
    assert (tab.name, tab.text) == (first, "ABCD")
    tab.press("Control+z")
    tab.says("nothing to undo")


@pytest.mark.slow
def test_killed_server_loses_nothing(start, context, folder):
    server = start(folder)
    tab = Tab(context, server.url)
    first = tab.name
    tab.go(*"ABCD", "Enter")
    second = tab.name
    tab.press(*"EF")
    server.kill()
    server.wait()
    tab.press(*"GH", "Enter")
    tab.says("The server does not respond. EFGH is kept here")
    assert labels_on_disk(folder) == {first: "ABCD"}
    again = start(folder)
    assert again.url.split("?")[0] == server.url.split("?")[0]
    assert again.url != server.url
    tab.says("Saved EFGH")
    assert labels_on_disk(folder) == {first: "ABCD", second: "EFGH"}
    tab.go(*"IJKL", "Enter")
    assert len(labels_on_disk(folder)) == 3
    assert tab.page.locator("#alert").is_hidden()
    third = tab.name
    tab.page.reload()
    tab.page.wait_for_selector("#work:not([hidden])")
    assert tab.name == third


class Impostor(BaseHTTPRequestHandler):
    """A different server on the port of a killed one; it records what it receives."""

    told: list[str] = []

    def do_GET(self) -> None:
        length = int(self.headers.get("content-length", 0))
        self.told += [self.path, str(self.headers), self.rfile.read(length).decode()]
        self.send_response(200 if self.path == "/api/resume" else 403)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps({"nonce": "n", "proof": "p", "token": "t"}).encode())

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, *args: object) -> None:
        pass


@pytest.mark.slow
def test_tab_does_not_leak_secrets_to_another_server_on_the_port(
    start, context, folder, monkeypatch
):
    monkeypatch.setattr(Impostor, "told", [])
    server = start(folder)
    tab = Tab(context, server.url)
    tab.press(*"ABCD")
    address, token = server.url.split("/?token=")
    key = tab.page.locator("meta[name=key]").get_attribute("content")
    port = int(address.split(":")[2])
    server.kill()
    server.wait()
    with ThreadingHTTPServer(("127.0.0.1", port), Impostor) as impostor:
        threading.Thread(target=impostor.serve_forever).start()
        tab.press("Enter")
        tab.says("Open the address that skcaptcha label printed")
        impostor.shutdown()
    assert any("/api/" in said for said in Impostor.told)
    assert not any(key in said for said in Impostor.told)
    again = start(folder)
    assert again.url.split("/?token=")[0] == address
    headers = {"host": address.removeprefix("http://"), "authorization": f"Bearer {token}"}
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", "/api/progress", headers=headers)
        assert connection.getresponse().status == 403
    tab.press("Enter")
    tab.says("Saved ABCD")


@pytest.mark.slow
def test_restarted_server_has_another_address(start, context, folder):
    server = start(folder)
    tab = Tab(context, server.url)
    port = server.url.split(":")[2].split("/")[0]
    server.send_signal(2)
    _, said = server.communicate(timeout=30)
    assert server.returncode == 130
    assert said.splitlines()[-1] == "0 of 12 images are labeled; nothing was changed"
    start(folder, "--port", port)
    tab.press(*"ABCD", "Enter")
    tab.says("Open the address that skcaptcha label printed")
    assert tab.text == "ABCD"


@pytest.mark.slow
def test_model_suggests_labels_after_twenty(start, context, unlabeled):
    """Label from an empty folder until guesses appear, by keyboard; then reopen the tab."""
    folder, truth = unlabeled(80)
    server = start(folder)
    tab = Tab(context, server.url)
    for _ in range(20):
        assert tab.text == ""
        tab.go(*truth[tab.name], "Enter")
    typed = "() => document.getElementById('text').value !== ''"
    tab.page.wait_for_function(typed, timeout=120_000)
    assert tab.selected == tab.text
    tab.page.close()
    asked = tab.asked
    tab = Tab(context, server.url)  # nothing is lost with the tab
    tab.says("20 of 80 labeled")
    keys = 0
    for _ in range(20):
        pressed = tab.quickest(truth[tab.name])
        keys += len(pressed)
        tab.go(*pressed)
    assert labels_on_disk(folder).items() <= truth.items()
    assert len(labels_on_disk(folder)) == 40
    assert keys / 20 < 4  # 5 without guesses, although these images are the least certain
    tab.says(r"\d+ % \(\d+ to \d+ %, from \d+ random images\)")
    hosts = {url.split("/")[2] for url in asked + tab.asked if not url.startswith("blob:")}
    assert hosts == {server.url.split("/")[2]}
    assert tab.problems == []
    server.send_signal(2)
    _, said = server.communicate(timeout=30)
    assert server.returncode == 130
    assert said.splitlines()[-1] == f"40 of 80 images are labeled; next: skcaptcha fit {folder}"
