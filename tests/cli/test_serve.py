"""`kbserver serve` as a person starts it: a process, a port, a signal."""

import contextlib
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import httpx2
import pytest

from kbserver.cli.serve import _folders, _Worker
from kbserver.endpoint.figures.shelf import make_shelf
from kbserver.errors import SettingsError
from kbserver.settings import read_settings
from tests.authority import Authority
from tests.endpoint.conftest import wait_until

TOKEN = "test-token"


def run(*arguments, token=TOKEN, cwd=None, **environment):
    variables = {
        key: value for key, value in os.environ.items() if not key.startswith("KB")
    }
    variables |= {"KB_TOKEN": token} if token else {}
    variables["KBSERVER_DEADLINE_MS"] = "10000"  # no turn here is about time
    return subprocess.Popen(
        [sys.executable, "-m", "kbserver", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env=variables | environment,
    )


@pytest.fixture
def failed(kbserver):
    """Run a command that ends soon; returns its exit code and what it said on stderr."""

    def run_here(*arguments, token=TOKEN, **environment):
        if token:
            environment["KB_TOKEN"] = token
        ended = kbserver(*arguments, **environment)
        assert "Traceback" not in ended.stdout + ended.stderr
        return ended.returncode, ended.stderr

    return run_here


def listening(process):
    """The base URL that a server says it listens on."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        if found := re.search(r"kb_endpoint\s+(https?://\S+)/kb", line):
            return found[1]
    raise AssertionError("".join(lines))


def is_ready(url):
    """Whether a server is ready, if a process of it listens yet."""
    with contextlib.suppress(httpx2.HTTPError):
        return httpx2.get(f"{url}/readyz").status_code == 200
    return False


@pytest.fixture
def served(store, tmp_path):
    process = run("serve", "--store", store, "--port", 0, cwd=tmp_path)
    url = listening(process)
    wait_until(lambda: is_ready(url))
    yield process, url
    process.kill()
    process.communicate(timeout=60)


def test_what_it_says_to_try_finds_something(store, tmp_path):
    (tmp_path / "kbserver.toml").write_text(
        '[[routes]]\nlabel = "line-{id}-*"\ncorpora = ["support"]\n'
    )
    process = run("serve", "--store", store, "--port", 0, cwd=tmp_path)
    try:
        said = next(
            found
            for line in process.stderr
            if (found := re.search(r"curl (\S+) .*-d '(.*?)'", line))
        )
        fields = json.loads(said[2]) | {"query": "how do i reset the router"}
        headers = {"Authorization": f"Bearer {TOKEN}"}
        assert httpx2.post(said[1], json=fields, headers=headers, timeout=60).json()[
            "results"
        ]
    finally:
        process.kill()
        process.communicate(timeout=60)


def started(process):
    """Wait for the line to try; what was printed so far."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "try it" in line:
            return "".join(lines)
    pytest.fail("".join(lines))


@pytest.mark.parametrize(
    ("token", "shown"),
    [(TOKEN, "the value of KB_TOKEN"), ("a,b", "any of 2 values of KB_TOKEN")],
)
def test_the_command_to_try_reaches_a_corpus(store, tmp_path, token, shown):
    process = run("serve", "--store", store, "--port", 0, token=token, cwd=tmp_path)
    try:
        said = started(process)
        assert shown in said and "any other label, or none, reaches nothing" in said
        command = (
            said.split("try it", 1)[1].strip().replace("how do i …", "are dogs welcome")
        )
        answer = subprocess.run(
            ["bash", "-c", command],
            capture_output=True,
            env=os.environ | {"KB_TOKEN": token},
            check=True,
        )
        assert json.loads(answer.stdout)["session_label"] == "hotels"
        assert "error" not in json.loads(answer.stdout)
    finally:
        process.kill()
        process.communicate(timeout=60)


def test_a_wrong_route_shows_before_the_corpora_are_read(failed, store, tmp_path):
    (tmp_path / "kbserver.toml").write_text(
        '[[routes]]\nlabel = "a"\nhandler = "nowhere:f"\n', encoding="utf-8"
    )
    code, err = failed("serve", "--store", store, "--port", 0)
    assert code == 2
    assert err.startswith("error: handler 'nowhere:f': cannot import 'nowhere'")


def test_it_answers_and_leaves_at_sigterm_with_turns_in_flight_finished(served):
    process, url = served
    body = b'{"session_label": "support", "query": "how do i reset the router"}'
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as half_sent:
        head = (
            "POST /kb HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer test-token\r\n"
            f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
        )
        half_sent.sendall(head.encode())
        assert half_sent.recv(65536).startswith(b"HTTP/1.1 100")  # it is in flight
        half_sent.sendall(body[:20])
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: is_closed(host, port))
        half_sent.sendall(body[20:])
        answer = half_sent.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200")
    assert process.wait(timeout=60) == 0
    assert "Traceback" not in process.stderr.read()


