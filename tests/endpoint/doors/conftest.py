"""What doors are tried with: a context of two passages and a fixed text, and any JSON."""

import pytest
from hypothesis import strategies as st

from kbserver.retrieval.context import Context, ContextPassage
from kbserver.types import Hit, Passage

TITLED = Passage(
    "id-1",
    "Hold the **button**.",
    title="Reset",
    source="router/reset.md",
    metadata={"url": "https://example.com/reset"},
)
PLAIN = Passage("id-2", "Bills cost £2.", source="bills.txt")


@pytest.fixture
def context():
    passages = (
        ContextPassage("id-1", "Hold the button.", 0.91234, Hit(TITLED, 0.91234)),
        ContextPassage("id-2", "Bills cost £2.", 0.5, Hit(PLAIN, 0.5)),
    )
    return Context("- Reset: Hold the button.\n- Bills cost 2 pounds.", passages)


@pytest.fixture
def fixed():
    text = "Please call us."
    return Context(text, (ContextPassage("fallback", text, float("nan")),))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["support", "user", "and", "is", "eq", "2.0", "tools/call"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "query label message messages messagesOpenAIFormatted type role content "
                "knowledge_id retrieval_setting top_k score_threshold filters key value "
                "metadata_condition conditions name comparison_operator args arguments call "
                "id jsonrpc method params _meta ranking_options max_num_results".split()
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
