import itertools

import pytest

from kbserver.embedding.plan import Backend, Plan, Precision, choose
from kbserver.errors import ModelError

EXACT_THEN_TORCH = Plan("torch", makes_exact=True, makes_int8=True, falls_back=True)
PASSAGES = [
    ("auto", "auto", False, Plan("onnx", makes_int8=True, falls_back=True)),
    ("auto", "cpu", True, Plan("onnx", makes_int8=True, falls_back=True)),
    ("auto", "auto", True, EXACT_THEN_TORCH),
    ("auto", "cuda:1", False, EXACT_THEN_TORCH),
    ("onnx", "auto", True, Plan("onnx", makes_int8=True)),
    ("onnx", "cpu", False, Plan("onnx", makes_int8=True)),
    ("torch", "auto", False, Plan("torch")),
    ("torch", "mps", False, Plan("torch")),
]
QUERIES = [
    ("auto", "auto", "auto", Plan("onnx", "auto", falls_back=True)),
    ("auto", "fp32", "cpu", Plan("onnx", "fp32", falls_back=True)),
    ("auto", "int8", "auto", Plan("onnx", "int8")),
    ("auto", "auto", "cuda", Plan("torch", makes_exact=True, falls_back=True)),
    ("onnx", "auto", "cpu", Plan("onnx", "auto")),
    ("onnx", "int8", "auto", Plan("onnx", "int8")),
    ("torch", "auto", "cuda", Plan("torch")),
    ("torch", "fp32", "auto", Plan("torch")),
]
EXCLUDED = [
    ("auto", "int8", "auto", False, "int8 is for queries only"),
    ("torch", "int8", "auto", True, "int8 needs the backend onnx, found torch"),
    ("auto", "int8", "cuda", True, "int8 runs on the CPU, found device cuda"),
    ("onnx", "fp32", "cuda", True, "onnx runs on the CPU, found device cuda"),
    ("onnx", "auto", "mps", False, "onnx runs on the CPU, found device mps"),
]


@pytest.mark.parametrize("precision", ["auto", "fp32"])
@pytest.mark.parametrize(("backend", "device", "has_accelerator", "wanted"), PASSAGES)
def test_passages_are_embedded_exactly_and_exports_made_for_serving(
    backend: Backend,
    device: str,
    has_accelerator: bool,
    wanted: Plan,
    precision: Precision,
) -> None:
    plan = choose(
        backend=backend,
        precision=precision,
        device=device,
        for_queries=False,
        has_accelerator=has_accelerator,
    )
    assert plan == wanted


@pytest.mark.parametrize("has_accelerator", [True, False])
@pytest.mark.parametrize(("backend", "precision", "device", "wanted"), QUERIES)
def test_queries_run_on_the_cpu_unless_a_device_is_named(
    backend: Backend,
    precision: Precision,
    device: str,
    wanted: Plan,
    has_accelerator: bool,
) -> None:
    plan = choose(
        backend=backend,
        precision=precision,
        device=device,
        for_queries=True,
        has_accelerator=has_accelerator,
    )
    assert plan == wanted


@pytest.mark.parametrize(
    ("backend", "precision", "device", "for_queries", "complaint"), EXCLUDED
)
def test_options_that_exclude_each_other_are_refused(
    backend: Backend,
    precision: Precision,
    device: str,
    for_queries: bool,
    complaint: str,
) -> None:
    with pytest.raises(ModelError, match=complaint):
        choose(
            backend=backend,
            precision=precision,
            device=device,
            for_queries=for_queries,
            has_accelerator=False,
        )


def test_no_plan_contradicts_what_was_insisted_on() -> None:
    combinations = itertools.product(
        ("auto", "onnx", "torch"),
        ("auto", "fp32", "int8"),
        ("auto", "cpu", "cuda"),
        (True, False),
        (True, False),
    )
    planned = 0
    for backend, precision, device, for_queries, has_accelerator in combinations:
        try:
            plan = choose(
                backend=backend,  # type: ignore[arg-type]  # product() forgets the literals
                precision=precision,  # type: ignore[arg-type]  # likewise
                device=device,
                for_queries=for_queries,
                has_accelerator=has_accelerator,
            )
        except ModelError:
            continue
        planned += 1
        assert backend in ("auto", plan.backend)
        if backend == "onnx" or precision == "int8":
            assert plan.backend == "onnx" and not plan.falls_back
        if not for_queries:
            assert plan.precision == "fp32"
        if plan.backend == "onnx":
            assert device in ("auto", "cpu")
    assert planned > 20
