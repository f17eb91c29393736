"""What the doctor finds on this machine and at an endpoint."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.cli.conftest import TOKEN
from tests.omni.conftest import Endpoint


def test_doctor_reports_a_healthy_endpoint_and_an_ill_one(
    run, endpoint: Endpoint, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    healthy = run("doctor", endpoint.url, "--query", "reset my pin")
    assert healthy.exit_code == 0
    assert "healthy" in healthy.stderr and "store is not here" in healthy.stdout
    endpoint.status = 404
    ill = run("doctor", endpoint.url, "--turns", "3", "--json")
    assert ill.exit_code == 1
    report = json.loads(ill.stdout)
    assert report["verdict"] == "wrong_path"
    assert [
        finding["next_step"]
        for finding in report["findings"]
        if finding["grade"] == "fail"
    ][0]
    assert TOKEN not in healthy.output + ill.output


def test_doctor_finds_the_public_url_and_checks_the_store_here(
    run, store: Path, monkeypatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PUBLIC_URL", "https://10.1.2.3")
    result = run("doctor", "--store", str(store), "--json")
    report = json.loads(result.stdout)
    found = {finding["check"]: finding for finding in report["findings"]}
    assert report["url"] == "https://10.1.2.3/kb"
    assert report["verdict"] == "not_public"
    assert (
        found["corpus support"]["grade"]
        == found["corpus hotels"]["grade"]
        == found["model"]["grade"]
        == "ok"
    )
    assert "documents, english, intact" in found["corpus support"]["found"]
    assert found["routes and keys"]["found"] == "hotels, support"
    report = json.loads(
        run("doctor", "--store", str(tmp_path / "nowhere"), "--json").stdout
    )
    assert (report["verdict"], report["findings"][1]["next_step"]) == (
        "store",
        "kbserver ingest ./docs",
    )


def test_doctor_offers_no_rollback_where_there_is_nothing_to_go_back_to(
    run, store: Path, monkeypatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PUBLIC_URL", "https://10.1.2.3")
    shutil.copytree(store, tmp_path / "store", symlinks=True)
    [passages] = (tmp_path / "store" / "support").glob("*/passages.jsonl")
    passages.write_bytes(passages.read_bytes() + b"x")
    result = run("doctor", "--store", str(tmp_path / "store"), "--json")
    found = {one["check"]: one for one in json.loads(result.stdout)["findings"]}
    step = found["corpus support"]["next_step"]
    assert "kbserver ingest PATH --corpus support" in step
    assert "kbserver rollback" not in step


def test_doctor_reports_settings_that_cannot_be_read(run, tmp_path: Path) -> None:
    (tmp_path / "kbserver.toml").write_text("prot = 1\n")
    report = json.loads(
        run("doctor", "--config", str(tmp_path / "kbserver.toml"), "--json").stdout
    )
    assert (report["url"], report["verdict"]) == (None, "settings")
    assert "port" in report["findings"][0]["found"]


def test_doctor_names_a_route_with_which_the_server_would_not_start(
    run, store: Path, tmp_path: Path
) -> None:
    (tmp_path / "kbserver.toml").write_text(
        '[[routes]]\nlabel = "x"\ncorpora = ["suport"]\n'
    )
    here = (
        "doctor",
        "--config",
        str(tmp_path / "kbserver.toml"),
        "--store",
        str(store),
        "--json",
    )
    finding = {
        finding["check"]: finding
        for finding in json.loads(run(*here).stdout)["findings"]
    }["routes and keys"]
    assert (finding["grade"], finding["cause"]) == ("fail", "settings")
    assert (
        "suport" in finding["found"]
        and "kbserver serve refuses" in finding["next_step"]
    )
    elsewhere = json.loads(
        run(*here, "https://10.1.2.3/kb").stdout
    )  # the server there has settings of its own
    assert elsewhere["verdict"] == "not_public"
