import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.index.scopes import ScopeTable, ScopeWriter

FOLDERS = st.lists(st.sampled_from(["hotels", "7", "70", "ä b", "."]), max_size=4).map(
    "/".join
)
SCALARS = st.sampled_from(["gold", "", "7", 7, 7.5, True, False, None])
METADATA = st.fixed_dictionaries(
    {},
    optional={
        "folder": FOLDERS,
        "tier": SCALARS,
        "tags": st.lists(SCALARS, max_size=3),
        "more": st.just({"a": 1}),
    },
)


def table_of(folder, *metadata) -> ScopeTable:
    writer = ScopeWriter()
    for one in metadata:
        writer.add(one)
    writer.write(folder)
    return ScopeTable.open(folder)


def rows(table, **scope):
    found = table.rows(scope)
    assert found is not None and found.dtype == np.int64
    return found.tolist()


def test_a_folder_matches_itself_and_everything_below_it_and_no_namesake(tmp_path):
    table = table_of(
        tmp_path,
        *(
            {"folder": f}
            for f in [
                "hotels/7",
                "hotels/70",
                "hotels/7/spa",
                "hotels",
                "",
                "7",
                "/hotels/7/",
            ]
        ),
    )
    assert rows(table, folder="hotels/7") == [0, 2, 6]
    assert rows(table, folder="/hotels/7/") == [0, 2, 6]
    assert rows(table, folder="hotels") == [0, 1, 2, 3, 6]
    assert rows(table, folder="") == [0, 1, 2, 3, 4, 5, 6]
    assert rows(table, folder="hotel") == rows(table, folder="Hotels/7") == []
    assert (
        rows(table, folder="hotels/7/../70")
        == rows(table, folder="hotels/*")
        == rows(table, folder="hotels/.")
        == []
    )


def test_values_are_found_as_text_and_lists_by_each_element(tmp_path):
    table = table_of(
        tmp_path,
        {"tier": "gold"},
        {"tier": 7},
        {"tier": "7"},
        {"tier": True},
        {"tags": ["a", 1, ["b"]]},
        {"tier": None},
    )
    assert rows(table, tier="gold") == [0]
    assert rows(table, tier="7") == [1, 2]
    assert rows(table, tier="true") == [3]
    assert rows(table, tags="1") == rows(table, tags="b") == [4]
    assert rows(table, tier="None") == rows(table, tier="null") == []


def test_every_key_must_match_and_an_unknown_one_matches_nothing(tmp_path):
    table = table_of(
        tmp_path, {"a": "1", "b": "1"}, {"a": "1", "b": "2"}, {"a": "2", "b": "2"}
    )
    assert rows(table, a="1", b="2") == [1]
    assert rows(table, a="1") == [0, 1]
    assert rows(table, a="1", nosuch="x") == rows(table, nosuch="") == []


def test_no_scope_is_no_filter(tmp_path):
    assert table_of(tmp_path, {"a": "1"}).rows({}) is None


def test_key_and_value_do_not_run_into_each_other(tmp_path):
    table = table_of(tmp_path, {"ab": "c"}, {"a": "bc"}, {"1:a": "b"})
    assert rows(table, ab="c") == [0]
    assert rows(table, a="bc") == [1]
    assert (
        table.values("ab") == ["c"]
        and table.values("a") == ["bc"]
        and table.values("nosuch") == []
    )


def test_an_empty_table_has_no_rows(tmp_path):
    table = table_of(tmp_path)
    assert rows(table, folder="") == []
    assert table.rows({}) is None


def plainly(metadata, scope) -> bool:
    def texts(value):
        if isinstance(value, bool):
            return {str(value).lower()}
        if isinstance(value, list):
            return set().union(*map(texts, value))
        return set() if value is None or isinstance(value, dict) else {str(value)}

    for key, wanted in scope.items():
        if key not in metadata:
            return False
        if key == "folder":
            wanted, folder = wanted.strip("/"), metadata[key].strip("/")
            if not (
                wanted == "" or folder == wanted or folder.startswith(wanted + "/")
            ):
                return False
        elif wanted not in texts(metadata[key]):
            return False
    return True


@given(
    st.lists(METADATA, max_size=30),
    st.dictionaries(
        st.sampled_from(["folder", "tier", "tags", "more", "x"]),
        FOLDERS | SCALARS.map(str),
        min_size=1,
    ),
)
def test_any_scope_gives_exactly_the_rows_a_plain_filter_gives(
    tmp_path_factory, metadata, scope
):
    scope = {
        key: str(value).lower() if value in ("True", "False") else str(value)
        for key, value in scope.items()
    }
    table = table_of(tmp_path_factory.mktemp("scopes"), *metadata)
    assert table.rows(scope).tolist() == [
        row for row, one in enumerate(metadata) if plainly(one, scope)
    ]


@pytest.mark.parametrize("size", [1, 5000])
def test_passages_of_one_document_cost_one_run(tmp_path, size):
    metadata = {"folder": "a/b", "lang": "en"}
    table = table_of(
        tmp_path, *([metadata] * size), {"folder": "c"}, *([metadata] * size)
    )
    assert rows(table, folder="a") == [*range(size), *range(size + 1, 2 * size + 1)]