def is_closed(host, port):
    """Whether a server takes no more connections."""
    try:
        socket.create_connection((host, int(port)), timeout=60).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_connection_outlives_the_pause_between_two_turns(served):
    """uvicorn would close it after 5 s, and the next turn would pay for a new handshake."""
    _, url = served
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    connection.connect()
    opened = connection.sock
    for pause_s in (0.0, 5.5):
        time.sleep(pause_s)
        body = json.dumps(
            {"session_label": "support", "query": "how do i reset the router"}
        )
        connection.request("POST", "/kb", body, {"Authorization": f"Bearer {TOKEN}"})
        response = connection.getresponse()
        assert response.status == 200 and json.loads(response.read())["results"]
        assert (
            connection.sock is opened
        )  # a closed one would have been opened again without a word
    connection.close()


def test_the_log_holds_neither_tokens_nor_words_of_the_caller(served):
    process, url = served
    headers = {"Authorization": "Bearer test-token"}
    httpx2.post(
        f"{url}/kb",
        json={"session_label": "support", "query": "reset my zebra"},
        headers=headers,
    )
    httpx2.post(f"{url}/kb", content=b"{broken zebra", headers=headers)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "zebra" not in out + err and "test-token" not in out + err


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["-v"], {"KBSERVER_ACCESS_LOG": "true"}),
        (["--access-log", "--workers", "2"], {}),
    ],
    ids=["verbose", "workers"],
)
def test_the_access_log_has_a_line_for_every_request_without_its_words(
    store, tmp_path, arguments, environment
):
    process = run(
        "serve",
        *("--store", store, "--port", 0, *arguments),
        cwd=tmp_path,
        **environment,
    )
    try:
        url = listening(process)
        wait_until(lambda: is_ready(url))
        client = {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": "192.0.2.7"}
        turn = {"session_label": "support", "query": "reset my zebra"}
        httpx2.post(f"{url}/kb?token={TOKEN}&q=zebra", json=turn, headers=client)
        httpx2.post(f"{url}/kb", content=b"zebra", headers=client)
        httpx2.get(f"{url}/no%0Asuch/{'x' * 500}", headers=client)
        process.terminate()
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate(timeout=60)
    lines = [line for line in err.splitlines() if "192.0.2.7" in line]
    assert [re.search(r'"(\S+) (/\S*) HTTP/1.1" (\d+)', line)[0] for line in lines] == [
        '"POST /kb HTTP/1.1" 200',
        '"POST /kb HTTP/1.1" 400',
        f'"GET {"/no%0Asuch/".ljust(200, "x")} HTTP/1.1" 404',
    ]
    assert "zebra" not in err and TOKEN not in err


def test_a_taken_port_is_one_line_that_says_what_to_do(failed, store):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        code, err = failed("serve", "--store", store, "--port", other.getsockname()[1])
    assert code == 2
    assert "is taken" in err and "--port" in err


@pytest.mark.parametrize(
    ("arguments", "code", "wanted"),
    [
        (["--store", "nowhere"], 3, "kbserver ingest"),
        (["--config", "nowhere.toml"], 2, "nowhere.toml"),
        (["--host", "203.0.113.7"], 2, "--host"),
    ],
)
def test_what_is_missing_is_one_line_that_says_what_to_do(
    failed, store, arguments, code, wanted
):
    given = arguments if "--store" in arguments else [*arguments, "--store", store]
    found, err = failed("serve", *given, "--port", 0)
    assert found == code
    assert wanted in err and err.startswith("error: ")


def test_without_a_token_it_refuses_unless_open_is_said(failed, store):
    code, err = failed("serve", "--store", store, "--port", 0, token=None)
    assert code == 2
    assert "KB_TOKEN" in err and "--open" in err


def test_it_speaks_tls_with_the_files_of_the_settings(store, tmp_path):
    authority = Authority(tmp_path)
    files = authority.issue(90)
    (tmp_path / "kbserver.toml").write_text(
        f'tls_certificate = "{files["ssl_certfile"]}"\ntls_key = "{files["ssl_keyfile"]}"\n'
    )
    process = run("serve", "--store", store, "--port", 0, cwd=tmp_path)
    try:
        url = listening(process)
        assert url.startswith("https://")
        answer = httpx2.post(
            f"{url}/kb",
            json={"session_label": "support", "query": "how do i reset the router"},
            headers={"Authorization": f"Bearer {TOKEN}"},
            verify=authority.trust,
            timeout=60,
        )
        assert answer.json()["results"]
        checked = run(
            "doctor",
            f"{url}/kb",
            "--turns",
            1,
            cwd=tmp_path,
            SSL_CERT_FILE=str(authority.file),
        )
        assert (
            "certificate                  valid for"
            in checked.communicate(timeout=60)[0]
        )
    finally:
        process.kill()
        process.communicate(timeout=60)


@pytest.mark.parametrize(
    ("trusted", "counted"), [('["127.0.0.1"]', "own"), ('["10.0.0.0/8"]', "peer")]
)
def test_forwarded_headers_are_believed_from_trusted_peers_only(
    store, tmp_path, trusted, counted
):
    """They decide under which address a visitor's sessions are counted."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
    (tmp_path / "kbserver.toml").write_text(
        f'trusted_proxies = {trusted}\n[session]\nallowed_origins = ["https://www.example.com"]\n'
        f'kb_endpoint = "https://kb.example.com/kb"\nbase = "{nowhere}"\n'
        "per_client_per_minute = 1\n"
    )
    secrets = {
        "PYAI_API_KEY": "x",
        "KBSERVER_SIGNING_KEY": "0123456789abcdefghijklmnopqrstuvwxyz",
    }
    process = run("serve", "--store", store, "--port", 0, cwd=tmp_path, **secrets)
    try:
        url = listening(process)

        def status(visitor):
            headers = {"Origin": "https://www.example.com", "X-Forwarded-For": visitor}
            return httpx2.post(
                f"{url}/session", headers=headers, timeout=60
            ).status_code

        # 502: let through, though no engine is there. 429: had its session already.
        assert [
            status(visitor) for visitor in ("192.0.2.1", "192.0.2.1", "192.0.2.2")
        ] == ([502, 429, 502] if counted == "own" else [502, 429, 429])
    finally:
        process.kill()
        process.communicate(timeout=60)


@pytest.mark.parametrize(
    ("configure", "wanted"),
    [
        ('language = "xx"', "Omni speaks en"),
        ('kb_token = "x"', "the server fills in itself"),
    ],
)
def test_a_session_that_omni_would_not_take_is_refused_at_the_start(
    failed, store, tmp_path, configure, wanted
):
    (tmp_path / "kbserver.toml").write_text(
        '[session]\nallowed_origins = ["https://www.example.com"]\n'
        'kb_endpoint = "https://kb.example.com/kb"\n'
        f"configure = {{ {configure} }}\n"
    )
    secrets = {
        "PYAI_API_KEY": "x",
        "KBSERVER_SIGNING_KEY": "0123456789abcdefghijklmnopqrstuvwxyz",
    }
    code, err = failed("serve", "--store", store, "--port", 0, **secrets)
    assert code == 2 and wanted in err
    assert re.search(r"session(\.|: )configure", err)


def changed_store(store, folder, old, new):
    """A copy of the corpus `support` with another manifest, without the exported models."""
    shutil.copytree(store / "support", folder / "support")
    manifest = next((folder / "support").glob("*/manifest.json"))
    text = manifest.read_bytes()
    assert old in text
    manifest.write_bytes(text := text.replace(old, new))
    digest = hashlib.sha256(text).hexdigest()
    manifest.with_suffix(".sha256").write_text(f"{digest}  manifest.json\n")
    return folder


@pytest.mark.parametrize(
    ("old", "new", "code", "wanted"),
    [
        (b'"schema_version": 1', b'"schema_version": 99', 3, "schema version 99"),
        (b'"dim": 384', b'"dim": 768', 3, "length 768"),
        (b'"fingerprint": "c', b'"fingerprint": "d', 3, "now holds"),
        (b'"fingerprint": "c', b'"fingerprint": "/', 3, "a fingerprint is 32"),
        (
            b'"name": "all-MiniLM-L6-v2"',
            b'"name": "/no/such/model"',
            4,
            "/no/such/model",
        ),
    ],
)
def test_a_snapshot_that_cannot_be_searched_is_refused_with_the_command_that_rebuilds(
    failed, store, tmp_path, old, new, code, wanted
):
    copy = changed_store(store, tmp_path / "copy", old, new)
    found, err = failed(
        "serve",
        "--store",
        copy,
        "--port",
        0,
        KBSERVER_MODELS=str(tmp_path / "models"),
    )
    assert found == code
    assert wanted in err and err.count("\n") == 1
    assert f"kbserver ingest PATH --corpus support --store {copy}" in err


def without_passages(store, folder, *corpora):
    """A copy of a store in which these corpora cannot be opened."""
    copy = shutil.copytree(store, folder, symlinks=True)
    for corpus in corpora:
        live = (copy / corpus / "LIVE").read_text().strip()
        (copy / corpus / live / "passages.jsonl").unlink()
    return copy


@pytest.mark.parametrize("workers", [1, 2])
def test_it_leaves_with_one_line_if_no_corpus_can_be_opened(store, tmp_path, workers):
    copy = without_passages(store, tmp_path / "copy", "hotels", "support")
    options = ("--store", copy, "--port", 0, "--workers", workers)
    process = run("serve", *options, cwd=tmp_path)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert err.count("\n") == 1 and "passages.jsonl: missing" in err
    assert "kbserver ingest PATH --corpus hotels" in err


def test_one_damaged_corpus_is_said_and_the_others_are_served(store, tmp_path):
    copy = without_passages(store, tmp_path / "copy", "hotels")
    (copy / "support" / "calibration.json").write_text("[" * 50_000)
    process = run("serve", "--store", copy, "--port", 0, cwd=tmp_path)
    try:
        lines = []
        for line in process.stderr:
            lines.append(line)
            if found := re.search(r"kb_endpoint\s+(http://\S+)/kb", line):
                break
        said = [line for line in lines if " ERROR " in line]
        assert any("corpus hotels: " in line and "missing" in line for line in said)
        assert any("calibration.json: cannot be used" in line for line in said)
        assert len(said) == 2
        headers = {"Authorization": f"Bearer {TOKEN}"}
        ask = {"session_label": "support", "query": "how do i reset the router"}
        answer = httpx2.post(f"{found[1]}/kb", json=ask, headers=headers, timeout=60)
        assert "ten seconds" in answer.json()["context"]
        page = httpx2.get(f"{found[1]}/metrics").text
        assert 'kbserver_corpus_failing{corpus="hotels"} 1.0' in page
    finally:
        process.kill()
        process.communicate(timeout=60)


def test_a_watched_folder_is_ingested_at_the_start_and_followed(store, tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / ".models").symlink_to(store / ".models")
    (tmp_path / "help").mkdir()
    (tmp_path / "help" / "hours.md").write_text(
        "# Opening hours\n\nWe are open from 9 to 5.\n", encoding="utf-8"
    )
    process = run(
        "serve",
        "--store",
        "store",
        "--port",
        0,
        "--watch",
        "help",
        cwd=tmp_path,
    )
    try:
        lines = []
        for line in process.stderr:
            lines.append(line)
            if found := re.search(r"kb_endpoint\s+(http://\S+)/kb", line):
                break
        else:
            pytest.fail("".join(lines))
        ask = {"session_label": "help", "query": "where can i park my bicycle"}
        headers = {"Authorization": "Bearer test-token"}
        (tmp_path / "help" / "bikes.md").write_text(
            "# Bicycles\n\nPark your bicycle behind the house.\n", encoding="utf-8"
        )

        def is_found():
            answer = httpx2.post(f"{found[1]}/kb", json=ask, headers=headers)
            return "behind the house" in answer.json()["context"]

        wait_until(is_found)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def test_the_console_is_served_beside_it_and_ends_with_it(store, tmp_path):
    (tmp_path / "kbserver.toml").write_text("[console]\nport = 0\n")
    arguments = ("serve", "--store", store, "--port", 0, "--console")
    process = run(*arguments, cwd=tmp_path)
    try:
        link = next(
            found[0]
            for line in process.stderr
            if (found := re.search(r"http://\S+/open/\S+", line))
        )
        with httpx2.Client() as browser:
            opened = browser.get(link)
            assert opened.status_code == 303
            page = browser.get(httpx2.URL(link).join(opened.headers["location"]))
            assert page.status_code == 200 and "<h1>Today</h1>" in page.text
            process.terminate()
            process.communicate(timeout=60)
            with pytest.raises(httpx2.ConnectError):
                browser.get(link)
    finally:
        process.kill()
        process.communicate(timeout=60)


def test_a_server_of_ones_own_says_where_it_listens_and_leaves_quietly(store, tmp_path):
    code = (
        f"from kbserver import KBServer\nKBServer(store={str(store)!r}, port=0).run()\n"
    )
    variables = os.environ | {"KB_TOKEN": TOKEN}
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=variables,
    )
    try:
        said = [process.stderr.readline()]
        while "listening" not in said[-1]:
            said.append(process.stderr.readline())
        url = re.fullmatch(r"kbserver is listening: (http://\S+)/kb\n", said[-1])[1]
        assert process.stderr.readline() == (
            "labels: hotels → hotels, support → support\n"
        )
        served = r"20\S+Z INFO corpus support: serving generation \S+ with 4 passages\n"
        assert any(re.fullmatch(served, line) for line in said)
        assert httpx2.get(f"{url}/healthz").status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60)[1] == "" and process.returncode == 0
    finally:
        process.kill()


def test_a_server_of_ones_own_that_cannot_be_served_says_so_in_a_line(tmp_path):
    code = "from kbserver import KBServer\nKBServer(store='nowhere', port=0).run()\n"
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"KB_TOKEN": TOKEN},
    )
    assert found.returncode == 3
    assert found.stderr.startswith("error: ") and "Traceback" not in found.stderr


def test_two_watched_folders_of_one_corpus_are_refused():
    assert _folders(["docs", "b=docs"]) == {"docs": Path("docs"), "b": Path("docs")}
    with pytest.raises(SettingsError, match=r"corpus 'a'.*CORPUS=FOLDER"):
        _folders(["a=one", "a=two"])


def test_a_worker_in_place_of_one_that_died_has_the_settings_of_now(tmp_path, caplog):
    file = tmp_path / "kbserver.toml"

    def write(token, port):
        file.write_text(f"port = {port}\n[[tokens]]\nvalue = '{token}'\n")

    write("first-token", 1234)
    read = partial(read_settings, file)
    with contextlib.closing(make_shelf()) as shelf:
        make = _Worker(read, file, read(), lambda **_: None, None, shelf, (), None)
        write("second-token", 5678)
        server = make()
        bearer = {"authorization": "Bearer second-token"}
        assert server.check_tokens().check(bearer).kind == "static"
        assert server.settings.port == 1234  # a start alone changes it
        file.write_text("port = [")
        assert make().settings.tokens == make.settings.tokens
    assert "those of the start" in caplog.text
