import pytest

from kbserver.endpoint.routing import Route, RouteTable, import_handler, table_for
from kbserver.errors import SettingsError
from kbserver.labels import LabelPattern
from kbserver.settings import RouteSettings, Settings, TurnSettings


def a_route(pattern, *corpora, scope=None):
    return Route(LabelPattern(pattern), corpora or ("c",), TurnSettings(), scope or {})


def settings_with(*routes):
    return Settings(routes=tuple(RouteSettings(**route) for route in routes))


def test_a_route_says_in_a_line_what_answers():
    def answer(turn):
        return None

    where = dict(settings=TurnSettings(), origin="here")
    assert (
        str(Route(LabelPattern("a-*"), ("one", "two"), **where)).split()
        == "a-* → one, two (here)".split()
    )
    line = str(Route(LabelPattern("b"), (), handler=answer, **where))
    assert (
        line.endswith("<locals>.answer   (here)") and "→ any corpus, by tests." in line
    )


def test_the_first_match_answers():
    table = RouteTable(
        [
            a_route("billing-vip", "vip"),
            a_route("billing-*", "billing"),
            a_route("*", "rest"),
        ]
    )
    assert table.resolve("billing-vip").route.corpora == ("vip",)
    assert table.resolve("billing-eu").route.corpora == ("billing",)
    assert table.resolve("other").route.corpora == ("rest",)
    assert table.resolve(None).route.corpora == ("rest",)


def test_an_unknown_or_absent_label_reaches_nothing_without_a_default_route():
    table = RouteTable([a_route("support")])
    assert table.resolve("sales") is None
    assert table.resolve("") is None
    assert table.resolve(None) is None


def test_label_parameters_are_bound_into_the_scope():
    match = RouteTable(
        [a_route("hotel-{id}", scope={"folder": "hotels/{id}", "lang": "en"})]
    ).resolve("hotel-7")
    assert match.parameters == {"id": "7"}
    assert match.scope == {"folder": "hotels/7", "lang": "en"}


def test_explaining_names_every_route_that_was_tried():
    table = RouteTable([a_route("a"), a_route("b-*"), a_route("c")])
    assert [(route.pattern.pattern, fits) for route, fits in table.explain("b-1")] == [
        ("a", False),
        ("b-*", True),
    ]
    assert [fits for _, fits in table.explain("zzz")] == [False, False, False]


def test_with_no_configuration_a_single_corpus_answers_every_label():
    table = table_for(Settings(), (), ["docs"])
    assert table.resolve("whatever").route.corpora == ("docs",)
    assert table.resolve(None).route.corpora == ("docs",)


def test_with_no_configuration_of_several_corpora_each_answers_its_own_name():
    table = table_for(Settings(), (), ["billing", "hotels"])
    assert table.resolve("billing").route.corpora == ("billing",)
    assert table.resolve("other") is None
    assert table.resolve(None) is None


def test_python_routes_come_before_those_of_the_file():
    table = table_for(
        settings_with({"label": "*", "corpora": ["docs"]}),
        [a_route("vip", "docs")],
        ["docs"],
    )
    assert [route.pattern.pattern for route in table.routes] == ["vip", "*"]


def test_a_route_to_a_corpus_that_is_not_there_is_an_error_with_the_command_that_makes_it():
    with pytest.raises(SettingsError, match="kbserver ingest FOLDER --corpus hotels"):
        table_for(settings_with({"label": "a", "corpora": ["hotels"]}), (), ["docs"])


def test_handlers_are_imported_by_name():
    import json

    assert import_handler("json:dumps") is json.dumps
    for target, complaint in [
        ("json", "package.module:function"),
        ("no_such_module_here:f", "cannot import"),
        ("json:nope", "no function 'nope'"),
        ("json:__name__", "no function"),
    ]:
        with pytest.raises(SettingsError, match=complaint):
            import_handler(target)


def test_a_handler_in_the_working_directory_is_found(tmp_path, monkeypatch):
    import sys

    (tmp_path / "my_own_handlers.py").write_text(
        "def vip(turn):\n    return 'hello'\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    assert import_handler("my_own_handlers:vip")(None) == "hello"


def test_the_corpus_that_was_alone_goes_on_answering_what_no_other_does():
    table = table_for(settings_with(), [], ["b", "docs"], first="docs")
    assert table.summary() == "b → b, docs → docs, * → docs"
    assert table.is_automatic
    written = table_for(
        settings_with({"label": "b", "corpora": ["b"]}), [], ["b", "docs"], first="docs"
    )
    assert written.summary() == "b → b" and not written.is_automatic
    assert table_for(settings_with(), [], ["b"], first="docs").summary() == "* → b"


def test_a_route_below_one_that_fits_all_its_labels_is_named():
    below = a_route("vip-*")
    table = RouteTable([a_route("a"), a_route("*"), below, a_route("a")])
    named = [
        (route.pattern.pattern, earlier.pattern.pattern)
        for route, earlier in table.never_reached()
    ]
    assert named == [("vip-*", "*"), ("a", "a")]
