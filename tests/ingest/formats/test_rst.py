import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block

LINES = (
    "",
    "Title",
    "=====",
    "-----",
    "Some *words* and ``code``.",
    "* item",
    "   more of it",
    ".. note:: Keep it.",
    ".. unknown:: argument",
    "   :option: value",
    ":field: value",
    "+---+",
    "| a |",
    "`broken <",
    "|x|_",
    "::",
)

RST = """\
:valid_until: 2027-01-01

Handbook
========

See :ref:`the prices <prices>`, ``code`` and `a link <https://x.example>`_.

.. versionadded:: 3.2
   New *thing* here.

.. toctree::
   :maxdepth: 2

   chapter-one

Prices
------

.. list-table:: From May
   :header-rows: 1

   * - Plan
     - Price
   * - A
     - $5

You need:

#. a passport
#. a form

.. code-block:: python
   :linenos:

   print(1)

term
   What it means.

.. include:: /etc/passwd

.. raw:: html

   <b>raw</b>
"""


def test_restructuredtext_is_read_with_sphinxs_directives_and_roles(read, capfd):
    [document] = read("a.rst", RST)
    assert document.title == "Handbook"
    assert document.metadata == {"valid_until": "2027-01-01", "folder": ""}
    assert document.blocks == (
        Block("paragraph", "See the prices, code and a link."),
        Block("paragraph", "3.2 New thing here."),
        Block("heading", "Prices", 2),
        Block("paragraph", "From May"),
        Block("table_row", "Plan: A; Price: $5.", lead_in="From May"),
        Block("paragraph", "You need:"),
        Block("list_item", "1. a passport", 1, "You need:"),
        Block("list_item", "2. a form", 1, "You need:"),
        Block("code", "print(1)"),
        Block("list_item", "term: What it means.", 1),
    )
    assert capfd.readouterr() == ("", "")


def test_text_that_is_not_quite_restructuredtext_is_kept(read):
    [document] = read(
        "a.rst",
        "Title\n===\n\nText with *unclosed emphasis and |nothing|.\n\n.. wrong\n  Indent\n",
    )
    assert "unclosed emphasis" in " ".join(block.text for block in document.blocks)


def test_a_note_carries_its_name_in_its_sentence(read):
    [document] = read(
        "a.rst",
        "Guide\n=====\n\n.. warning:: Switch it off first.\n\n.. note::\n\n   Keep the key.\n",
    )
    assert [block.text for block in document.blocks] == [
        "Warning: Switch it off first.",
        "Note: Keep the key.",
    ]


def test_unknown_fields_at_the_top_stay_text(read):
    [document] = read("a.rst", ":author: Ann\n\nText.\n")
    assert document.metadata == {"folder": ""}
    assert "Text." in [block.text for block in document.blocks]


def test_files_of_the_machine_are_not_included(read, tmp_path):
    (tmp_path / "secret.txt").write_text("secret words")
    text = (
        "Text.\n\n.. include:: secret.txt\n\n.. csv-table::\n   :file: secret.txt\n\n"
        ".. literalinclude:: secret.txt\n"
    )
    [document] = read("a.rst", text)
    assert "secret words" not in str(document.blocks)


@pytest.mark.parametrize(
    ("role", "shown"),
    [
        (":ref:`the prices <prices>`", "the prices"),
        (":class:`~package.Class`", "package.Class"),
        (":kbd:`Ctrl`", "Ctrl"),
        (":ref:`prices`", "prices"),
    ],
)
def test_a_role_is_read_as_what_it_shows(read, role, shown):
    [document] = read("a.rst", f"See {role} here.\n")
    assert document.blocks[0].text == f"See {shown} here."


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=12).map("\n".join))
def test_no_text_brings_the_reader_down(read, text):
    try:
        [document] = read("a.rst", text)
    except DocumentUnreadable as exc:
        assert exc.reason in ("empty", "no text in it")
    else:
        assert document.blocks


def test_what_only_some_readers_see_is_left_out_and_named(read):
    [document] = read(
        "a.rst",
        "Open.\n\n.. only:: internal\n\n   Gate 9.\n\n.. only:: html\n\n   Daily.\n\n"
        ".. ifconfig:: staff\n\n   Psst.\n\n.. todo:: ask Kim\n",
    )
    assert [block.text for block in document.blocks] == ["Open.", "Daily."]
    assert document.notes == (
        "left out 3 unpublished parts (only internal, ifconfig staff, todo ask Kim)",
    )


def test_what_stands_in_other_files_is_named(read):
    [document] = read(
        "a.rst",
        "Open.\n\n.. include:: fees.rst\n\n.. literalinclude:: a.py\n   :lines: 1\n\n"
        ".. csv-table:: Fees\n   :header: a\n   :file: fees.csv\n\n"
        ".. raw:: html\n\n   <p>R</p>\n\n"
        ".. graphviz::\n\n   a -> b\n\n.. automodule:: acme\n",
    )
    assert [block.text for block in document.blocks] == ["Open."]
    assert document.notes == tuple(
        f"not spoken: {what}; write in the text what callers need"
        for what in (
            "3 includes (fees.csv, fees.rst, a.py)",
            "1 raw part (html)",
            "1 drawing or query (graphviz)",
            "1 generated part (acme)",
        )
    )


def test_roles_that_strike_out_are_not_said(read):
    text = ".. role:: strike\n\nIt is :strike:`$99` :del:`$98` $49 and |unknown|.\n"
    [document] = read("a.rst", text)
    assert [block.text for block in document.blocks] == ["It is $49 and |unknown|."]
    assert document.notes == ("left out 2 struck-out texts",)


def test_letters_of_a_list_stay(read):
    text = (
        "a. No pets.\n#. No smoking.\n\nText.\n\nC. Cee\n\nText.\n\niv. Four\n#. Five\n"
    )
    [document] = read("a.rst", text)
    assert [block.text for block in document.blocks if block.kind == "list_item"] == [
        "a. No pets.", "b. No smoking.", "C. Cee", "iv. Four", "v. Five",
    ]  # fmt: skip
